from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from chatbot.errors import ImportRefused
from chatbot.importers import files
from chatbot.importers.files import sources
from chatbot.types import Example

from .conftest import Import, Refusal

CSV = "text,intent\ncafé,a\n"


def packed(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark(load: Import, encoding: str) -> None:
    assert [each.value for each in load("e.csv", CSV.encode(encoding)).records] == [
        Example("café", "a", source="e.csv")
    ]


def test_another_encoding_names_byte_line_and_cure(refusal: Refusal) -> None:
    assert refusal("e.csv", CSV.encode("cp1252")) == (
        "e.csv, line 2: byte 0xE9 at position 15 is not UTF-8 "
        '(in Windows-1252 it would be "é"); save the file as UTF-8, in Excel as "CSV UTF-8"'
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "e.csv is empty"),
        (b" \n", "e.csv is empty"),
        (CSV.encode("utf-16-le"), "looks like UTF-16 without its mark"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\xd0\xcf\x11\xe0old", "an old Excel or Word file; save it as .xlsx or as CSV"),
        (b"ab\0cdef\1" * 50, "is binary, not text"),
        (b"\xff\xfea", "begins as UTF-16 and breaks"),
        (b"PK\x03\x04abc", "is damaged or cut off"),
    ],
)
def test_files_that_cannot_be_read(refusal: Refusal, data: bytes, words: str) -> None:
    assert words in refusal("e.csv", data)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="does not exist"):
        list(sources([tmp_path / "no.csv"]))


def test_too_large(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILE_LIMIT", 10)
    assert "e.csv is larger than 0 MB; split it" in refusal("e.csv", CSV)


def test_what_is_neither_file_nor_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", Path("/dev/zero")):
        with pytest.raises(ImportRefused, match="is neither a file nor a folder; give one of these"):
            list(sources([path]))


def test_folders_give_their_known_files_sorted(tmp_path: Path) -> None:
    for name in ("b.csv", "a.jsonl", "readme.md", ".hidden.csv", "sub/c.tsv", ".git/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [each.name.removeprefix(f"{tmp_path}/") for each in sources([tmp_path])] == ["a.jsonl", "b.csv", "sub/c.tsv"]


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="holds no file to import"):
        list(sources([tmp_path]))


def test_members_of_an_archive(load: Import) -> None:
    data = packed({"a/one.csv": CSV.encode(), "__MACOSX/one.csv": b"x", "b.txt": b"x"})
    record = load("all.zip", data).records[0]
    assert str(record.place).endswith("all.zip/a/one.csv, line 2")


def test_bombs(refusal: Refusal) -> None:
    data = bytearray(packed({"one.csv": CSV.encode()}))
    size = data.index(b"PK\x01\x02") + 24
    data[size : size + 4] = (201 * 1024 * 1024).to_bytes(4, "little")
    assert refusal("all.zip", bytes(data)) == "all.zip unpacks to 201 MB; the limit is 200 MB"


def test_unusual_packing_and_empty_archives(refusal: Refusal) -> None:
    assert "unusual way" in refusal("all.zip", packed({"a.csv": CSV.encode()}, zipfile.ZIP_LZMA))
    assert "holds no file to import" in refusal("all.zip", packed({"a.txt": b"x"}))
    assert refusal("all.zip", packed({"a.csv": b""})) == "all.zip/a.csv is empty"


def test_locked_archive(refusal: Refusal) -> None:
    data = bytearray(packed({"a.csv": CSV.encode()}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "locked with a password" in refusal("all.zip", bytes(data))


def test_a_file_name_that_moves_the_cursor(refusal: Refusal) -> None:
    assert refusal("e\x1b[2J.csv", CSV) == "e\ufffd[2J.csv has a character in its name that cannot be seen; rename it"
