"""What a database refuses, as errors that say what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from chatbot.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreUnwritable

_SQLITE: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_IOERR: StoreUnwritable,
    sqlite3.SQLITE_CANTOPEN: StoreUnwritable,
    sqlite3.SQLITE_READONLY: StoreUnwritable,
    sqlite3.SQLITE_PERM: StoreUnwritable,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
}
"""By the primary code, which is the lowest byte."""

_SERVERS: dict[str, type[StoreError]] = {
    "53100": StoreFull,
    "25006": StoreUnwritable,  # a replica, or one that was made read-only
    "58030": StoreUnwritable,
    "XX001": StoreDamaged,
    "XX002": StoreDamaged,
}
"""By SQLSTATE, as PostgreSQL gives it."""

_SAID: dict[type[StoreError], str] = {
    StoreFull: "free some space on its disk (a running server then goes on by itself)",
    StoreUnwritable: "its disk is full, read-only or failing, or this user may not write there",
    StoreDamaged: "stop the server and put a backup in its place",
}


def cleared(error: DBAPIError, *, file: Path | None = None) -> StoreError:
    """What the database refuses, with its file where the disk is to blame. Only the first line of its own words:
    PostgreSQL adds values after it."""
    # With a full disk SQLite rolls back by itself, so that rolling back to a savepoint fails too: the first one counts.
    while isinstance(error.__context__, DBAPIError):
        error = error.__context__
    reason = str(error.orig).partition("\n")[0]
    kind = _kind(error.orig, reason)
    if kind is StoreBusy:
        told: StoreError = StoreBusy("the database is busy with another writer; try again in a moment")
    else:
        cure = f"; {_SAID[kind]}" + (f" ({file})" if file else "") if kind in _SAID else ""
        told = kind(f"the database refused: {reason}{cure}")
    told.__cause__ = error
    return told


def _kind(error: BaseException | None, reason: str) -> type[StoreError]:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE.get(code & 0xFF, StoreError)
    if "locked" in reason or "busy" in reason:
        return StoreBusy
    return _SERVERS.get(getattr(error, "sqlstate", None) or "", StoreError)
