"""The file of a backup: a plain tar whose names are those in the home folder.

Without this program, `tar xf FILE` in an empty folder and `sha256sum -c SHA256SUMS` bring it back. The manifest is the
last file in it, so that an archive that was cut off has none. Whatever is read from one is checked first: it may be
damaged, and it may be somebody else's.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pydantic import TypeAdapter, ValidationError

from chatbot.durable import CHUNK, sync
from chatbot.errors import BackupRefused
from chatbot.store.backups import DATABASE

FORMAT = 1
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
MODELS = "models"
CURRENT = "CURRENT"
REPORTS = "reports"
OUTSIDE = "outside"
"""Copies of files that lie outside the home folder: the settings' and the must-pass questions'."""
MOST_FILES = 50_000
MOST_MANIFEST_BYTES = 32 << 20
LONGEST_NAME = 200
PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Content:
    """One file of an archive."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself. `schema` is the revision of its database, `active` the version that served,
    `versions` those that it holds, `files` all but the manifest, by name."""

    format: int
    made_at: datetime
    program: str
    schema: str
    active: str | None
    versions: tuple[str, ...]
    files: Mapping[str, Content]


class Writer:
    """`seal` writes the sums and the manifest; without it the file is none."""

    def __init__(self, tar: tarfile.TarFile, made_at: datetime) -> None:
        self._tar = tar
        self._made_at = made_at
        self._files: dict[str, Content] = {}

    def add(self, name: str, source: Path) -> Content:
        """What was written. OSError where the file shrinks meanwhile."""
        with source.open("rb") as stream:
            return self._put(name, stream, os.fstat(stream.fileno()).st_size)

    def add_text(self, name: str, text: str) -> Content:
        content = text.encode("utf-8")
        return self._put(name, io.BytesIO(content), len(content))

    def seal(self, *, program: str, schema: str, active: str | None, versions: tuple[str, ...]) -> Manifest:
        self.add_text(SUMS, "".join(f"{content.sha256}  {name}\n" for name, content in self._files.items()))
        manifest = Manifest(FORMAT, self._made_at, program, schema, active, versions, dict(self._files))
        told = asdict(manifest) | {"made_at": self._made_at.isoformat()}
        self.add_text(MANIFEST, json.dumps(told, indent=1, ensure_ascii=False))
        return manifest

    def _put(self, name: str, stream: IO[bytes], size: int) -> Content:
        about = tarfile.TarInfo(name)
        about.size, about.mode, about.mtime = size, PRIVATE, int(self._made_at.timestamp())
        hashing = _Hashing(stream)
        self._tar.addfile(about, hashing)
        self._files[name] = Content(size, hashing.digest.hexdigest())
        return self._files[name]


@contextmanager
def writing(file: Path, *, made_at: datetime) -> Iterator[Writer]:
    """A new file, readable by its owner only, that is on disk at the end of the block."""
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE), "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            yield Writer(tar, made_at)
        stream.flush()
        os.fsync(stream.fileno())


class _Hashing:
    """A stream whose bytes are summed while they are read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.digest.update(chunk)
        return chunk


