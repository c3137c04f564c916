"""Copies of a live database: of one moment, whole, and while others write."""

from __future__ import annotations

import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatbot.errors import StoreError
from chatbot.store.copying import PAGES_A_STEP, check_whole, copy_whole, snapshot, without_remnants

PAIRS = "SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM other)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Large enough for several steps."""
    made = tmp_path / "shop.db"
    with closing(sqlite3.connect(made)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA page_size=512")
        database.execute("CREATE TABLE one (number INTEGER, words TEXT)")
        database.execute("CREATE TABLE other (number INTEGER)")
        database.execute("CREATE TABLE filling (words TEXT)")
        with database:
            database.executemany("INSERT INTO filling VALUES (?)", (("x" * 4000,) for _ in range(4 * PAGES_A_STEP)))
    return made


@contextmanager
def writing(file: Path) -> Iterator[list[float]]:
    """A writer that commits a row into two tables again and again; the seconds that each commit took."""
    ended, took = threading.Event(), list[float]()

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=30)) as database:
            while not ended.is_set():
                began = time.monotonic()
                with database:
                    database.execute("INSERT INTO one VALUES (?, 'words')", (len(took),))
                    database.execute("INSERT INTO other VALUES (?)", (len(took),))
                took.append(time.monotonic() - began)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield took
    finally:
        ended.set()
        thread.join()


def rows(file: Path, query: str) -> tuple[Any, ...]:
    with closing(sqlite3.connect(file)) as database:
        return tuple(database.execute(query).fetchone())


def test_a_copy_is_of_one_moment_and_ends_although_others_write(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with writing(file) as took:
        while len(took) < 20:
            time.sleep(0.001)
        with snapshot(file) as now:
            at_least = len(took)
            now.copy_to(copy, pause=0.02)
        meanwhile = len(took) - at_least
    one, other = rows(copy, PAIRS)
    assert at_least <= one <= at_least + 1
    assert other == one, "a transaction is in it whole or not at all"
    assert meanwhile > 5, "writers went on while it was copied"
    assert rows(file, PAIRS)[0] == len(took)


def test_a_copy_is_private_sound_and_one_file(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()
    copy_whole(file, copy)
    assert [path.name for path in copy.parent.iterdir()] == ["copy.db"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert check_whole(copy) is None
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_deleted_rows_leave_nothing_in_a_copy_without_remnants(file: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA secure_delete=OFF")  # as where it fails to reach
        with database:
            database.executemany("INSERT INTO one VALUES (?, 'Quokkabel')", ((number,) for number in range(50)))
            database.execute("INSERT INTO one VALUES (51, 'stays')")
        with database:
            database.execute("DELETE FROM one WHERE words = 'Quokkabel'")
    pages, clean = tmp_path / "pages.db", tmp_path / "clean.db"
    with snapshot(file) as now:
        now.copy_to(pages, pause=0.0)
    without_remnants(pages, clean)
    assert (b"Quokkabel" in pages.read_bytes(), b"Quokkabel" in clean.read_bytes()) == (True, False)
    assert rows(clean, "SELECT * FROM one") == (51, "stays")
    assert stat.S_IMODE(clean.stat().st_mode) == 0o600
    assert check_whole(clean) is None


def test_the_schema_of_a_copy_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('0007')")
    assert check_whole(tmp_path / "shop.db") == "0007"


def test_a_damaged_file_is_found(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    with file.open("r+b") as stream:
        stream.seek(4096 * 40)
        stream.write(b"\xff" * 4096 * 4)
    with pytest.raises(StoreError, match=r"shop\.db is damaged|cannot be copied or read"):
        check_whole(file)
    with pytest.raises(StoreError):
        copy_whole(file, file.with_name("copy.db"))
    assert sorted(path.name for path in file.parent.iterdir()) == ["shop.db"]


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no database .*shop\.db to copy"), snapshot(tmp_path / "shop.db"):
        pass
    (tmp_path / "shop.db").write_text("no database at all, but long enough to be asked" * 20, encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be copied or read: file is not a database"):
        copy_whole(tmp_path / "shop.db", tmp_path / "copy.db")
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]
