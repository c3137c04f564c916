"""Backups that still hold what was erased: those that a migration leaves beside the database, and those in the folder
of `chatbot backup`. What is known of the others is where they were written to.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from chatbot.store import audit
from chatbot.store.engine import Database
from chatbot.store.erasing import Traces

DATABASE = "chatbot.db"
"""The database's name in an archive, of which it is the first file."""
ARCHIVE = re.compile(r"chatbot-(\d{8}T\d{6}Z)(?:-(\d+))?\.tar")
"""How `chatbot backup` names its files: by the second in UTC at which they were begun."""
MADE = "backup.made"

_IDS = "SELECT id FROM conversations"
_WORDS = ("SELECT text FROM messages", "SELECT comment FROM feedback", "SELECT text FROM examples")


def archives(folder: Path) -> list[Path]:
    """What `chatbot backup` made there by its own names, the oldest first."""
    found = [(match, file) for file in folder.glob("*.tar") if (match := ARCHIVE.fullmatch(file.name))]
    return [file for match, file in sorted(found, key=lambda one: (one[0][1], int(one[0][2] or 1)))]


def backups(database: Database, folder: Path) -> list[Path]:
    """What a migration left beside an SQLite database, and the archives of a folder."""
    file = database.file
    beside = sorted(file.parent.glob(f"{file.name}.*.bak")) if file else []
    return beside + archives(folder)


def backups_with(database: Database, folder: Path, traces: Traces) -> list[Path]:
    """Backups that hold what `traces` tell; one that cannot be read may, and is among them."""
    return [file for file in backups(database, folder) if _holds(file, traces)]


def record(database: Database, file: Path, *, by: str, sha256: str, size: int) -> None:
    """Note in the audit log that a backup was written: it takes everything out of the house at once."""
    with database.write() as session:
        audit.append(session, who=by, what=MADE, after={"file": str(file), "sha256": sha256, "bytes": size})


def last_made(database: Database) -> audit.Entry | None:
    """The newest one that was noted."""
    _, entries = audit.read(database, what=MADE, limit=1)
    return entries[0] if entries else None


def elsewhere(database: Database, folder: Path) -> dict[Path, int]:
    """Folders besides this one that backups were ever written to, each with how many."""
    _, entries = audit.read(database, what=MADE, limit=100_000)
    written = Counter(Path(entry.after["file"]).parent for entry in entries if entry.after)
    return {place: count for place, count in sorted(written.items()) if place != folder.absolute()}


def _holds(file: Path, traces: Traces) -> bool:
    try:
        with (
            _database_of(file) as lying,
            closing(sqlite3.connect(f"{lying.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copy,
        ):
            return any(traces.are_in(value) for value in _values(copy, traces))
    except (sqlite3.Error, tarfile.TarError, OSError, EOFError):
        return True


@contextmanager
def _database_of(file: Path) -> Iterator[Path]:
    """The backup's database as a file that SQLite can open."""
    if file.suffix != ".tar":
        yield file
        return
    with (
        tarfile.open(file, "r:") as archive,
        tempfile.TemporaryDirectory(dir=file.parent, prefix=".looking-") as folder,
    ):
        member = archive.next()
        stream = archive.extractfile(member) if member and member.name == DATABASE and member.isreg() else None
        if stream is None:
            raise tarfile.ReadError("its first file is no database")
        with stream, (Path(folder) / DATABASE).open("wb") as target:
            shutil.copyfileobj(stream, target, 1 << 20)
        yield Path(folder) / DATABASE


def _values(copy: sqlite3.Connection, traces: Traces) -> Iterator[str]:
    """Only the ids say whose words these are; others may have used the same."""
    for query in (_IDS, *_WORDS) if traces.needle else (_IDS, _WORDS[-1]):
        for (value,) in copy.execute(query):
            if value is not None:
                yield value
