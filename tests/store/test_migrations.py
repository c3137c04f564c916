"""The schema: up, down and up again, with a backup that holds what was acknowledged."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from chatbot.errors import MigrationNeeded, StoreError
from chatbot.store import Store, audit, migrations
from chatbot.store.copying import check_whole
from chatbot.store.engine import Database
from chatbot.store.exchanges import message_key
from chatbot.store.knowledge import Changes
from chatbot.store.migrations import check_schema, current_revision, downgrade, head_revision, upgrade
from chatbot.store.tables import Row
from chatbot.types import Example, Passage, Role

from .together import run_together

OPEN_IN_A_PROCESS = """
import sys
from chatbot.store import Store

print("ready", flush=True)
sys.stdin.readline()
store = Store.open(sys.argv[1], migrate=True)
print(store.conversations.create(language="en", channel="web").language)
store.close()
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    yield database
    database.close()


def schema(database: Database) -> list[tuple[str, str]]:
    """Name and definition of everything in the database; SQLite's list of the numbers it has given stays for ever."""
    with database.read() as session:
        rows = session.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))
        return [(row.name, row.sql) for row in rows if row.name != "sqlite_sequence"]


def count(database: Database, table: str) -> int:
    with database.read() as session:
        return int(session.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)


def operations(config: Config) -> Operations:
    """What a step of a migration works with."""
    return Operations(MigrationContext.configure(config.attributes["connection"]))


def test_up_from_nothing_needs_no_backup(database: Database, tmp_path: Path) -> None:
    assert current_revision(database) is None
    assert upgrade(database) is None
    assert current_revision(database) == head_revision()
    check_schema(database)
    assert list(tmp_path.glob("*.bak")) == []


def test_up_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    upgrade(database)
    before = schema(database)
    assert upgrade(database) is None
    assert schema(database) == before
    assert list(tmp_path.glob("*.bak")) == []


def test_the_migrated_schema_is_the_one_of_the_tables(database: Database) -> None:
    upgrade(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Row.metadata) == []


def test_constraints_are_those_of_the_tables(database: Database, tmp_path: Path) -> None:
    """What `compare_metadata` does not look at on SQLite: names of constraints, and what a deletion takes along."""
    upgrade(database)
    made = Database(f"sqlite:///{tmp_path / 'made.db'}")
    with made.writing.begin() as connection:
        Row.metadata.create_all(connection)
    found = []
    for each in (database, made):
        inspector = sa.inspect(each.engine)
        tables = sorted(set(inspector.get_table_names()) - {"alembic_version"})
        found.append(
            {
                table: (
                    sorted((key["name"] or "", str(key["options"])) for key in inspector.get_foreign_keys(table)),
                    sorted((key["name"] or "", key["column_names"]) for key in inspector.get_unique_constraints(table)),
                    inspector.get_pk_constraint(table),
                )
                for table in tables
            }
        )
    made.close()
    assert found[0] == found[1]


def test_down_to_nothing_and_up_again(database: Database, tmp_path: Path) -> None:
    upgrade(database)
    first = schema(database)
    backup = downgrade(database, "base")
    assert backup is not None
    assert backup.parent == tmp_path
    assert [name for name, _ in schema(database)] == ["alembic_version"]
    assert current_revision(database) is None
    upgrade(database)
    assert schema(database) == first


