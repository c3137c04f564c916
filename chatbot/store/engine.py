"""The database connection: SQLite with the settings that lost nothing in measurements, or any other SQLAlchemy URL.

Why each setting: SQLAlchemy's driver default starts a transaction only at the first write, so read-then-write lost
87 % of concurrent updates; BEGIN IMMEDIATE with one writer lock in the process lost none and failed none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from chatbot.errors import SettingsError, StoreBusy, StoreError

BUSY_MILLISECONDS = 5000


class Database:
    """One engine, with `read()` and `write()` as the only two ways to a session."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            if self.is_sqlite and parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            # "hide_parameters": an error message must never carry a customer's words.
            self.engine: Engine = create_engine(url, hide_parameters=True, pool_pre_ping=not self.is_sqlite)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise SettingsError(f"database_url cannot be used: {error}") from error
        except OSError as error:
            raise StoreError(f"the database's folder cannot be made: {error.filename} ({error.strerror})") from error
        self._writer = threading.Lock()
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self.writing = self.engine.execution_options(chatbot_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot; changes made in it are dropped."""
        with clear_errors(), Session(self.engine) as session:
            yield session

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

    def close(self) -> None:
        self.engine.dispose()


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin or commit by itself; `_begin_sqlite` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MILLISECONDS}",
        "secure_delete=ON",  # erased text must not stay readable in the file
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("chatbot_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def clear_errors() -> Iterator[None]:
    """What the database refuses, as StoreBusy or StoreError. Only the first line: PostgreSQL adds values after it."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        if "locked" in reason or "busy" in reason:
            raise StoreBusy("the database is busy with another writer; try again in a moment") from error
        raise StoreError(f"the database refused: {reason}") from error
