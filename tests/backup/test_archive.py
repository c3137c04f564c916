"""The file of a backup: read by others, and never trusted."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chatbot.backup.archive import MANIFEST, SUMS, belongs, opened, writing
from chatbot.errors import BackupRefused

MADE_AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
FILES = {"chatbot.db": b"rows" * 5000, "models/CURRENT": b"v1", "models/v1/encoder/model.bin": bytes(range(256)) * 9}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "backup.tar"
    with writing(made, made_at=MADE_AT) as writer:
        for name, content in FILES.items():
            (tmp_path / "content").write_bytes(content)
            writer.add(name, tmp_path / "content")
        writer.seal(program="0.1.0", schema="0007", active="v1", versions=("v1",))
    return made


def check(file: Path) -> None:
    with opened(file) as archive:
        archive.check()


def test_it_comes_back_as_it_went_in(file: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with opened(file) as archive:
        archive.check()
        manifest = archive.manifest
        for name, content in FILES.items():
            archive.unpack(name, tmp_path / "out", mode=0o444)
            assert (tmp_path / "out").read_bytes() == content
            (tmp_path / "out").unlink()
    assert (manifest.format, manifest.made_at, manifest.schema, manifest.versions) == (1, MADE_AT, "0007", ("v1",))
    assert list(manifest.files) == [*FILES, SUMS]
    assert manifest.files["chatbot.db"].sha256 == hashlib.sha256(FILES["chatbot.db"]).hexdigest()


def test_tar_and_sha256sum_bring_it_back_without_this_program(file: Path, tmp_path: Path) -> None:
    (tmp_path / "by-hand").mkdir()
    for command in (["tar", "xf", str(file)], ["sha256sum", "--check", "--quiet", SUMS]):
        subprocess.run([str(shutil.which(command[0])), *command[1:]], cwd=tmp_path / "by-hand", check=True, timeout=60)
    assert (tmp_path / "by-hand" / "models" / "v1" / "encoder" / "model.bin").read_bytes() == FILES[
        "models/v1/encoder/model.bin"
    ]
    with tarfile.open(file) as tar:
        assert tar.getnames()[-1] == MANIFEST, "an archive that was cut off has none"


def test_every_cut_and_every_changed_byte_is_found(file: Path, tmp_path: Path) -> None:
    whole, chance, harmless = file.read_bytes(), random.Random(6), 0
    broken = tmp_path / "broken.tar"
    end = whole.rindex(b"}")  # of the manifest; behind it stand zeros
    for place in (0, 1, 512, 600, *(chance.randrange(end) for _ in range(60))):
        broken.write_bytes(whole[:place])
        with pytest.raises(BackupRefused):
            check(broken)
        broken.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        try:
            check(broken)
        except BackupRefused:
            continue
        harmless += 1  # the filling between two files, an owner's name, a time
        with opened(broken) as archive:
            told = {name: content.sha256 for name, content in archive.manifest.files.items() if name in FILES}
        assert told == {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    assert harmless < 20


Change = Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]


def rewritten(file: Path, change: Change, *, told: dict[str, Any] | None = None) -> Path:
    """The same archive with other members, as somebody with ill will would make it."""
    with tarfile.open(file) as tar:
        members = [(member, (tar.extractfile(member) or io.BytesIO()).read()) for member in tar]
    change(members)
    if told is not None:
        about, content = members[-1]
        text = json.dumps(json.loads(content) | told).encode()
        about.size = len(text)
        members[-1] = about, text
    made = file.with_name("made.tar")
    with tarfile.open(made, "w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return made


def added(name: str, *, kind: bytes = tarfile.REGTYPE, target: str = "") -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        members.insert(1, (member, b""))

    return change


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "models/../../x", "models//x", "./chatbot.db", "models/v1/a\\b", "models/v1/a\x1b[2J",
     "models/v1/" + "x" * 300, "other/x", "chatbot.db-wal", "models/x", "outside/a/b", "replaced-1/x", ".gitignore"],
)  # fmt: skip
def test_foreign_names_are_refused(file: Path, name: str) -> None:
    with pytest.raises(BackupRefused, match="is no file of a backup"):
        check(rewritten(file, added(name)))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(file: Path, kind: bytes) -> None:
    with pytest.raises(BackupRefused, match="is no plain file"):
        check(rewritten(file, added("models/v1/link", kind=kind, target="/etc/passwd")))


def test_what_the_manifest_does_not_list_is_refused(file: Path) -> None:
    with pytest.raises(BackupRefused, match=r"the files are not those that manifest\.json lists"):
        check(rewritten(file, added("models/v1/more")))
    with pytest.raises(BackupRefused, match="'chatbot.db' cannot be"):
        check(rewritten(file, added("chatbot.db")))

    def without(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        del members[1]

    with pytest.raises(BackupRefused, match="the files are not those"):
        check(rewritten(file, without))


def test_a_size_that_is_not_there_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        tar.next()
        head = tarfile.TarInfo("chatbot.db")
        head.size, head.mode, head.mtime = 1 << 40, 0o600, int(MADE_AT.timestamp())
    file.write_bytes(head.tobuf(tarfile.GNU_FORMAT) + whole[512:])
    with pytest.raises(BackupRefused):
        check(file)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"format": 2, "program": "9.0"}, "is a backup of format 2, made by program 9.0; this one reads format 1"),
        ({"format": "1"}, "names no format"),
        ({"format": 0}, "names no format"),
        ({"files": {"chatbot.db": {"size": "much", "sha256": "x"}}}, "manifest.json is damaged"),
        ({"made_at": "yesterday"}, "manifest.json is damaged"),
        ({"schema": None}, "manifest.json is damaged"),
    ],
)
def test_what_the_manifest_says_is_checked(file: Path, told: dict[str, Any], said: str) -> None:
    with pytest.raises(BackupRefused, match=said.replace(".", r"\.")):
        check(rewritten(file, lambda _: None, told=told))


@pytest.mark.parametrize("content", [b"", b"\0" * 10240, b"PK\x03\x04" + b"x" * 2000, b"SQLite format 3\0" * 100])
def test_other_files_are_no_backups(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(BackupRefused, match="no backup|has no manifest"):
        check(tmp_path / "other")
    with pytest.raises(BackupRefused, match="cannot be read: No such file"):
        check(tmp_path / "nothing")
    with pytest.raises(BackupRefused, match="cannot be read: Is a directory"):
        check(tmp_path)


def test_the_names_of_a_backup() -> None:
    for name in ("chatbot.db", "models/CURRENT", "models/20260101-000000-a/encoder/模型.json", "outside/chatbot.toml"):
        assert belongs(name), name