def test_the_backup_opens_and_holds_every_acknowledged_row(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    texts = [f"question number {number} about parcels" for number in range(40)]
    for line in texts:  # each is one commit, all of them still in the write-ahead log
        store.knowledge.apply(Changes(examples=(Example(line, "track_order"),)))
    assert (tmp_path / "shop.db-wal").stat().st_size > 0
    backup = downgrade(store.database, "base")
    store.close()
    assert backup is not None
    copy = Store.open(f"sqlite:///{backup}")
    assert [example.text for example in copy.knowledge.snapshot().examples] == texts
    assert copy.knowledge.revision() == 40
    copy.close()


UPGRADE_KILLED_AT_THE_END = """
import os, signal, sys
from chatbot.store import migrations
from chatbot.store.engine import Database

migrations._run = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
migrations.upgrade(Database(sys.argv[1]))
"""


def test_an_upgrade_that_is_killed_again_and_again_leaves_one_copy(tmp_path: Path) -> None:
    """A service that is started anew each time must not fill the disk with copies of the same."""
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    downgrade(store.database, "0006")
    store.close()
    (first,) = tmp_path.glob("*.bak")
    first.unlink()
    (tmp_path / ".shop.db.1.bak.new").write_bytes(b"half of a copy")
    for _ in range(2):
        command = [sys.executable, "-c", UPGRADE_KILLED_AT_THE_END, f"sqlite:///{tmp_path / 'shop.db'}"]
        assert subprocess.run(command, timeout=120, check=False).returncode == -signal.SIGKILL
    (copy,) = tmp_path.glob("*.bak")
    assert (check_whole(copy), stat.S_IMODE(copy.stat().st_mode)) == ("0006", 0o600)
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    store.close()
    assert list(tmp_path.glob("*.bak*")) + list(tmp_path.glob(".*.bak.new")) == [copy]


def test_no_copy_no_upgrade(tmp_path: Path) -> None:
    """What cannot be copied soundly is not changed."""
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    store.knowledge.apply(Changes(examples=tuple(Example(f"text {number}", "a") for number in range(2000))))
    downgrade(store.database, "0006")
    store.database.empty_log()
    store.close()
    for copy in tmp_path.glob("*.bak"):
        copy.unlink()
    with (tmp_path / "shop.db").open("r+b") as file:
        file.seek(4096 * 150)
        file.write(b"\xff" * 4096)
    with pytest.raises(StoreError, match="is damaged"):
        Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    assert check_revision(tmp_path / "shop.db") == "0006"
    assert list(tmp_path.glob("*.bak")) == []


def check_revision(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_changing_a_table_keeps_the_rows_that_refer_to_it(database: Database) -> None:
    """Batch mode drops and copies the table, and with foreign keys on that would take the messages along."""
    upgrade(database)
    with database.write() as session:
        session.execute(
            sa.text(
                "INSERT INTO conversations (id, language, channel, created_at) VALUES ('c', 'en', 'web', '2026-01-01')"
            )
        )
        session.execute(
            sa.text(
                "INSERT INTO messages (id, conversation_id, position, role, text, created_at) "
                "VALUES ('m', 'c', 1, 'customer', 'hello', '2026-01-01')"
            )
        )

    def wider(config: Config) -> None:
        with operations(config).batch_alter_table("conversations") as batch:
            batch.alter_column("channel", type_=sa.String(32))

    migrations._run(database, wider)
    assert (count(database, "conversations"), count(database, "messages")) == (1, 1)
    with database.read() as session:
        assert session.scalar(sa.text("PRAGMA foreign_keys")) == 1


def test_a_migration_that_leaves_orphans_is_undone(database: Database) -> None:
    upgrade(database)
    before = schema(database)

    def careless(config: Config) -> None:
        operations(config).execute(
            "INSERT INTO messages (id, conversation_id, position, role, text, created_at) "
            "VALUES ('m', 'nobody', 1, 'customer', 'hello', '2026-01-01')"
        )

    with pytest.raises(StoreError, match="would leave rows without the row they belong to; nothing was changed"):
        migrations._run(database, careless)
    assert (count(database, "messages"), schema(database)) == (0, before)


def test_a_failed_migration_leaves_the_schema_as_it_was(database: Database) -> None:
    upgrade(database)
    before = schema(database)

    def fails_halfway(config: Config) -> None:
        step = operations(config)
        step.create_table("half", sa.Column("id", sa.Integer(), primary_key=True))
        step.drop_table("feedback")
        with step.batch_alter_table("conversations") as batch:
            batch.alter_column("channel", type_=sa.String(32))
        step.drop_table("no_such_table")

    with pytest.raises(StoreError, match="the database refused: no such table: no_such_table"):
        migrations._run(database, fails_halfway)
    assert schema(database) == before
    assert current_revision(database) == head_revision()


def test_a_database_from_the_future_is_refused(database: Database) -> None:
    upgrade(database)
    with database.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationNeeded) as caught:
        check_schema(database)
    assert str(caught.value) == (
        f"the database has schema 9999, which is newer than this program ({head_revision()}); install a newer version"
    )
    with pytest.raises(MigrationNeeded, match="schema 9999, which is newer"):
        Store.open(str(database.engine.url), migrate=True)


def test_an_old_database_says_what_to_run(database: Database) -> None:
    with pytest.raises(MigrationNeeded) as caught:
        Store.open(str(database.engine.url))
    assert str(caught.value) == f'the database has schema none, not {head_revision()}; run "chatbot db upgrade"'


def test_two_processes_open_a_new_database_at_once(tmp_path: Path) -> None:
    outcomes = run_together(OPEN_IN_A_PROCESS, f"sqlite:///{tmp_path / 'shop.db'}")
    assert outcomes == [(0, "en\n", ""), (0, "en\n", "")]
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        assert connection.execute("SELECT count(*) FROM conversations").fetchone() == (2,)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(head_revision(),)]


