"""Copies of a live SQLite database: one moment of it, whole, checked and on disk before they have their name."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from chatbot.errors import StoreError

PAGES_A_STEP = 1000
PAUSE_SECONDS = 0.005
"""Between two steps, so that a copy of a large file leaves the disk to those who write."""


class Snapshot:
    """A database as it stood at one moment, however long the copy takes and whatever is written meanwhile.

    Without a read transaction around all steps, each write of another connection lets SQLite's backup begin anew, and
    under steady traffic it never ends. In WAL mode such a transaction keeps no writer waiting.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def copy_to(self, target: Path, *, pause: float = PAUSE_SECONDS) -> None:
        """Make a new file of it, readable by its owner only, that needs no write-ahead log beside it."""
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous=OFF")  # synced once, below
            self._connection.backup(copy, pages=PAGES_A_STEP, progress=lambda *_: time.sleep(pause))
            copy.execute("PRAGMA journal_mode=DELETE")
        _sync(target)


@contextmanager
def snapshot(file: Path) -> Iterator[Snapshot]:
    """The moment is that of the entry into the block. Raises StoreError."""
    if not file.is_file():
        raise StoreError(f"there is no database {file} to copy")
    with _clear(file), closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout=10000")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it sees this moment
        yield Snapshot(connection)


def without_remnants(copy: Path, target: Path) -> None:
    """The same rows in a new file. SQLite leaves parts of deleted rows behind where it moved them from page to page,
    and a copy of the pages would carry them on. Raises StoreError."""
    with _clear(copy), closing(sqlite3.connect(_reading(copy), uri=True, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    target.chmod(0o600)
    _sync(target)


def copy_whole(file: Path, target: Path, *, unless_as: Path | None = None) -> Path:
    """A checked copy that has its name only when it is complete and on disk; or `unless_as`, an earlier copy, where
    that is the same byte by byte. Raises StoreError."""
    unfinished = target.with_name(f".{target.name}.new")
    unfinished.unlink(missing_ok=True)
    try:
        with snapshot(file) as now:
            now.copy_to(unfinished, pause=0.0)
        check_whole(unfinished)
        if unless_as is not None and _digest(unless_as) == _digest(unfinished):
            return unless_as
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync(target.parent)
    return target


def check_whole(file: Path) -> str | None:
    """The schema's revision of a copy that nobody writes to. Raises StoreError where SQLite finds it damaged."""
    with _clear(file), closing(sqlite3.connect(_reading(file), uri=True)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise StoreError(f"{file.name} is damaged: {found}")
        tables = "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
        if not connection.execute(tables).fetchone()[0]:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def _reading(file: Path) -> str:
    """Without a lock, a journal or anything else written beside it."""
    return f"{file.absolute().as_uri()}?mode=ro&immutable=1"


@contextmanager
def _clear(file: Path) -> Iterator[None]:
    """What SQLite refuses, as StoreError. Its own words name no row."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be copied or read: {error}") from error


def _digest(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
