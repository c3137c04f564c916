"""Files from outside: looked at before they are used, and refused with a sentence where they are traps."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from chatbot.bot import LiveBot
from chatbot.encoder import TorchEncoder, check_files
from chatbot.errors import EncoderUnavailable, ImportRefused, ModelDamaged
from chatbot.importers.documents.pdf import read_pdf
from chatbot.importers.files import Source, sources
from chatbot.importers.workbook import read_workbook
from chatbot.registry import Registry
from chatbot.store import Store
from tests.importers.test_workbook import edited, workbook


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path(self.file).touch.__func__, (Path(self.file),)  # type: ignore[attr-defined, return-value] # a method


# --- Model versions ----------------------------------------------------------------------------------------------


def active(registry: Registry) -> Path:
    return registry.root / registry.pointer().name


@pytest.mark.parametrize("name", ["extra.pkl", "heads/__init__.py", ".hidden", "model.onnx.data", "index.faiss"])
def test_a_version_with_a_file_too_many_does_not_serve(registry: Registry, bots: LiveBot, name: str) -> None:
    extra = active(registry) / name
    extra.parent.mkdir(exist_ok=True)
    extra.write_bytes(pickle.dumps(Trap(registry.root / "sprung")))
    with pytest.raises(ModelDamaged, match="was not there when it was registered"):
        bots.current()
    assert not (registry.root / "sprung").exists()


def test_no_file_of_a_version_can_be_swapped(registry: Registry, store: Store) -> None:
    """Each of them, for one of the same length: nothing is read before its hash is right."""
    folder = active(registry)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 5
    for file in files:
        whole = file.read_bytes()
        file.unlink()  # the copies of tests share their files
        file.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        with pytest.raises(ModelDamaged):
            LiveBot(Registry(registry.root, store.versions), store.knowledge, threads=1).current()
        file.write_bytes(whole)
    assert LiveBot(Registry(registry.root, store.versions), store.knowledge, threads=1).current().version


@pytest.mark.parametrize("name", ["../../evil", "/etc", ".", "..", "a/b", "\0", "x" * 300, "evil\n../x"])
def test_the_pointer_names_no_other_folder(registry: Registry, bots: LiveBot, name: str) -> None:
    (registry.root / "CURRENT").unlink()
    (registry.root / "CURRENT").write_text(name, encoding="utf-8")
    with pytest.raises(ModelDamaged):
        bots.current()


# --- Encoders ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pytorch_model.bin", "2_Dense/pytorch_model.bin", "model.pt", "x.pkl", "head.joblib"])
def test_pickled_weights_are_not_loaded(small_encoder: Path, tmp_path: Path, name: str) -> None:
    folder = copied(small_encoder, tmp_path / "encoder")
    for weights in folder.glob("*.safetensors"):
        weights.unlink()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(EncoderUnavailable, match=rf"{name} is not loaded: such a file is a program"):
        TorchEncoder(str(folder))
    assert not (tmp_path / "sprung").exists()


def test_beside_safetensors_they_are_nobodys_business(small_encoder: Path, tmp_path: Path) -> None:
    folder = copied(small_encoder, tmp_path / "encoder")
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    (folder / "training_args.bin").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    check_files(folder)
    assert TorchEncoder(str(folder)).dimension > 0
    assert not (tmp_path / "sprung").exists()


def test_an_encoder_brings_no_program_along(small_encoder: Path, tmp_path: Path) -> None:
    folder = copied(small_encoder, tmp_path / "encoder")
    (folder / "evil.py").write_text(
        f"import pathlib; pathlib.Path({str(tmp_path / 'sprung')!r}).touch()\nclass Evil: pass"
    )
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(
        json.dumps([*modules, {"idx": 9, "name": "9", "path": "", "type": "evil.Evil"}])
    )
    with pytest.raises(EncoderUnavailable, match="cannot be loaded"):
        TorchEncoder(str(folder))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("<Q", 2**63) + b"{}",  # longer than any file
        struct.pack("<Q", 99_000_000) + b"{" * 1000,
        struct.pack("<Q", 60) + b'{"x":{"dtype":"F32","shape":[4294967295,4294967295],"data":0' + b" " * 60,
        struct.pack("<Q", 2) + b"{}",
        b"",
        b"\x00" * 8,
    ],
)
def test_a_header_that_promises_too_much(small_encoder: Path, tmp_path: Path, head: bytes) -> None:
    folder = copied(small_encoder, tmp_path / "encoder")
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(head)
    tracemalloc.start()
    try:
        with pytest.raises(EncoderUnavailable):
            TorchEncoder(str(folder))
        assert tracemalloc.get_traced_memory()[1] < 300_000_000
    finally:
        tracemalloc.stop()


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for file in folder.rglob("*"):
        target = to / file.relative_to(folder)
        if file.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(file.read_bytes())
    return to


# --- Imports -----------------------------------------------------------------------------------------------------


def refused(data: bytes, *, name: str = "t.xlsx") -> str:
    """The refusal, which has to come soon and without filling the memory."""
    began = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(ImportRefused) as found:
            _ = read_pdf(data, name) if name.endswith(".pdf") else read_workbook(Source(name, data))
        assert tracemalloc.get_traced_memory()[1] < 400_000_000
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 30
    return str(found.value)


def renamed(data: bytes) -> bytes:
    """The same workbook with its sheet in a part of another name: which part is a sheet, the file itself says."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name).replace(b"worksheets/sheet1.xml", b"worksheets/sheet1.dat")
            target.writestr(name.replace("sheet1.xml", "sheet1.dat"), content)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize("called", ["sheet1.xml", "sheet1.dat"])