def test_a_store_that_cannot_open_leaves_no_connection_open(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with pytest.raises(MigrationNeeded):
        Store.open(url)
    (tmp_path / "shop.db").unlink()  # an open connection would also show as an unclosed resource, an error here
    Store.open(url, migrate=True).close()


def test_probe_write_takes_and_gives_back_the_lock(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    store.probe_write()
    store.probe_write()
    assert store.knowledge.revision() == 0
    store.close()


def test_a_shop_from_before_documents_keeps_its_knowledge_and_can_take_them(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    store.knowledge.apply(Changes(examples=(Example("where is it", "track_order"),)))
    downgrade(store.database, "0001")
    store.close()
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    assert [example.text for example in store.knowledge.snapshot().examples] == ["where is it"]
    assert store.knowledge.snapshot().passages == ()
    store.knowledge.apply(Changes(passages=(Passage("a.md", "A", "Words."),)))
    assert [passage.body for passage in store.knowledge.snapshot().passages] == ["Words."]
    store.close()


def test_keys_of_before_become_digests_and_still_mean_the_same(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    conversation = store.conversations.create(language="en", channel="api").id
    downgrade(store.database, "0003")
    with store.database.write() as session:
        line = sa.text("INSERT INTO messages VALUES (:id, :conversation, :position, 'customer', 'hi', :key, :at)")
        for position, key in enumerate(("ada@home.example", None), 1):
            values = {"id": f"m{position}", "conversation": conversation, "position": position, "key": key}
            session.execute(line, values | {"at": "2026-03-01 12:00:00.000000"})
    upgrade(store.database)
    with store.database.read() as session:
        keys = session.scalars(sa.text("SELECT key FROM messages ORDER BY position")).all()
    assert keys == [message_key(conversation, "ada@home.example"), None]
    store.close()


def test_the_audit_log_goes_on_where_it_ended_after_a_way_down_and_up(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'shop.db'}", migrate=True)
    for name in ("Ada", "Grace"):
        store.agents.add(name, role=Role.LEAD, password_hash="none", by="Root")
    before = audit.verify(store.database)
    downgrade(store.database, "0004")
    upgrade(store.database)
    assert audit.verify(store.database) == before
    store.agents.add("Linus", role=Role.LEAD, password_hash="none", by="Root")
    chain = audit.verify(store.database, noted=(before.rows, before.head))
    assert (chain.rows, chain.intact) == (3, True)
    store.close()
