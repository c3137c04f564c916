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

from sqlalchemy import URL, Connection, Engine, Executable, Row, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from chatbot.disk import has_room
from chatbot.errors import SettingsError, StoreBusy, StoreDamaged, StoreError, StoreFull
from chatbot.store.files import OpenFiles
from chatbot.store.group import Apply, GroupCommit, Item, Result, each_alone
from chatbot.store.refusals import cleared

BUSY_MILLISECONDS = 5000
HURRIED_MILLISECONDS = 250
"""So long others wait once somebody has waited for BUSY_MILLISECONDS in vain, until a write succeeds again: all threads
waiting for what will not come would leave none to tell the next customer so."""
CONNECTIONS = 40
"""As many as the server has threads; only as many are opened as are in use at one moment."""
LOG_BYTES = 64 << 20
"""What SQLite's write-ahead log keeps at most of the disk once all of it is in the database: it may have grown to
gigabytes under somebody who was long in reading."""
LEAST_ROOM_BYTES = 1 << 20
"""With less than this some writes still pass and others do not."""

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
        except ValueError:  # its words quote a piece of the URL, which may be one of the password
            raise SettingsError(
                "database_url cannot be read; write a password's special characters as %40 for @, %3A for :, %2F for /"
            ) from None
        except OSError as error:
            raise StoreError(f"the database's folder cannot be made: {error.filename} ({error.strerror})") from error
        self._writer = threading.Lock()
        self._hurried = False
        self._files = OpenFiles(self.file) if self.file else None
        self._damage: str | None = None
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", self._begin_sqlite)
        if self._files:
            self._watch(self._files)
        self.writing = self.engine.execution_options(chatbot_write=True)
        self._without_begin = self.engine.execution_options(chatbot_begin=False)
        self._group = GroupCommit(self.write)

    @property
    def waiting(self) -> int:
        """Writers that wait for a transaction to join; as a look without a lock sees it."""
        return self._group.waiting

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot; changes made in it are dropped."""
        with self._told(), Session(self.engine) as session:
            yield session

    def first(self, statement: Executable, values: Mapping[str, object]) -> Row[Any] | None:
        """The first row that one statement finds. By itself it sees one moment, so it needs no transaction."""
        with self._told(), self._without_begin.connect() as connection:
            return connection.execute(statement, values).first()

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """As `read`, for statements that fetch columns: without a session's bookkeeping, in less than half the time."""
        with self._told(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the write lock from its first statement and commits at the end, or nothing at all."""
        with (
            self._one_writer(),
            self._told(),
            self._into_its_files(),
            Session(self.writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        patience = HURRIED_MILLISECONDS if self._hurried else BUSY_MILLISECONDS
        if not self._writer.acquire(timeout=patience / 1000):
            self._hurried = True
            raise StoreBusy("a long write is at work here; try again in a moment")
        try:
            yield
        finally:
            self._writer.release()

    def _begin_sqlite(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("chatbot_begin", True):
            return
        if not options.get("chatbot_write", False):
            connection.exec_driver_sql("BEGIN")
            return
        hurried = self._hurried
        try:
            if hurried:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={HURRIED_MILLISECONDS}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._hurried = False
        except DBAPIError as error:
            self._hurried = isinstance(cleared(error), StoreBusy)
            raise
        finally:
            if hurried:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")

    @contextmanager
    def _into_its_files(self) -> Iterator[None]:
        """Looked at before, so that nothing is written into nowhere, and after, so that it is not acknowledged."""
        if self._files:
            self._files.check()
        yield
        if self._files:
            self._files.check()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """As `clear_errors`; that the file is damaged is remembered, as the next statement may happen to pass."""
        try:
            yield
        except DBAPIError as error:
            told = cleared(error, file=self.file)
            if isinstance(told, StoreDamaged):
                self._damage = str(told)
            raise told from error
        except PoolTimeout as error:
            raise StoreBusy("all connections to the database are in use; try again in a moment") from error

    def _watch(self, files: OpenFiles) -> None:
        """A connection that comes later would make a new, empty file in the place of one that was deleted."""
        event.listen(self.engine, "do_connect", lambda *_: files.check())
        event.listen(self.engine, "connect", lambda *_: files.opened())
        event.listen(self.engine, "close", lambda *_: files.closed())
        event.listen(self.engine, "close_detached", lambda *_: files.closed())

    def probe_write(self) -> None:
        """Write and commit something that means nothing; raises StoreError when that, or soon more, cannot be.

        SQLite alone: a server such as PostgreSQL looks after its disk, and is asked for its lock.
        """
        if self._damage:
            raise StoreDamaged(self._damage)
        if self.file and not has_room(self.file.parent, LEAST_ROOM_BYTES):
            cure = "free some space (a running server then goes on by itself)"
            raise StoreFull(f"the disk of {self.file} has less than 1 MB left; {cure}")
        with self.write() as session:
            if self.is_sqlite:  # a number for the application's own use, of which it has none; the page is written anew
                session.execute(text("PRAGMA user_version = 1"))
            else:
                session.execute(text("DELETE FROM knowledge_revision WHERE id < 0"))

    def look_through(self) -> None:
        """Read all of an SQLite file; raises StoreDamaged where it is not sound. Takes a second for each 100 MB."""
        if self.is_sqlite:
            with self._told(), self._without_begin.connect() as connection:
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if found != "ok":
                self._damage = f"{self.file} is damaged ({found}); stop the server and put a backup in its place"
                raise StoreDamaged(self._damage)

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
            with self._one_writer(), self._told(), self._without_begin.connect() as connection:
                connection.exec_driver_sql("VACUUM")
        return self.empty_log()

    def empty_log(self) -> bool:
        """Move everything from SQLite's write-ahead log into its file; False where a reader held on to the log."""
        if not self.is_sqlite:
            return True
        with self._one_writer(), self._told(), self._without_begin.connect() as connection:
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
    patience = BUSY_MILLISECONDS / 1000
    return {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_use_lifo": True, "pool_timeout": patience}


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin or commit by itself; `_begin_sqlite` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MILLISECONDS}",
        f"journal_size_limit={LOG_BYTES}",
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


@contextmanager
def clear_errors(file: Path | None = None) -> Iterator[None]:
    """What the database refuses, as one of StoreError; `file` is the database's."""
    try:
        yield
    except DBAPIError as error:
        raise cleared(error, file=file) from error
