"""Backups beside the database that still hold what was erased."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from chatbot.store.engine import Database
from chatbot.store.erasing import Traces

_IDS = "SELECT id FROM conversations"
_WORDS = ("SELECT text FROM messages", "SELECT comment FROM feedback", "SELECT text FROM examples")


def backups(database: Database) -> list[Path]:
    """The files that a migration leaves beside an SQLite database."""
    file = database.file
    return sorted(file.parent.glob(f"{file.name}.*.bak")) if file else []


def backups_with(database: Database, traces: Traces) -> list[Path]:
    """Backups that hold what `traces` tell; one that cannot be read may, and is among them."""
    return [file for file in backups(database) if _holds(file, traces)]


def _holds(file: Path, traces: Traces) -> bool:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
            return any(traces.are_in(value) for value in _values(copy, traces))
    except sqlite3.Error:
        return True


def _values(copy: sqlite3.Connection, traces: Traces) -> Iterator[str]:
    """Only the ids say whose words these are; others may have used the same."""
    for query in (_IDS, *_WORDS) if traces.needle else (_IDS, _WORDS[-1]):
        for (value,) in copy.execute(query):
            if value is not None:
                yield value
