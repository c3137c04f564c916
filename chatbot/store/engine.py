"""The database connection: SQLite with the settings that lost nothing in measurements, or any other SQLAlchemy URL.

Why each setting: SQLAlchemy's driver default starts a transaction only at the first write, so read-then-write lost
87 % of concurrent updates; BEGIN IMMEDIATE with one writer lock in the process lost none and failed none.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Executable, Row, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from chatbot.errors import SettingsError, StoreError
from chatbot.store.group import Apply, GroupCommit, Item, Result, cleared, each_alone

BUSY_MILLISECONDS = 5000
CONNECTIONS = 40
"""As many as the server has threads; only as many are opened as are in use at one moment."""

Found = TypeVar("Found")


class Database:
    """One engine. `read()` and `write()` give a session; `together()` shares a transaction with others who write."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            if self.is_sqlite and parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            # "hide_parameters": an error message must never carry a customer's words.
            self.engine: Engine = create_engine(url, hide_parameters=True, **_pool(parsed))
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise SettingsError(f"database_url cannot be used: {error}") from error
        except OSError as error:
            raise StoreError(f"the database's folder cannot be made: {error.filename} ({error.strerror})") from error
        self._writer = threading.Lock()
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self.writing = self.engine.execution_options(chatbot_write=True)
        self._without_begin = self.engine.execution_options(chatbot_begin=False)
        self._group = GroupCommit(self.write)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot; changes made in it are dropped."""
        with clear_errors(), Session(self.engine) as session:
            yield session

    def first(self, statement: Executable, values: Mapping[str, object]) -> Row[Any] | None:
        """The first row that one statement finds. By itself it sees one moment, so it needs no transaction."""
        with clear_errors(), self._without_begin.connect() as connection:
            return connection.execute(statement, values).first()

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """As `read`, for statements that fetch columns: without a session's bookkeeping, in less than half the time."""
        with clear_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the write lock from its first statement and commits at the end, or nothing at all."""
        with (
            self._one_writer(),
            clear_errors(),
            Session(self.writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        with self._writer:
            yield

    def together(self, apply: Apply[Item, Result], item: Item) -> Result:
        """Write `item` with all that other threads write at this moment; returns when the commit is durable.

        A server such as PostgreSQL gathers commits by itself: there each has a transaction of its own.
        """
        if self.is_sqlite:
            return self._group.run(apply, item)
        with self.write() as session:
            outcome = apply(session, [item])[0]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    def join(self, work: Callable[[Session], Found]) -> Found:
        """As `together`, for one function of a session. It may run twice, so it may change nothing else."""
        return self.together(each_alone, work)

    def rewrite(self) -> bool:
        """Write SQLite's file anew and empty its log, so that nothing can be read in them that was deleted.

        `secure_delete` overwrites rows where they stand last; of rows that were moved from page to page before, copies
        stay behind. Writers wait meanwhile. False as in `empty_log`. Other databases look after their own files.
        """
        if self.is_sqlite:
            with self._one_writer(), clear_errors(), self._without_begin.connect() as connection:
                connection.exec_driver_sql("VACUUM")
        return self.empty_log()

    def empty_log(self) -> bool:
        """Move everything from SQLite's write-ahead log into its file; False where a reader held on to the log."""
        if not self.is_sqlite:
            return True
        with self._one_writer(), clear_errors(), self._without_begin.connect() as connection:
            busy: int = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        return busy == 0

    @property
    def file(self) -> Path | None:
        """Of an SQLite database that is kept on disk."""
        name = self.engine.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    def close(self) -> None:
        """Let writers that are inside finish, and disconnect."""
        self._group.close()
        self.engine.dispose()


def _pool(url: URL) -> dict[str, Any]:
    if url.get_backend_name() != "sqlite":
        return {"pool_pre_ping": True}
    if url.database in (None, "", ":memory:"):
        return {}
    # The connection that was used last has its pages at hand.
    return {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_use_lifo": True}


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin or commit by itself; `_begin_sqlite` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MILLISECONDS}",
        "secure_delete=ON",  # erased text must not stay readable in the file
    ):
        _set(connection, pragma)


def _set(connection: Any, pragma: str) -> None:
    """Two processes that open a new file at once both switch it to WAL, and SQLite tells one of them that it is locked
    without waiting as long as it was told to."""
    until = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("chatbot_begin", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("chatbot_write", False) else "BEGIN")


@contextmanager
def clear_errors() -> Iterator[None]:
    """What the database refuses, as StoreBusy or StoreError."""
    try:
        yield
    except DBAPIError as error:
        raise cleared(error) from error
