"""The audit log, and everything that somebody might do to it past the application."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from chatbot.errors import StoreError
from chatbot.store import Store, audit
from chatbot.store.audit import START, Chain, Watch

from .together import run_together

APPEND_IN_A_PROCESS = """
import sys
from chatbot.store import Store, audit

store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(50):
    with store.database.write() as session:
        audit.append(session, who="Ada", what="template.changed", after={"number": number})
store.close()
"""


def write(store: Store, *rows: tuple[str, str]) -> None:
    for who, what in rows:
        with store.database.write() as session:
            audit.append(session, who=who, what=what, before={"revision": 1}, after={"revision": 2, "keys": ("a", "b")})


def tamper(store: Store, statement: str, **values: object) -> None:
    with store.database.write() as session:
        session.execute(text(statement), values)


@pytest.fixture
def five(empty_store: Store) -> Store:
    write(empty_store, *[("Ada", "template.changed")] * 3, ("Grace", "template.approved"), ("Ada", "agent.role"))
    return empty_store


def test_what_is_written_is_read_newest_first(empty_store: Store) -> None:
    before = datetime.now(UTC)
    write(empty_store, ("Ada", "template.changed"), ("Grace", "agent.role"))
    total, (newest, oldest) = audit.read(empty_store.database)
    assert total == 2
    assert (newest.id, newest.who, newest.what) == (2, "Grace", "agent.role")
    assert (oldest.id, oldest.who, oldest.what) == (1, "Ada", "template.changed")
    assert oldest.before == {"revision": 1}
    assert oldest.after == {"revision": 2, "keys": ["a", "b"]}
    assert before <= oldest.at <= newest.at <= datetime.now(UTC)


def test_filters_and_pages(five: Store) -> None:
    assert [entry.id for entry in audit.read(five.database, offset=1, limit=2)[1]] == [4, 3]
    assert audit.read(five.database, limit=2)[0] == 5
    assert [entry.id for entry in audit.read(five.database, who="Grace")[1]] == [4]
    assert [entry.id for entry in audit.read(five.database, what="template")[1]] == [4, 3, 2, 1]
    assert [entry.id for entry in audit.read(five.database, what="agent.role")[1]] == [5]
    assert audit.read(five.database, what="agent.%") == (0, ())
    assert audit.read(five.database, what="agen") == (0, ())


def test_an_empty_log_is_whole(empty_store: Store) -> None:
    assert audit.verify(empty_store.database) == Chain(0, START)


def test_each_row_covers_the_one_before(five: Store) -> None:
    chain = audit.verify(five.database)
    assert (chain.intact, chain.rows, len(chain.head)) == (True, 5, 64)
    with five.database.read() as session:
        rows = session.execute(text("SELECT previous_hash, hash FROM audit_log ORDER BY id")).all()
    assert [row.previous_hash for row in rows] == [START, *[row.hash for row in rows[:-1]]]
    assert chain.head == rows[-1].hash


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET who = 'Mallory' WHERE id = 3",
        "UPDATE audit_log SET what = 'agent.role' WHERE id = 3",
        "UPDATE audit_log SET at = '2020-01-01 00:00:00.000000' WHERE id = 3",
        """UPDATE audit_log SET before = '{"revision": 9}' WHERE id = 3""",
        "UPDATE audit_log SET after = 'null' WHERE id = 3",
        f"UPDATE audit_log SET hash = '{'a' * 64}' WHERE id = 3",
        f"UPDATE audit_log SET previous_hash = '{START}' WHERE id = 3",
    ],
)
def test_a_changed_row_is_named(five: Store, change: str) -> None:
    tamper(five, change)
    chain = audit.verify(five.database)
    assert (chain.rows, chain.broken_at, chain.reason) == (2, 3, "was changed")


@pytest.mark.parametrize("missing", [1, 3])
def test_a_row_that_is_missing_in_the_middle_is_named(five: Store, missing: int) -> None:
    tamper(five, f"DELETE FROM audit_log WHERE id = {missing}")
    chain = audit.verify(five.database)
    assert (chain.rows, chain.broken_at, chain.reason) == (missing - 1, missing, "is missing")


def test_closing_the_gap_does_not_hide_it(five: Store) -> None:
    tamper(five, "DELETE FROM audit_log WHERE id = 3")
    tamper(five, "UPDATE audit_log SET id = id - 1 WHERE id > 3")
    chain = audit.verify(five.database)
    assert (chain.broken_at, chain.reason) == (3, "was changed")


def test_exchanged_rows_are_noticed(five: Store) -> None:
    tamper(five, "UPDATE audit_log SET id = -id WHERE id IN (2, 3)")
    tamper(five, "UPDATE audit_log SET id = 5 + id WHERE id < 0")
    assert audit.verify(five.database).broken_at == 2


@pytest.mark.parametrize(("least", "first_missing"), [(5, 5), (4, 4), (1, 1)])
def test_the_last_rows_cannot_go_unnoticed(five: Store, least: int, first_missing: int) -> None:
    tamper(five, f"DELETE FROM audit_log WHERE id >= {least}")
    chain = audit.verify(five.database)
    assert (chain.rows, chain.broken_at, chain.reason) == (first_missing - 1, first_missing, "is missing")


def test_what_is_written_after_the_last_rows_went_does_not_cover_it_up(five: Store) -> None:
    tamper(five, "DELETE FROM audit_log WHERE id = 5")
    write(five, ("Mallory", "agent.role"))
    chain = audit.verify(five.database)
    assert (chain.broken_at, chain.reason) == (5, "is missing")


def test_without_its_head_the_log_takes_nothing_and_says_so(five: Store) -> None:
    tamper(five, "DELETE FROM audit_head")
    assert audit.verify(five.database).reason == "cannot be judged: the head of the log is gone"
    with pytest.raises(StoreError, match="the audit log has lost its head"):
        write(five, ("Ada", "agent.role"))


def test_a_head_that_was_set_back_is_noticed(five: Store) -> None:
    tamper(five, "UPDATE audit_head SET last = 4")
    assert audit.verify(five.database).reason == "does not agree with the head of the log"


def rewritten(store: Store) -> None:
    """As by somebody who knows how it is made: the second row is another, and all hashes after it fit."""
    with store.database.write() as session:
        rows = session.execute(text("SELECT * FROM audit_log ORDER BY id")).mappings().all()
        session.execute(text("DELETE FROM audit_log"))
        session.execute(text(f"UPDATE audit_head SET last = 0, hash = '{START}'"))
        for row in rows:
            who = "Mallory" if row["id"] == 2 else str(row["who"])
            audit.append(
                session, who=who, what=row["what"], before=json.loads(row["before"]), after=json.loads(row["after"])
            )


def test_a_log_that_was_written_anew_is_only_noticed_by_an_end_that_was_noted(five: Store) -> None:
    noted = audit.verify(five.database)
    write(five, ("Grace", "template.approved"))
    assert audit.verify(five.database, noted=(noted.rows, noted.head)).intact
    rewritten(five)
    assert audit.verify(five.database).intact  # the limit that docs/agents.md names
    chain = audit.verify(five.database, noted=(noted.rows, noted.head))
    assert (chain.broken_at, chain.reason) == (5, "is not the one that was noted: the log was written anew")


def test_a_log_cut_short_together_with_its_head_is_noticed_by_an_end_that_was_noted(five: Store) -> None:
    noted = audit.verify(five.database)
    with five.database.read() as session:
        hash_of_4 = session.scalar(text("SELECT hash FROM audit_log WHERE id = 4"))
    tamper(five, "DELETE FROM audit_log WHERE id = 5")
    tamper(five, "UPDATE audit_head SET last = 4, hash = :hash", hash=hash_of_4)
    assert audit.verify(five.database).intact
    chain = audit.verify(five.database, noted=(noted.rows, noted.head))
    assert (chain.broken_at, chain.reason) == (5, "is missing")


def test_a_change_that_fails_leaves_no_row(five: Store) -> None:
    def fail() -> None:
        with five.database.write() as session:
            audit.append(session, who="Ada", what="agent.role")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert audit.verify(five.database).rows == 5


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_what_is_no_json_is_refused(five: Store, value: object) -> None:
    with pytest.raises((TypeError, ValueError)), five.database.write() as session:
        audit.append(session, who="Ada", what="agent.role", after={"value": value})
    assert audit.verify(five.database).rows == 5


def test_numbers_as_keys_and_every_script_come_back_as_they_were_hashed(empty_store: Store) -> None:
    odd: dict[Any, Any] = {2: "二", 10: 0.1, "é": None, "n": 1e300}
    with empty_store.database.write() as session:
        audit.append(session, who="王芳", what="agent.role", after=odd)
    assert audit.verify(empty_store.database).intact
    assert audit.read(empty_store.database)[1][0].after == {"2": "二", "10": 0.1, "é": None, "n": 1e300}


def test_many_threads_write_one_chain(empty_store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(empty_store, (f"agent {number}", "template.changed")), range(40)))
    chain = audit.verify(empty_store.database)
    assert (chain.rows, chain.intact) == (40, True)


def test_two_processes_write_one_chain(empty_store: Store) -> None:
    url = empty_store.database.engine.url.render_as_string(hide_password=False)
    assert [(code, errors) for code, _, errors in run_together(APPEND_IN_A_PROCESS, url)] == [(0, "")] * 2
    chain = audit.verify(empty_store.database)
    assert (chain.rows, chain.intact) == (100, True)


def test_a_page_that_asks_often_reads_what_is_new(five: Store) -> None:
    now = 0.0
    watch = Watch(five.database, clock=lambda: now)
    assert (watch.look().rows, watch.look().intact) == (5, True)
    write(five, ("Ada", "agent.role"))
    assert watch.look() == audit.verify(five.database)
    tamper(five, "UPDATE audit_log SET who = 'Mallory' WHERE id = 7")  # is not there yet
    write(five, ("Ada", "agent.role"))
    tamper(five, "UPDATE audit_log SET who = 'Mallory' WHERE id = 7")
    assert (watch.look().broken_at, watch.look().rows) == (7, 6)


@pytest.mark.parametrize("missing", ["= 2", ">= 4", "= 5"])
def test_a_page_that_asks_often_misses_no_row(five: Store, missing: str) -> None:
    watch = Watch(five.database)
    assert watch.look().intact
    tamper(five, f"DELETE FROM audit_log WHERE id {missing}")
    assert watch.look() == audit.verify(five.database)
    assert not watch.look().intact


def test_a_changed_row_of_before_is_found_within_the_hour(five: Store) -> None:
    now = 0.0
    watch = Watch(five.database, clock=lambda: now)
    assert watch.look().intact
    tamper(five, "UPDATE audit_log SET who = 'Mallory' WHERE id = 2")
    now = 3599.0
    assert watch.look().intact
    now = 3600.0
    assert watch.look().broken_at == 2
    assert watch.look().broken_at == 2
