"""The database under load: nothing lost, nothing half done, and errors that people can read."""

from __future__ import annotations

import random
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from benchmarks.torture.small_disk import files_limited
from chatbot.errors import SettingsError, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreUnwritable
from chatbot.store import engine
from chatbot.store.engine import Database

from .together import run_together

SECRET = "my card is 4111 and my name is Ada"

COUNT_IN_A_PROCESS = """
import sys
from sqlalchemy import text
from chatbot.store.engine import Database

database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    with database.write() as session:
        value = session.scalar(text("SELECT value FROM counter"))
        session.execute(text("UPDATE counter SET value = :new"), {"new": value + 1})
database.close()
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'counter.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE counter (value INTEGER NOT NULL)"))
        session.execute(text("CREATE TABLE words (word TEXT PRIMARY KEY)"))
        session.execute(text("CREATE TABLE letters (word TEXT NOT NULL REFERENCES words (word))"))
        session.execute(text("INSERT INTO counter VALUES (0)"))
    yield database
    database.close()


def counted(database: Database) -> int:
    with database.read() as session:
        return int(session.scalar(text("SELECT value FROM counter")) or 0)


def add_one(database: Database) -> None:
    with database.write() as session:
        value = session.scalar(text("SELECT value FROM counter"))
        session.execute(text("UPDATE counter SET value = :new"), {"new": (value or 0) + 1})


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000), ("secure_delete", 1)],
)
def test_each_connection_has_the_settings_that_lose_nothing(database: Database, pragma: str, value: object) -> None:
    with database.read() as one, database.read() as other:
        assert one.scalar(text(f"PRAGMA {pragma}")) == value
        assert other.scalar(text(f"PRAGMA {pragma}")) == value


def test_eight_threads_that_read_then_write_lose_no_update(database: Database) -> None:
    def work(_number: int) -> None:
        for _ in range(25):
            add_one(database)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert counted(database) == 200


def test_two_processes_that_read_then_write_lose_no_update(database: Database) -> None:
    outcomes = run_together(COUNT_IN_A_PROCESS, str(database.engine.url), "60")
    assert outcomes == [(0, "", ""), (0, "", "")]
    assert counted(database) == 120


def test_a_reader_keeps_its_snapshot_while_a_writer_commits(database: Database) -> None:
    with database.read() as reader:
        assert reader.scalar(text("SELECT value FROM counter")) == 0
        add_one(database)
        assert counted(database) == 1
        assert reader.scalar(text("SELECT value FROM counter")) == 0


def test_nobody_sees_what_is_not_committed(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE counter SET value = 9"))
        assert counted(database) == 0
    assert counted(database) == 9


def test_a_failed_write_leaves_nothing_and_frees_the_lock(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            session.execute(text("UPDATE counter SET value = 9"))
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail()
    assert counted(database) == 0
    add_one(database)
    assert counted(database) == 1


def test_changes_made_while_reading_are_dropped(database: Database) -> None:
    with database.read() as session:
        session.execute(text("UPDATE counter SET value = 9"))
    assert counted(database) == 0


def test_a_writer_waits_for_the_other_one(database: Database) -> None:
    holds, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write() as session:
            session.execute(text("UPDATE counter SET value = value + 10"))
            holds.set()
            go_on.wait(10)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(hold)
        assert holds.wait(10)
        second = pool.submit(add_one, database)
        assert not second.done()
        go_on.set()
        first.result(10)
        second.result(10)
    assert counted(database) == 11


def test_busy_when_another_process_holds_the_lock_too_long(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 50)
    impatient = Database(str(database.engine.url))
    with closing(sqlite3.connect(tmp_path / "counter.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="busy with another writer; try again in a moment"):
            add_one(impatient)
        assert counted(impatient) == 0  # readers never wait
        other.execute("ROLLBACK")
    add_one(impatient)
    assert counted(impatient) == 1
    impatient.close()


def test_while_somebody_holds_on_nobody_waits_as_long_as_the_first(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 1500)
    monkeypatch.setattr(engine, "HURRIED_MILLISECONDS", 20)
    patient = Database(str(database.engine.url))

    def seconds_until_refused() -> float:
        began = time.perf_counter()
        with pytest.raises(StoreBusy):
            add_one(patient)
        return time.perf_counter() - began

    with closing(sqlite3.connect(tmp_path / "counter.db", isolation_level=None)) as other:
        for _ in range(2):  # the second time shows that a success makes them patient again
            other.execute("BEGIN IMMEDIATE")
            assert seconds_until_refused() > 1.4
            assert max(seconds_until_refused() for _ in range(5)) < 1.0
            other.execute("ROLLBACK")
            add_one(patient)
    assert counted(patient) == 2
    patient.close()


def test_a_long_write_in_the_same_process_makes_others_busy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 50)
    holds, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write():
            holds.set()
            go_on.wait(10)

    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(hold)
        assert holds.wait(10)
        with pytest.raises(StoreBusy, match="a long write is at work here"):
            add_one(database)
        go_on.set()
        long.result(10)
    add_one(database)
    assert counted(database) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO nowhere VALUES (:words)",  # no such table
        "INSERT INTO letters VALUES (:words)",  # a foreign key that points nowhere
        "INSERT INTO words VALUES (:words), (:words)",  # not unique
        "INSERT INTO counter VALUES (abs(:words, 1))",  # a wrong call
    ],
)
def test_an_error_never_carries_the_customers_words(database: Database, statement: str) -> None:
    def fail() -> None:
        with database.write() as session:
            session.execute(text(statement), {"words": SECRET})

    with pytest.raises(StoreError) as caught:
        fail()
    told: list[str] = []
    error: BaseException | None = caught.value
    while error is not None:
        told.append(str(error))
        error = error.__cause__ or error.__context__
    assert told[0].startswith("the database refused: ")
    assert not any(word in line for line in told for word in ("4111", "Ada"))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is a shopping list, not a database. " * 100)
    database = Database(f"sqlite:///{tmp_path / 'broken.db'}")
    with pytest.raises(StoreError, match="the database refused: file is not a database"):
        counted(database)
    database.close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"the database's folder cannot be made: .*file"):
        Database(f"sqlite:///{tmp_path / 'file' / 'below' / 'shop.db'}")


@pytest.mark.parametrize("url", ["no url at all", "nosuchdatabase://host/name"])
def test_an_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(SettingsError, match="database_url cannot be used: "):
        Database(url)


def test_a_malformed_url_does_not_show_its_password() -> None:
    with pytest.raises(SettingsError) as caught:
        Database("postgresql//shop:hunter2@host/name")
    assert "hunter2" not in str(caught.value)


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'deep' / 'er' / 'shop.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE t (x)"))
    database.close()
    assert (tmp_path / "deep" / "er" / "shop.db").is_file()


def dead_words(file: Path, living: set[str]) -> int:
    """How many rows that are gone can still be read in the file."""
    return sum(found.decode() not in living for found in re.findall(rb"secret-([0-9]{6})", file.read_bytes()))


def test_a_rewritten_file_holds_no_row_that_was_deleted(tmp_path: Path) -> None:
    """`secure_delete` alone leaves some: rows that grow are moved from page to page before they are deleted."""
    file = tmp_path / "shop.db"
    database = Database(f"sqlite:///{file}")
    chance = random.Random(1)
    with database.write() as session:
        session.execute(text("CREATE TABLE notes (name TEXT PRIMARY KEY, words TEXT)"))
    for number in range(1200):
        with database.write() as session:
            row = {"name": f"{number:06}", "words": f"secret-{number:06} " * chance.randint(1, 30)}
            session.execute(text("INSERT INTO notes VALUES (:name, :words)"), row)
            older = f"{chance.randint(0, number):06}"
            grown = {"name": older, "words": f"secret-{older} " * chance.randint(30, 90)}
            session.execute(text("UPDATE notes SET words = :words WHERE name = :name"), grown)
            session.execute(text("DELETE FROM notes WHERE name = :name"), {"name": f"{chance.randint(0, number):06}"})
    with database.read() as session:
        living = set(session.scalars(text("SELECT name FROM notes")))
    assert dead_words(tmp_path / "shop.db-wal", living) > 0
    assert database.rewrite()
    assert dead_words(file, living) == 0
    assert (tmp_path / "shop.db-wal").read_bytes() == b""
    with database.read() as session:
        assert set(session.scalars(text("SELECT name FROM notes"))) == living
    database.close()


def test_a_reader_that_holds_on_to_the_log_is_told_of(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 50)
    impatient = Database(str(database.engine.url))
    with database.read() as session:
        session.execute(text("SELECT value FROM counter"))
        with impatient.write() as other:
            other.execute(text("UPDATE counter SET value = value + 1"))
        assert not impatient.rewrite()
    assert impatient.rewrite()
    impatient.close()


# --- A disk that takes no more -----------------------------------------------------------------------------------


def test_on_a_full_disk_nothing_is_half_stored_and_it_goes_on_by_itself(database: Database, tmp_path: Path) -> None:
    add_one(database)
    log = tmp_path / "counter.db-wal"
    for room in range(0, 5 * 4096, 2048):  # each time a little more of the write gets through

        def fill(room: int = room) -> None:
            with files_limited(log.stat().st_size + room), database.write() as session:
                session.execute(text("UPDATE counter SET value = 99"))
                session.execute(text("INSERT INTO words VALUES (hex(randomblob(20000)))"))

        with pytest.raises((StoreFull, StoreUnwritable), match="its disk"):
            fill()
        assert counted(database) == 1
    add_one(database)
    assert counted(database) == 2


def test_the_probe_writes_for_real(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking the lock, or deleting what is not there, needs no room on the disk."""
    monkeypatch.setattr(engine, "LEAST_ROOM_BYTES", 1)
    database.probe_write()
    log = tmp_path / "counter.db-wal"
    with files_limited(log.stat().st_size), pytest.raises((StoreFull, StoreUnwritable)):
        database.probe_write()
    database.probe_write()


