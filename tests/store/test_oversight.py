"""What the lead's page counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from chatbot.bot import LiveBot
from chatbot.desk.intake import Intake
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.oversight import Oversight, Sample, Work, beginning_of, this_week, today
from chatbot.store.queue import Filters, Queue
from chatbot.store.reviews import Reviews, Verdict
from chatbot.types import Agent, Exchange, Judgement

Ask = Callable[..., Exchange]
Hire = Callable[..., Agent]

QUESTIONS = ("do you sharpen garden shears", "may my parrot live in the tent", "who paints the lighthouse")


@pytest.fixture
def oversight(store: Store) -> Oversight:
    return Oversight(store.database)


def test_work_and_lessons_of_today(
    ask: Ask, intake: Intake, queue: Queue, hire: Hire, store: Store, oversight: Oversight
) -> None:
    ana, bo = hire("Ana"), hire("Bo")
    for question in QUESTIONS:
        ask(question)
    intake.run()
    reviews = Reviews(store.database)
    for item in queue.page(ana, Filters()).items:
        reviews.decide(ana, item.id, Verdict(Judgement.OUT_OF_SCOPE))
    reviews.undo(ana)
    week = today() - timedelta(days=7)
    assert oversight.work(day=today(), week=week) == (Work("Ana", 2, 2), Work("Bo", 0, 0))
    assert oversight.work(day=today() + timedelta(days=1), week=week)[0] == Work("Ana", 0, 2)
    assert (oversight.decided(since=today()), oversight.decided(since=today(), agent_id=bo.id)) == (2, 0)
    assert (oversight.taught(since=today()), oversight.open(), oversight.disputed(), oversight.drafts()) == (2, 1, 0, 0)


def test_the_true_wrong_answer_rate_is_that_of_the_random_sample(
    ask: Ask, queue: Queue, hire: Hire, store: Store, oversight: Oversight, bots: LiveBot, redactor: Redactor
) -> None:
    ana = hire("Ana")
    everything = Intake(store=store, bots=bots, redactor=redactor, audit_share=1.0, second_share=0.0)
    for _ in range(4):
        ask("what are your opening hours")
    ask(QUESTIONS[0])  # not answered, so no part of it
    everything.run()
    assert oversight.sample(since=today()) == Sample(0, 0, 4)
    reviews, drawn = Reviews(store.database), queue.page(ana, Filters(source="audit")).items
    reviews.decide(ana, drawn[0].id, Verdict(Judgement.ACCEPT))
    reviews.decide(ana, drawn[1].id, Verdict(Judgement.RELABEL, "opening_hours"))
    reviews.decide(ana, drawn[2].id, Verdict(Judgement.WRONG))
    assert oversight.sample(since=today()) == Sample(3, 1, 1)
    reviews.undo(ana)
    assert oversight.sample(since=today()) == Sample(2, 0, 2)
    assert oversight.sample(since=today() + timedelta(days=1)) == Sample(0, 0, 0)


def test_pairs_of_two_agents(
    ask: Ask, queue: Queue, hire: Hire, store: Store, oversight: Oversight, bots: LiveBot, redactor: Redactor
) -> None:
    ana, bo = hire("Ana"), hire("Bo")
    twice = Intake(store=store, bots=bots, redactor=redactor, audit_share=0.0, second_share=1.0)
    for question in QUESTIONS[:2]:
        ask(question)
    twice.run()
    reviews = Reviews(store.database)
    first, second = (item.id for item in queue.page(ana, Filters()).items)
    for agent, item, verdict in (
        (ana, first, Verdict(Judgement.RELABEL, "return_item")),
        (bo, first, Verdict(Judgement.RELABEL, "size_guide")),
        (ana, second, Verdict(Judgement.WRONG)),
    ):
        reviews.decide(agent, item, verdict)
    assert oversight.pairs() == [("return_item", "size_guide")]
    reviews.decide(bo, second, Verdict(Judgement.WRONG))
    assert oversight.pairs() == [("return_item", "size_guide"), ("wrong", "wrong")]
    assert oversight.disputed() == 1


# --- Days and weeks where the server stands --------------------------------------------------------------------------

Stand = Callable[[str], None]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    """Take the server to another time zone."""

    def go(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield go
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "day", "began"),
    [
        ("UTC", date(2026, 11, 22), datetime(2026, 11, 22, tzinfo=UTC)),
        ("Asia/Shanghai", date(2026, 11, 23), datetime(2026, 11, 22, 16, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 23), datetime(2026, 11, 23, 5, tzinfo=UTC)),
        # Of the days on which clocks are changed, and of those beside them.
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 26), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("Europe/Berlin", date(2027, 3, 28), datetime(2027, 3, 27, 23, tzinfo=UTC)),
        ("Europe/Berlin", date(2027, 3, 29), datetime(2027, 3, 28, 22, tzinfo=UTC)),
    ],
)
def test_a_day_begins_at_its_own_midnight(stand_in: Stand, zone: str, day: date, began: datetime) -> None:
    stand_in(zone)
    assert beginning_of(day) == began


@pytest.mark.parametrize(
    ("zone", "day", "began"),
    [
        # East of Greenwich Monday begins while it is Sunday in UTC.
        ("Asia/Shanghai", date(2026, 11, 23), datetime(2026, 11, 22, 16, tzinfo=UTC)),
        ("Asia/Shanghai", date(2026, 11, 29), datetime(2026, 11, 22, 16, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 23), datetime(2026, 11, 23, 5, tzinfo=UTC)),
        # The clocks were changed on Sunday: Monday's midnight was still of summer.
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 18, 22, tzinfo=UTC)),
    ],
)
def test_a_week_begins_on_its_own_monday(stand_in: Stand, zone: str, day: date, began: datetime) -> None:
    stand_in(zone)
    assert this_week(day) == began
