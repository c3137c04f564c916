"""Drift of a shop that was asked things: found in its own turns, beside its own examples."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text

from chatbot.bot import Bot, LiveBot
from chatbot.desk.drift import WEEK
from chatbot.desk.drifting import KEPT_SECONDS, RENEWED_SECONDS, Drifts, find_drift
from chatbot.store import Store
from chatbot.types import Exchange
from tests.conftest import SHOP_EXAMPLES

Ask = Callable[..., Exchange]

PARROTS = ("may my parrot live in the tent", "can a parrot sleep in the tent", "is the tent fine for my parrot")


def age(store: Store, days: int) -> None:
    """All that was asked so far was asked so long ago."""
    with store.database.write() as session:
        rows = session.execute(text("SELECT id, created_at FROM turns")).all()
        for row in rows:
            session.execute(
                text("UPDATE turns SET created_at = datetime(created_at, :back) WHERE id = :id"),
                {"back": f"-{days} days", "id": row.id},
            )


def test_what_is_new_this_week(store: Store, bot: Bot, ask: Ask) -> None:
    known = [question for texts in list(SHOP_EXAMPLES.values())[:5] for question in texts[:6]]
    for question in known:
        ask(question)
    age(store, 10)
    for question in (*known[:6], *known[:6], *PARROTS, PARROTS[0]):
        ask(question)
    found = find_drift(bot, store=store, weeks=4)
    assert [week.questions for week in found.weeks] == [0, 0, 30, 16]
    (topic,) = [topic for topic in found.topics if "parrot" in topic.samples[0]]
    assert (topic.now, topic.before) == (4, 0)
    assert set(topic.samples) == set(PARROTS)
    assert found.far_before is not None
    assert found.far is not None
    assert found.far > found.far_before
    assert set(found.far_samples) <= {*PARROTS}
    assert [one.intent for one in found.rising] == ["track_order"]  # twelve of this week's sixteen


def test_clicks_and_follow_ups_are_no_questions(store: Store, bot: Bot, ask: Ask) -> None:
    ask("a person please", wants_person=True)
    ask("?!")
    assert [week.questions for week in find_drift(bot, store=store, weeks=2).weeks] == [0, 0]


def test_nothing_that_was_asked_is_kept_as_a_vector(store: Store, bot: Bot, ask: Ask) -> None:
    def vectors() -> int:
        with store.database.read() as session:
            return int(session.scalar(text("SELECT count(*) FROM embeddings")) or 0)

    ask(PARROTS[0])
    before = vectors()
    assert find_drift(bot, store=store, weeks=2).far == 1.0
    assert vectors() == before


def test_ten_thousand_turns_take_seconds(store: Store, bot: Bot, ask: Ask) -> None:
    for texts in SHOP_EXAMPLES.values():
        ask(texts[0])
    with store.database.write() as session:
        columns = [row.name for row in session.execute(text("PRAGMA table_info(turns)")) if row.name != "id"]
        named = ", ".join(columns)
        for step in range(1700):
            session.execute(
                text(f"INSERT INTO turns (id, {named}) SELECT id || :step, {named} FROM turns WHERE length(id) = 22"),
                {"step": f"-{step}"},
            )
    started = time.perf_counter()
    found = find_drift(bot, store=store, weeks=8)
    assert sum(week.questions for week in found.weeks) > 8_000
    assert time.perf_counter() - started < 5


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_is_found_again_after_ten_minutes(store: Store, bots: LiveBot, ask: Ask) -> None:
    clock = Clock()
    drifts = Drifts(bots=bots, store=store, clock=clock)
    first = drifts.of(4)
    ask("do you take visa")
    clock.now += KEPT_SECONDS - 1
    assert drifts.of(4) is first
    clock.now += 2
    assert drifts.of(4).weeks[-1].questions == 1
    assert drifts.of(4).weeks[-1].since - first.weeks[-1].since < timedelta(minutes=5)
    assert first.weeks[-1].since - first.weeks[0].since == 3 * WEEK


def test_whoever_only_wants_the_newest_does_not_wait(store: Store, bots: LiveBot) -> None:
    clock = Clock()
    drifts = Drifts(bots=bots, store=store, clock=clock)
    assert drifts.newest() is None
    settle()
    first = drifts.newest()
    assert first is not None
    clock.now += RENEWED_SECONDS
    assert drifts.newest() is first
    settle()
    assert drifts.newest() is not first


def settle() -> None:
    for thread in threading.enumerate():
        if thread.name == "drift":
            thread.join(60)
