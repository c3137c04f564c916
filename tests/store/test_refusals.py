"""What databases refuse, by the codes that they give."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from chatbot.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreUnwritable
from chatbot.store.refusals import cleared


def refused(code: int, words: str) -> StoreError:
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return cleared(OperationalError("INSERT", {}, error))


@pytest.mark.parametrize(
    ("code", "words", "kind", "cure"),
    [
        (sqlite3.SQLITE_FULL, "database or disk is full", StoreFull, "free some space on its disk"),
        (sqlite3.SQLITE_IOERR_WRITE, "disk I/O error", StoreUnwritable, "its disk is full, read-only or failing"),
        (sqlite3.SQLITE_IOERR_FSYNC, "disk I/O error", StoreUnwritable, "its disk is full, read-only or failing"),
        (sqlite3.SQLITE_READONLY, "attempt to write a readonly database", StoreUnwritable, "may not write there"),
        (sqlite3.SQLITE_CANTOPEN, "unable to open database file", StoreUnwritable, "may not write there"),
        (sqlite3.SQLITE_CORRUPT, "database disk image is malformed", StoreDamaged, "put a backup in its place"),
        (sqlite3.SQLITE_NOTADB, "file is not a database", StoreDamaged, "put a backup in its place"),
    ],
)
def test_sqlite(code: int, words: str, kind: type[StoreError], cure: str) -> None:
    told = refused(code, words)
    assert type(told) is kind
    assert str(told).startswith(f"the database refused: {words}; ")
    assert cure in str(told)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT, sqlite3.SQLITE_LOCKED])
def test_a_busy_one_is_asked_again(code: int) -> None:
    told = refused(code, "database is locked")
    assert type(told) is StoreBusy
    assert str(told) == "the database is busy with another writer; try again in a moment"


def test_whatever_else() -> None:
    told = refused(sqlite3.SQLITE_ERROR, "no such table: nowhere")
    assert type(told) is StoreError
    assert str(told) == "the database refused: no such table: nowhere"


class ServerError(Exception):
    def __init__(self, words: str, sqlstate: str) -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "kind"),
    [("53100", StoreFull), ("25006", StoreUnwritable), ("XX001", StoreDamaged), ("42P01", StoreError)],
)
def test_a_server_by_its_states(state: str, kind: type[StoreError]) -> None:
    told = cleared(DBAPIError("INSERT", {}, ServerError("it said no\nDETAIL: (ada)", state)))
    assert type(told) is kind
    assert str(told).startswith("the database refused: it said no")
    assert "ada" not in str(told)
