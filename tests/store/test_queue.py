"""Who sees which item of the review queue, and that no two agents hold the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from chatbot.desk.intake import Intake
from chatbot.errors import NotFound, NotNow
from chatbot.store import Store
from chatbot.store.queue import Filters, Queue
from chatbot.store.reviews import Reviews, Verdict
from chatbot.store.tables import ReviewItemRow, ReviewSkipRow
from chatbot.types import Agent, Exchange, Judgement, Role, Source

Ask = Callable[..., Exchange]
Hire = Callable[..., Agent]

DAY = timedelta(days=1)
QUESTIONS = (
    "do you sharpen garden shears",
    "may my parrot live in the tent",
    "can a submarine be rented here",
    "who paints the lighthouse",
    "is there a choir for beginners",
    "how many bees live in a hive",
)


@pytest.fixture
def ana(hire: Hire) -> Agent:
    return hire("Ana")


@pytest.fixture
def bo(hire: Hire) -> Agent:
    return hire("Bo")


@pytest.fixture
def filled(ask: Ask, intake: Intake, queue: Queue) -> Queue:
    """Six items of one question each."""
    for question in QUESTIONS:
        ask(question)
    intake.run()
    return queue


def texts(queue: Queue, agent: Agent, filters: Filters | None = None) -> list[str]:
    return [item.text for item in queue.page(agent, filters or Filters(), limit=100).items]


def test_pages_go_on_where_the_last_one_ended(filled: Queue, ana: Agent) -> None:
    first = filled.page(ana, Filters(), limit=4)
    second = filled.page(ana, Filters(), offset=4, limit=4)
    assert (first.total, len(first.items), len(second.items)) == (6, 4, 2)
    assert {item.text for item in (*first.items, *second.items)} == set(QUESTIONS)


def test_two_agents_at_once_get_no_item_twice(filled: Queue, hire: Hire) -> None:
    agents = [hire(f"agent {number}") for number in range(len(QUESTIONS))]
    got: list[int] = []

    def take(agent: Agent) -> None:
        item = filled.lease_next(agent, Filters())
        assert item is not None
        got.append(item.id)

    threads = [threading.Thread(target=take, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(set(got))
    assert len(got) == len(QUESTIONS)
    assert filled.lease_next(hire("one more"), Filters()) is None, "everything is in somebody's hands"


def test_a_lease_shows_and_ends(filled: Queue, ana: Agent, bo: Agent, store: Store) -> None:
    first = filled.lease_next(ana, Filters())
    assert first is not None
    seen = next(item for item in filled.page(bo, Filters()).items if item.id == first.id)
    assert (seen.leased_by, seen.leased_by_id) == ("Ana", ana.id)
    assert seen.lease_until is not None
    assert timedelta(minutes=9) < seen.lease_until - datetime.now(UTC) <= timedelta(minutes=10)
    with pytest.raises(NotNow, match="Ana has this open until"):
        filled.lease(bo, first.id)
    with store.database.write() as session:
        session.execute(sa.update(ReviewItemRow).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    assert filled.lease(bo, first.id).leased_by == "Bo", "ten minutes are over"


def test_a_clock_that_is_put_back_makes_no_lease_last(filled: Queue, ana: Agent, bo: Agent, store: Store) -> None:
    first = filled.lease_next(ana, Filters())
    assert first is not None
    with store.database.write() as session:
        session.execute(
            sa.update(ReviewItemRow).where(ReviewItemRow.id == first.id).values(lease_until=datetime.now(UTC) + DAY)
        )
    assert filled.item(first.id).leased_by is None
    seen = filled.lease_next(bo, Filters())
    assert seen is not None
    assert seen.id == first.id
    with store.database.write() as session:
        session.execute(
            sa.update(ReviewItemRow)
            .where(ReviewItemRow.id == first.id)
            .values(lease_agent_id=ana.id, lease_until=datetime.now(UTC) + DAY)
        )
    assert filled.lease(bo, first.id).leased_by == "Bo"
    with store.database.write() as session:
        session.execute(
            sa.update(ReviewItemRow)
            .where(ReviewItemRow.id == first.id)
            .values(lease_agent_id=ana.id, lease_until=datetime.now(UTC) + DAY)
        )
    assert Reviews(store.database).decide(bo, first.id, Verdict(Judgement.OUT_OF_SCOPE)).item_id == first.id


def test_a_clock_that_is_put_back_makes_nothing_stay_away(filled: Queue, ana: Agent, store: Store) -> None:
    first = filled.lease_next(ana, Filters())
    assert first is not None
    filled.skip(ana, first.id)
    assert first.text not in texts(filled, ana)
    with store.database.write() as session:
        session.execute(sa.update(ReviewSkipRow).values(until=datetime.now(UTC) + timedelta(hours=12) + DAY))
    assert first.text in texts(filled, ana)


def test_whoever_takes_another_gives_the_first_back(filled: Queue, ana: Agent, bo: Agent) -> None:
    first = filled.lease_next(ana, Filters())
    assert first is not None
    second = filled.lease_next(ana, Filters(), after=first.id)
    assert second is not None
    assert second.id != first.id
    again = filled.lease_next(bo, Filters())
    assert again is not None
    assert again.id == first.id
    filled.release(bo)
    assert filled.item(first.id).leased_by is None
    filled.release(ana, first.id)
    assert filled.item(second.id).leased_by == "Ana", "only what was named"


def test_what_is_skipped_is_for_others(filled: Queue, ana: Agent, bo: Agent) -> None:
    first = filled.lease_next(ana, Filters())
    assert first is not None
    filled.skip(ana, first.id)
    assert first.text not in texts(filled, ana)
    assert first.text in texts(filled, bo)
    assert filled.item(first.id).leased_by is None
    with pytest.raises(NotFound, match="no item 999"):
        filled.skip(ana, 999)


def test_filters(filled: Queue, ana: Agent, bo: Agent, store: Store, ask: Ask, intake: Intake) -> None:
    ask("until when are you open in the evening", down=True)
    intake.run()
    assert texts(filled, ana, Filters(source=Source.THUMBS_DOWN)) == ["until when are you open in the evening"]
    assert texts(filled, ana, Filters(intent="opening_hours", source=Source.THUMBS_DOWN)) != []
    assert texts(filled, ana, Filters(language="zh")) == []
    assert texts(filled, ana, Filters(words="PARROT")) == [QUESTIONS[1]]
    assert texts(filled, ana, Filters(words="%")) == [], "a sign of the database's own is a letter like any other"
    today = datetime.now(UTC).date()
    assert len(texts(filled, ana, Filters(since=today, until=today))) == 7
    assert texts(filled, ana, Filters(since=today + timedelta(days=1))) == []
    assert texts(filled, ana, Filters(until=today - timedelta(days=1))) == []
    version = filled.page(ana, Filters()).items[0].model_version
    assert len(texts(filled, ana, Filters(version=version))) == 7
    assert texts(filled, ana, Filters(version="another")) == []
    item = filled.page(ana, Filters(words="parrot")).items[0]
    Reviews(store.database).decide(ana, item.id, Verdict(Judgement.OUT_OF_SCOPE))
    assert texts(filled, bo, Filters(status="done", agent="Ana")) == [QUESTIONS[1]]
    assert texts(filled, bo, Filters(status="done", agent="Bo")) == []
    assert QUESTIONS[1] not in texts(filled, bo)


def test_disputes_are_for_leads(filled: Queue, ana: Agent, hire: Hire, store: Store) -> None:
    with store.database.write() as session:
        session.execute(sa.update(ReviewItemRow).where(ReviewItemRow.id == 1).values(status="disputed"))
    assert texts(filled, ana, Filters(status="disputed")) == []
    assert len(texts(filled, hire("Lea", Role.LEAD), Filters(status="disputed"))) == 1
    assert filled.count("disputed") == 1


def test_ten_thousand_items(store: Store, ask: Ask, ana: Agent, queue: Queue, intake: Intake) -> None:
    """A page and the next item take about as long as with a few: what is asked for stands in an index."""
    ask(QUESTIONS[0])
    intake.run()
    with store.database.write() as session:
        row = session.get_one(ReviewItemRow, 1)
        columns = {column.name: getattr(row, column.name) for column in ReviewItemRow.__table__.columns}
        copies = [columns | {"id": number, "rank": row.rank - number} for number in range(2, 10_001)]
        session.execute(sa.insert(ReviewItemRow), copies)
    with store.database.look() as connection:
        statement = "EXPLAIN QUERY PLAN SELECT id FROM review_items WHERE status = 'open' ORDER BY rank DESC LIMIT 1"
        plan = " ".join(row.detail for row in connection.execute(sa.text(statement)))
    assert "ix_review_items_status_rank" in plan
    assert "TEMP B-TREE" not in plan
    page = queue.page(ana, Filters(), offset=9_000, limit=3)
    assert (page.total, [item.id for item in page.items]) == (10_000, [9_001, 9_002, 9_003])
    found = queue.lease_next(ana, Filters())
    assert found is not None
    assert found.id == 1
