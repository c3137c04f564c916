"""Files that are whole or not there, and folders that one process holds while others wait or leave."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)

CHUNK = 1 << 20
SHARED = fcntl.LOCK_SH
ALONE = fcntl.LOCK_EX
UNLESS_HELD = fcntl.LOCK_EX | fcntl.LOCK_NB
"""Alone, or BlockingIOError at once."""


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def size_of(folder: Path) -> int:
    """Bytes of all files; what somebody deletes meanwhile does not count."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                total += Path(place, name).stat().st_size
    return total


def hold(folder: Path, how: int) -> int:
    """A locked handle of a folder, which is where it was; whoever got it closes it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, how)
        if folder.stat().st_ino != os.fstat(handle).st_ino:
            raise FileNotFoundError(f"{folder} was replaced")
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextlib.contextmanager
def held(folder: Path, how: int) -> Iterator[None]:
    """Whoever reads a version that is not there is told so by `verify`."""
    try:
        handle = hold(folder, how)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        if how == SHARED:
            yield
            return
        raise
    try:
        yield
    finally:
        os.close(handle)


def write_durably(file: Path, text: str) -> None:
    with replacing(file, text):
        pass


@contextlib.contextmanager
def replacing(file: Path, text: str) -> Iterator[None]:
    """Everything that a full disk can refuse is written before the block, and put in place after it: what the block
    records has then happened. Where either fails the old file stays, and nothing is left beside it."""
    temporary = unfinished(file)
    try:
        with naming(temporary):
            temporary.write_text(text, encoding="utf-8")
            sync(temporary)
        yield
        temporary.replace(file)
    except BaseException:
        if temporary.is_file():
            temporary.unlink()
        raise
    try:
        sync(file.parent)
    except OSError as error:  # everybody reads the new file by now: it would be untrue that it was refused
        _log.warning("%s is in place, but may not outlive a power cut: %s", file, error.strerror)


@contextlib.contextmanager
def naming(file: Path) -> Iterator[None]:
    """An OSError of writing to an open file does not say to which: here it does."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(file)
        raise


def unfinished(file: Path) -> Path:
    return file.with_name(f".{file.name}.new")


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
