"""Files as people have them: folders, zip archives, any encoding mark; refused with the cure where they are broken."""

from __future__ import annotations

import io
import json
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from chatbot.errors import ImportRefused

FILE_LIMIT = 500 * 1024 * 1024
UNPACKED_LIMIT = 200 * 1024 * 1024
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".yml", ".yaml", ".xlsx", ".zip")
DOCUMENT_SUFFIXES = (".md", ".markdown", ".html", ".htm", ".pdf", ".txt")
DOCUMENT_FOLDERS = ("documents", "docs")
"""Of what is imported as a whole, only these give documents: a readme beside the data is none of the shop's answers."""

_BINARY = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file; save it as .xlsx or as CSV",
    b"\x1f\x8b": "packed with gzip; unpack it first",
    b"SQLite format 3": "an SQLite database",
}
_MARKS = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class Source:
    """One file in memory. `name` is what messages call it; `found` says that it was met in a folder or an archive, and
    `inside` is then its path, from the folder's own name on."""

    name: str
    data: bytes
    found: bool = False
    inside: PurePath = PurePath()

    @property
    def short_name(self) -> str:
        return Path(self.name).name

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix.casefold()

    @property
    def is_zip(self) -> bool:
        return self.data[:4] in (b"PK\x03\x04", b"PK\x05\x06")

    @cached_property
    def text(self) -> str:
        """The file as text, without a byte-order mark. Raises ImportRefused for binary files and other encodings."""
        return _decode(self.name, self.data)

    @cached_property
    def json(self) -> Any:
        """The whole file as one JSON value. Raises ImportRefused with the line where it breaks off."""
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            raise ImportRefused(
                f"{self.name}, line {error.lineno}: not valid JSON ({error.msg}, column {error.colno}); "
                "the file may be cut off: export it again"
            ) from error
        except (ValueError, RecursionError) as error:
            raise ImportRefused(f"{self.name}: not usable JSON (a number too long, or nested too deep)") from error


def sources(paths: Iterable[Path]) -> Iterator[Source]:
    """Read files, the known files of folders (sorted, hidden ones left out) and the members of archives."""
    for path in paths:
        if _is_folder(path):
            files = [each for each in sorted(path.rglob("*")) if each.is_file()]
            visible = [each for each in files if not any(part[0] == "." for part in each.relative_to(path).parts)]
            inside = {each: PurePath(path.resolve().name) / each.relative_to(path) for each in visible}
            known = [each for each in visible if _is_wanted(inside[each], SUFFIXES)]
            if not known:
                raise ImportRefused(_nothing_in(str(path), visible))
            for each in known:
                yield from _read(each, inside[each])
        else:
            yield from _read(path)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise ImportRefused(f"{str(path):.200} cannot be read: {error.strerror}") from error


def _is_wanted(inside: PurePath, suffixes: Iterable[str]) -> bool:
    suffix = inside.suffix.casefold()
    among_documents = any(part in DOCUMENT_FOLDERS for part in inside.parts[:-1])
    return suffix in suffixes or (suffix in DOCUMENT_SUFFIXES and among_documents)


def _nothing_in(name: str, files: Iterable[PurePath]) -> str:
    message = f"{name} holds no file to import; known endings: {', '.join(SUFFIXES)}"
    if not any(file.suffix.casefold() in DOCUMENT_SUFFIXES for file in files):
        return message
    endings = ", ".join(DOCUMENT_SUFFIXES)
    return f"{message}. Documents ({endings}) are named one by one, or stand in a folder called documents"


def _read(path: Path, inside: PurePath | None = None) -> Iterator[Source]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ImportRefused(f"{path} is neither a file nor a folder; give one of these")
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)  # what a file says of its size is not to be believed
        if len(data) > FILE_LIMIT:
            raise ImportRefused(f"{path} is larger than {FILE_LIMIT // 2**20:,} MB; split it")
        source = Source(str(path), data, inside is not None, inside or PurePath())
    except FileNotFoundError:
        raise ImportRefused(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise ImportRefused(f"{path} cannot be read: {error}") from error
    if not source.data.strip():
        raise ImportRefused(f"{path} is empty")
    if source.is_zip:
        yield from _unpack(source)
    else:
        yield source


def _unpack(source: Source) -> Iterator[Source]:
    """A workbook stays whole, once its unpacked size is known to be bounded; other archives give their members."""
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            members = archive.infolist()
            _check_members(source.name, members)
            if any(member.filename == "[Content_Types].xml" for member in members):
                yield source
                return
            known = [member for member in members if _is_known(member)]
            if not known:
                raise ImportRefused(_nothing_in(source.name, [PurePath(member.filename) for member in members]))
            for member in known:
                data = archive.read(member)
                if not data.strip():
                    raise ImportRefused(f"{source.name}/{member.filename} is empty")
                inside = PurePath(Path(source.name).stem) / member.filename
                yield Source(f"{source.name}/{member.filename}", data, len(known) > 1, inside)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise ImportRefused(f"{source.name} is damaged or cut off ({error}); copy or export it again") from error


def _check_members(name: str, members: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > UNPACKED_LIMIT:
        raise ImportRefused(f"{name} unpacks to {unpacked / 2**20:,.0f} MB; the limit is 200 MB")
    if len(members) > 10_000:
        raise ImportRefused(f"{name} holds {len(members):,} files; the limit is 10,000")
    for member in members:
        if member.flag_bits & 1:
            raise ImportRefused(f"{name} is locked with a password; unpack it first")
        # Only these two never unpack past the size that they declare.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ImportRefused(f"{name} is packed in an unusual way; pack it again as an ordinary zip")


def _is_known(member: zipfile.ZipInfo) -> bool:
    path = PurePath(member.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return _is_wanted(path, set(SUFFIXES) - {".zip", ".xlsx"}) and not hidden and not member.is_dir()


def _decode(name: str, data: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return _decode_marked(name, data, encoding)
    for start, what in _BINARY.items():
        if data.startswith(start):
            raise ImportRefused(f"{name} is {what}, not a table or text")
    head = data[:4096]
    if head.count(0) * 3 >= len(head):
        raise ImportRefused(f"{name} looks like UTF-16 without its mark, or binary; save it as UTF-8")
    if head.count(0) * 10 > len(head):
        raise ImportRefused(f"{name} is binary, not text; give a CSV, JSON, JSONL, YAML or XLSX file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        guess = bytes([byte]).decode("cp1252", "replace")
        raise ImportRefused(
            f"{name}, line {line}: byte 0x{byte:02X} at position {error.start:,} is not UTF-8 "
            f'(in Windows-1252 it would be "{guess}"); save the file as UTF-8, in Excel as "CSV UTF-8"'
        ) from error


def _decode_marked(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ImportRefused(
            f"{name} begins as {encoding.upper()} and breaks at byte {error.start:,}; save it as UTF-8"
        ) from error