def test_the_probe_says_so_before_the_last_page_is_taken(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LEAST_ROOM_BYTES", 1 << 62)
    with pytest.raises(StoreFull, match=r"the disk of .*counter\.db has less than 1 MB left; free some space"):
        database.probe_write()


def test_a_sound_file_is_looked_through_in_silence(database: Database) -> None:
    database.look_through()
    database.probe_write()


def test_a_damaged_page_makes_the_probe_fail_from_then_on(database: Database, tmp_path: Path) -> None:
    """Other pages may still be sound, and a statement on them would pass."""
    with database.write() as session:
        for number in range(200):
            session.execute(text("INSERT INTO words VALUES (:word)"), {"word": f"{number:04} " + "x" * 200})
    database.empty_log()
    database.close()
    file = tmp_path / "counter.db"
    content = bytearray(file.read_bytes())
    for page in range(6, len(content) // 4096):
        content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    file.write_bytes(content)
    damaged = Database(str(database.engine.url))
    damaged.probe_write()
    with (
        closing(Database(str(database.engine.url))) as another,
        pytest.raises(StoreDamaged, match="put a backup in its"),
    ):
        another.look_through()

    def read_all() -> None:
        with damaged.read() as session:
            session.execute(text("SELECT word FROM words ORDER BY word")).all()

    with pytest.raises(StoreDamaged, match="database disk image is malformed; stop the server and put a backup in its"):
        read_all()
    with pytest.raises(StoreDamaged, match="malformed"):
        damaged.probe_write()
    damaged.close()


def test_a_log_that_grew_gives_its_space_back(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOG_BYTES", 100_000)
    database.close()
    modest = Database(str(database.engine.url))
    log = tmp_path / "counter.db-wal"
    with modest.read() as reader:
        reader.execute(text("SELECT value FROM counter"))  # who reads long keeps the log from being begun anew
        for _ in range(20):
            with modest.write() as session:
                session.execute(text("INSERT INTO words VALUES (hex(randomblob(10000)))"))
        assert log.stat().st_size > 400_000
    modest.probe_write()
    with modest.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)")
    modest.probe_write()
    assert log.stat().st_size <= 100_000
    modest.close()


def test_when_all_connections_are_in_use_it_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CONNECTIONS", 2)
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 100)
    with closing(Database(f"sqlite:///{tmp_path / 'few.db'}")) as few, few.read() as one, few.read() as other:
        one.execute(text("SELECT 1"))
        other.execute(text("SELECT 1"))
        with pytest.raises(StoreBusy, match="all connections to the database are in use"), few.read() as third:
            third.execute(text("SELECT 1"))