class Archive:
    """An opened archive whose list of files was found to be safe and whole; `check` reads the files too."""

    def __init__(self, file: Path, tar: tarfile.TarFile, manifest: Manifest, members: Mapping[str, tarfile.TarInfo]):
        self.file = file
        self.manifest = manifest
        self._tar = tar
        self._members = members

    def check(self) -> None:
        """Raises BackupRefused that names the first file that is not what the manifest says."""
        for name in self.manifest.files:
            for _ in self._chunks(name):
                pass

    def text(self, name: str) -> str:
        return b"".join(self._chunks(name)).decode("utf-8")

    def unpack(self, name: str, target: Path, *, mode: int = PRIVATE) -> None:
        """Write one file, which is on disk afterwards, into a folder that is there."""
        with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as stream:
            for chunk in self._chunks(name):
                stream.write(chunk)
        sync(target)

    def _chunks(self, name: str) -> Iterator[bytes]:
        expected, digest = self.manifest.files[name], hashlib.sha256()
        stream = self._tar.extractfile(self._members[name])
        assert stream is not None, "only files are listed"
        try:
            with stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    yield chunk
        except (tarfile.TarError, OSError) as error:
            raise BackupRefused(f"{self.file}: {name} cannot be read ({error}); take another backup") from error
        if digest.hexdigest() != expected.sha256:
            raise BackupRefused(f"{self.file}: {name} is not what was backed up; take another backup")


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Raises BackupRefused for what is no backup of this program, or not a whole one, or not a safe one."""
    with ExitStack() as opening:
        try:
            tar = opening.enter_context(tarfile.open(file, "r:"))
            members = _members(file, tar)
            manifest = _manifest(file, tar, members)
        except OSError as error:
            raise BackupRefused(f"{file} cannot be read: {error.strerror or error}") from error
        except (tarfile.TarError, ValueError, RecursionError) as error:
            raise BackupRefused(f"{file} is no backup, or a damaged one: {error}; take another backup") from error
        yield Archive(file, tar, manifest, members)


def _members(file: Path, tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """By name; reads the heads only."""
    found: dict[str, tarfile.TarInfo] = {}
    lying = file.stat().st_size
    for member in tar:
        if not member.isreg() or member.sparse is not None:
            raise BackupRefused(f"{file}: {member.name!r} is no plain file; this is no backup that may be restored")
        if not belongs(member.name):
            raise BackupRefused(f"{file}: {member.name!r} is no file of a backup; it is not restored")
        if member.name in found or len(found) == MOST_FILES or member.offset_data + member.size > lying:
            raise BackupRefused(f"{file}: {member.name!r} cannot be; it was damaged or made by somebody else")
        found[member.name] = member
    if next(reversed(found), None) != MANIFEST:
        raise BackupRefused(f"{file} has no {MANIFEST} at its end: it was cut off, or is no backup; take another one")
    return found


def _manifest(file: Path, tar: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo]) -> Manifest:
    stream = tar.extractfile(members[MANIFEST])
    if stream is None or members[MANIFEST].size > MOST_MANIFEST_BYTES:
        raise BackupRefused(f"{file}: {MANIFEST} cannot be; it was damaged or made by somebody else")
    told = json.loads(stream.read())
    _check_format(file, told)
    try:
        manifest = TypeAdapter(Manifest).validate_python(told)
    except ValidationError as error:
        raise BackupRefused(f"{file}: {MANIFEST} is damaged ({error.errors()[0]['msg']})") from error
    listed = {name: content.size for name, content in manifest.files.items()}
    lying = {name: member.size for name, member in members.items() if name != MANIFEST}
    if listed != lying or DATABASE not in listed:
        raise BackupRefused(f"{file}: the files are not those that {MANIFEST} lists; take another backup")
    return manifest


def _check_format(file: Path, told: Any) -> None:
    number = told.get("format") if isinstance(told, dict) else None
    if not isinstance(number, int) or number < 1:
        raise BackupRefused(f"{file}: {MANIFEST} names no format; this is no backup")
    if number > FORMAT:
        raise BackupRefused(
            f"{file} is a backup of format {number}, made by program {told.get('program')}; this one reads format "
            f"{FORMAT}: install a newer version"
        )


def belongs(name: str) -> bool:
    """Whether a backup can have a file of this name, which is one inside the home folder on every system."""
    parts = name.split("/")
    if any(not _is_plain(part) for part in parts) or name != str(PurePosixPath(name)):
        return False
    if parts[0] in (MODELS, REPORTS):
        return len(parts) >= 3 or parts == [MODELS, CURRENT]
    return name in (DATABASE, SUMS, MANIFEST) if len(parts) == 1 else parts[0] == OUTSIDE and len(parts) == 2


def _is_plain(part: str) -> bool:
    if part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > LONGEST_NAME:
        return False
    return part.isprintable() and "\\" not in part
