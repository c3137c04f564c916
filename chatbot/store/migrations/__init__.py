"""Schema changes with Alembic: check, upgrade (after a backup), downgrade."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from chatbot.errors import MigrationNeeded, StoreError
from chatbot.store.copying import copy_whole
from chatbot.store.engine import Database, clear_errors


def current_revision(database: Database) -> str | None:
    with clear_errors(database.file), database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert head is not None, "the migrations folder is part of the package"
    return head


def check_schema(database: Database) -> None:
    """Raises MigrationNeeded unless the schema is exactly the one this program was written for."""
    current, head = _known_revision(database), head_revision()
    if current != head:
        raise MigrationNeeded(f'the database has schema {current or "none"}, not {head}; run "chatbot db upgrade"')


def upgrade(database: Database) -> Path | None:
    """Bring the schema to the head; returns the backup taken first (SQLite, only if there was a schema)."""
    if _known_revision(database) == head_revision():
        return None
    with _one_at_a_time(database):
        current = _known_revision(database)  # another process may have done it meanwhile
        if current == head_revision():
            return None
        backup = _backup(database) if current else None
        _run(database, lambda config: command.upgrade(config, "head"))
    return backup


def downgrade(database: Database, revision: str) -> Path | None:
    """Go back to `revision` ("base" for an empty schema) after a backup."""
    with _one_at_a_time(database):
        backup = _backup(database)
        _run(database, lambda config: command.downgrade(config, revision))
    return backup


def known_revisions() -> frozenset[str]:
    """Schemas that this program can bring up to date."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions())


def _known_revision(database: Database) -> str | None:
    """The schema's revision; raises MigrationNeeded for one that this program has never heard of."""
    current = current_revision(database)
    if current is not None and current not in known_revisions():
        raise MigrationNeeded(
            f"the database has schema {current}, which is newer than this program ({head_revision()}); "
            "install a newer version"
        )
    return current


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _run(database: Database, step: Callable[[Config], None]) -> None:
    """One write transaction around all steps: SQLite's schema changes roll back too, once BEGIN is explicit."""
    with clear_errors(database.file), _without_foreign_keys(database) as connection, connection.begin():
        step(_config(connection))
        if database.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise StoreError("the migration would leave rows without the row they belong to; nothing was changed")


@contextmanager
def _without_foreign_keys(database: Database) -> Iterator[Connection]:
    """Batch mode changes a table by dropping it, and with foreign keys on that deletes what refers to its rows.

    SQLite takes this pragma only outside a transaction, so it goes to the driver's own connection.
    """
    with database.writing.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        if database.is_sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            if database.is_sqlite:
                driver.execute("PRAGMA foreign_keys=ON")


@contextmanager
def _one_at_a_time(database: Database) -> Iterator[None]:
    """Among all processes that change this SQLite file's schema; the kernel lets go however one ends."""
    file = database.file
    if file is None:
        yield
        return
    with file.with_name(f".{file.name}.upgrade").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _backup(database: Database) -> Path | None:
    """A copy that is there whole, or not at all. A process that is killed and started again and again fills no disk
    with equal ones: then the copy of before is given."""
    file = database.file
    if file is None:
        return None
    for left in file.parent.glob(f".{file.name}.*.bak.new"):
        left.unlink(missing_ok=True)
    before = sorted(file.parent.glob(f"{file.name}.*.bak"))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    target = file.with_name(f"{file.name}.{stamp}.bak")
    return copy_whole(file, target, unless_as=before[-1] if before else None)