def test_a_row_of_a_million_cells(called: str) -> None:
    """In memory each cell is some hundred times as large as it is written, and written it is packed."""
    data = edited(
        workbook(["text", "intent"]), SHEET, "</sheetData>", "<row>" + "<c/>" * 1_000_000 + "</row></sheetData>"
    )
    told = refused(renamed(data) if called.endswith("dat") else data)
    assert (
        told
        == f"t.xlsx: xl/worksheets/{called} has a row with more cells than a spreadsheet has columns; save it as CSV"
    )


def test_a_million_empty_texts() -> None:
    texts = (
        b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' + b"<si/>" * 1_000_001 + b"</sst>"
    )
    data = edited(workbook(["text", "intent"], ["a", "b"]), "xl/sharedStrings.xml", "", "")
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if name != "xl/sharedStrings.xml":
                target.writestr(name, source.read(name))
        target.writestr("xl/sharedStrings.xml", texts)
    assert refused(buffer.getvalue()) == (
        "t.xlsx: xl/sharedStrings.xml holds more than 1,000,000 texts; save it as CSV"
    )


def test_a_part_that_is_read_whole_and_has_no_end() -> None:
    data = edited(workbook(["text", "intent"]), "xl/styles.xml", "</styleSheet>", "<x/>" * 500_001 + "</styleSheet>")
    assert refused(data) == "t.xlsx: xl/styles.xml holds far more than a table needs; save it as CSV"


def test_entities_do_not_multiply() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    data = edited(workbook(["text", "intent"]), "xl/workbook.xml", "<workbook", f"<!DOCTYPE x [{laughs}]><workbook")
    data = edited(data, "xl/workbook.xml", "FAQ", "&l9;")
    assert "cannot be read as a workbook" in refused(data)


def test_an_archive_that_unpacks_to_more_than_anybody_wants(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * (201 * 1024 * 1024))
    assert (tmp_path / "t.zip").stat().st_size < 300_000
    with pytest.raises(ImportRefused, match="unpacks to 201 MB; the limit is 200 MB"):
        list(sources([tmp_path / "t.zip"]))


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "..\\evil.csv", "a\0b.csv"])
def test_an_archive_writes_nothing_anywhere(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("x" * len(name), "text,intent\nhi,x\n")
    data = (tmp_path / "t.zip").read_bytes().replace(b"x" * len(name), name.encode())
    (tmp_path / "t.zip").write_bytes(data)
    before = sorted(tmp_path.rglob("*"))
    with contextlib.suppress(ImportRefused):
        list(sources([tmp_path / "t.zip"]))
    assert sorted(tmp_path.rglob("*")) == before


def forms(levels: int, each: int) -> bytes:
    """A PDF of two kilobytes whose one page shows a form that shows a form ... : `each` to the power of `levels`."""
    from tests.importers.pdfs import _file

    calls = b" ".join(b"/F Do" for _ in range(each))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(calls), calls),
    ]
    for level in range(levels):
        inner = calls if level < levels - 1 else b"BT /F1 9 Tf (ha) Tj ET"
        objects.append(
            b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F %d 0 R >> "
            b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> /Length %d >>\n"
            b"stream\n%s\nendstream" % (6 + level, len(inner), inner)
        )
    return _file(objects)


def test_forms_in_forms_in_forms() -> None:
    began = time.monotonic()
    with contextlib.suppress(ImportRefused):
        read_pdf(forms(12, 10), "t.pdf")
    assert time.monotonic() - began < 30


def test_a_document_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.importers.pdfs import pdf_of

    monkeypatch.setattr("chatbot.importers.documents.pdf.MOST_SECONDS", -1.0)
    assert refused(pdf_of(["a page"]), name="t.pdf") == "t.pdf takes longer than -1 seconds to read; split it"
