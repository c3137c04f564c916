"""Group commit: many writers, few commits, and each gets its own result or its own error."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from chatbot.errors import NotFound, StoreBusy, StoreError, StoreFull
from chatbot.store import engine
from chatbot.store.engine import Database
from chatbot.store.group import MOST_TOGETHER, GroupCommit, each_alone


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'words.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE words (word TEXT PRIMARY KEY)"))
        session.execute(text("CREATE TABLE counter (value INTEGER NOT NULL)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))
    yield database
    database.close()


def add_words(session: Session, words: Sequence[str]) -> list[int | Exception]:
    """Ends with the number of letters; the empty word is refused before anything is written."""
    kept = [{"word": word} for word in words if word]
    if kept:
        session.execute(text("INSERT INTO words VALUES (:word)"), kept)
    return [len(word) if word else NotFound("an empty word") for word in words]


def words_of(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(text("SELECT word FROM words")))


def commits_of(database: Database) -> list[int]:
    """Grows by one entry with each commit from now on."""
    counted: list[int] = []
    event.listen(database.engine, "commit", lambda _connection: counted.append(1))
    return counted


@contextmanager
def held(database: Database) -> Iterator[None]:
    """While this is open no group can begin to write, so that all who come gather."""
    holds, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write():
            holds.set()
            let_go.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(20)
    try:
        yield
    finally:
        let_go.set()
        holder.join()


def gather(pool: ThreadPoolExecutor, database: Database, works: Sequence[Callable[[], object]]) -> list[Future[object]]:
    """Start `works` so that they are written as one group, and wait until they are."""
    with held(database):
        futures = [pool.submit(work) for work in works]
        wait_until(lambda: len(database._group._waiting) == len(works))
    for future in futures:
        future.exception(20)
    return futures


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


def adding(database: Database, *words: str) -> list[Callable[[], object]]:
    return [lambda word=word: database.together(add_words, word) for word in words]  # type: ignore[misc]


def test_who_is_alone_has_one_transaction(database: Database) -> None:
    commits = commits_of(database)
    assert [database.together(add_words, word) for word in ("one", "three")] == [3, 5]
    assert len(commits) == 2
    assert words_of(database) == {"one", "three"}


def test_those_who_come_together_share_a_commit_and_keep_their_results(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    commits = commits_of(database)
    words = [f"{'x' * number}y" for number in range(32)]
    futures = gather(pool, database, adding(database, *words))
    assert [future.result() for future in futures] == [len(word) for word in words]
    assert len(commits) == 1
    assert words_of(database) == set(words)


def test_nobody_returns_before_the_commit_is_done(database: Database, pool: ThreadPoolExecutor) -> None:
    def add_and_look(word: str) -> bool:
        database.together(add_words, word)
        with closing(sqlite3.connect(database.engine.url.database or "")) as another:  # sees what is committed only
            return bool(another.execute("SELECT 1 FROM words WHERE word = ?", [word]).fetchone())

    assert all(pool.map(add_and_look, [f"word {number}" for number in range(200)]))


def test_a_mistake_is_its_makers_own(database: Database, pool: ThreadPoolExecutor) -> None:
    database.together(add_words, "taken")
    futures = gather(pool, database, adding(database, "good", "taken", "", "also good"))
    assert futures[0].result() == 4
    assert futures[3].result() == 9
    with pytest.raises(StoreError, match="the database refused: UNIQUE constraint failed") as refused:
        futures[1].result()
    assert type(refused.value) is StoreError
    with pytest.raises(NotFound, match="an empty word"):
        futures[2].result()
    assert words_of(database) == {"taken", "good", "also good"}


def test_a_fault_in_a_writers_own_function_is_its_own(database: Database, pool: ThreadPoolExecutor) -> None:
    def count_and_fail(session: Session) -> None:
        session.execute(text("UPDATE counter SET value = value + 100"))
        raise ZeroDivisionError("in the middle")

    def count(session: Session) -> int:
        session.execute(text("UPDATE counter SET value = value + 1"))
        return int(session.scalar(text("SELECT value FROM counter")) or 0)

    futures = gather(pool, database, [lambda: database.join(count), lambda: database.join(count_and_fail)] * 3)
    assert sorted(str(future.result()) for future in futures[::2]) == ["1", "2", "3"]
    for future in futures[1::2]:
        with pytest.raises(ZeroDivisionError, match="in the middle"):
            future.result()
    assert database.join(count) == 4


def test_kinds_of_writing_that_come_together_share_a_commit(database: Database, pool: ThreadPoolExecutor) -> None:
    commits = commits_of(database)

    def count(session: Session) -> None:
        session.execute(text("UPDATE counter SET value = value + 1"))

    gather(pool, database, [*adding(database, "a", "b"), lambda: database.join(count), lambda: database.join(count)])
    assert len(commits) == 1
    with database.read() as session:
        assert session.scalar(text("SELECT value FROM counter")) == 2


def test_a_full_disk_reaches_everybody_and_nothing_is_half_written(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    def no_room(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the present size: no page more

    database.together(add_words, "before")
    event.listen(database.engine, "checkout", no_room)
    words = [f"{number}" * 3000 for number in range(8)]
    futures = gather(pool, database, adding(database, "small", *words))
    errors = [future.exception() for future in futures]
    assert [type(error) for error in errors] == [StoreFull] * 9
    cure = "free some space on its disk (a running server then goes on by itself)"
    assert {str(error) for error in errors} == {
        f"the database refused: database or disk is full; {cure} ({database.file})"
    }
    assert len({id(error) for error in errors}) == 9
    assert words_of(database) == {"before"}
    event.remove(database.engine, "checkout", no_room)
    with database.write() as session:
        session.execute(text("PRAGMA max_page_count = 1000000"))
    assert database.together(add_words, "after") == 5


def test_a_busy_database_reaches_everybody(
    database: Database, pool: ThreadPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 50)
    impatient = Database(str(database.engine.url))
    with closing(sqlite3.connect(tmp_path / "words.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        futures = [pool.submit(work) for work in adding(impatient, *"abcdefgh")]
        errors = [future.exception(20) for future in futures]
        assert [type(error) for error in errors] == [StoreBusy] * 8
        other.execute("ROLLBACK")
    assert words_of(impatient) == set()
    assert impatient.together(add_words, "a") == 1
    impatient.close()


def test_more_than_may_wait_are_told_to_come_back(database: Database, pool: ThreadPoolExecutor) -> None:
    small = GroupCommit(database.write, most_waiting=2)
    with held(database):
        futures = [pool.submit(small.run, add_words, "a")]
        wait_until(lambda: small._led)
        futures.append(pool.submit(small.run, add_words, "b"))
        wait_until(lambda: len(small._waiting) == 2)
        with pytest.raises(StoreBusy, match="too many writers wait"):
            small.run(add_words, "c")
    assert [future.result(20) for future in futures] == [1, 1]
    assert words_of(database) == {"a", "b"}


def test_a_group_has_a_largest_size_and_the_rest_follows(database: Database) -> None:
    commits = commits_of(database)
    count = MOST_TOGETHER + 20
    with ThreadPoolExecutor(count) as many:
        futures = gather(many, database, adding(database, *(f"word {number}" for number in range(count))))
    assert [future.result() for future in futures] == [len(f"word {number}") for number in range(count)]
    assert len(commits) == 2


def test_closing_waits_for_those_inside_and_refuses_newcomers(database: Database, pool: ThreadPoolExecutor) -> None:
    with held(database):
        inside = [pool.submit(work) for work in adding(database, "a", "b", "c")]
        wait_until(lambda: len(database._group._waiting) == 3)
        closing_down = pool.submit(database.close)
        wait_until(lambda: database._group._closed)
        with pytest.raises(StoreError, match="the database was closed"):
            database.together(add_words, "late")
        assert not closing_down.done()
    closing_down.result(20)
    assert [future.result(20) for future in inside] == [1, 1, 1]
    again = Database(str(database.engine.url))
    assert words_of(again) == {"a", "b", "c"}
    again.close()


def test_a_leader_that_is_interrupted_leaves_no_one_waiting(database: Database, pool: ThreadPoolExecutor) -> None:
    def interrupted(_session: Session, _items: Sequence[str]) -> list[int | Exception]:
        raise KeyboardInterrupt

    with held(database):
        leader = pool.submit(database.together, interrupted, "first")
        wait_until(lambda: len(database._group._waiting) == 1)
        follower = pool.submit(database.together, add_words, "second")
        wait_until(lambda: len(database._group._waiting) == 2)
    assert isinstance(leader.exception(20), KeyboardInterrupt)
    with pytest.raises(StoreError, match="the write was interrupted; send it again"):
        follower.result(20)
    assert database.together(add_words, "third") == 5
    assert words_of(database) == {"third"}


def test_many_threads_lose_nothing_and_count_right(database: Database, pool: ThreadPoolExecutor) -> None:
    def read_then_write(session: Session) -> int:
        value = session.scalar(text("SELECT value FROM counter")) or 0
        session.execute(text("UPDATE counter SET value = :new"), {"new": value + 1})
        return int(value)

    seen = list(pool.map(lambda _: database.join(read_then_write), range(500)))
    assert sorted(seen) == list(range(500))


def test_each_alone_keeps_the_order() -> None:
    with Session() as session:
        assert each_alone(session, [lambda _: 1, lambda _: 2]) == [1, 2]
