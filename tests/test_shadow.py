"""The silent version: it never slows a customer, drops what it cannot follow, and gives up when it only fails."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from chatbot.bot import LiveBot
from chatbot.experiment import Experiment, Mode
from chatbot.redact import Redactor
from chatbot.registry import OneVersion, Registry
from chatbot.respond import Context, answer
from chatbot.shadow import MOST_FAILURES, MOST_WAITING, Shadow
from chatbot.store import Store
from chatbot.store.experiments import Experiments
from chatbot.types import Action, Reason, Turn
from tests.trying import never_sure

CONTEXT = Context("en", date(2026, 11, 22))


@pytest.fixture
def experiments(store: Store) -> Experiments:
    return Experiments(store.database)


@pytest.fixture
def experiment(experiments: Experiments, registry: Registry) -> Experiment:
    name = never_sure(registry)
    return experiments.start(name, active=registry.active_name(), mode=Mode.SHADOW, share=0.0, by="Lea")


@pytest.fixture
def gave_up() -> list[str]:
    return []


@pytest.fixture
def shadow(
    experiment: Experiment, experiments: Experiments, registry: Registry, store: Store, gave_up: list[str]
) -> Iterator[Shadow]:
    bots = LiveBot(OneVersion(registry.root, store.versions, experiment.candidate), store.knowledge, threads=1)
    made = Shadow(experiment, bots=bots, experiments=experiments, gave_up=gave_up.append)
    yield made
    made.stop()


@pytest.fixture
def turn(bots: LiveBot, store: Store, redactor: Redactor) -> Turn:
    """Answered by the active version, and stored."""
    query, bot = redactor.redact("do you take visa"), bots.current()
    conversation = store.conversations.create(language="en", channel="web").id
    given = answer(query, bot, CONTEXT)
    turn = Turn(
        "t1", conversation, "m1", "r1", query, given, query, bot.version, bot.knowledge.revision, 1.0, datetime.now(UTC)
    )
    store.save_turn(turn)
    return turn


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_keeps_what_it_would_have_said_by_keys_alone(
    shadow: Shadow, turn: Turn, experiments: Experiments, experiment: Experiment, store: Store
) -> None:
    shadow.start()
    shadow.ask(turn, CONTEXT)
    until(lambda: experiments.disagreements(experiment) == 1)
    with store.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM shadow_disagreements").mappings().all()
    assert [(row["turn_id"], row["action"]) for row in rows] == [("t1", "clarify")]
    assert not any("visa" in str(value) for row in rows for value in row.values())


def test_it_has_a_low_priority_of_its_own(shadow: Shadow) -> None:
    shadow.start()
    (thread,) = [one for one in threading.enumerate() if one.name == "shadow"]
    assert thread.native_id is not None
    until(lambda: os.getpriority(os.PRIO_PROCESS, thread.native_id or 0) > os.getpriority(os.PRIO_PROCESS, 0))


def test_what_it_cannot_follow_is_dropped_at_once_and_counted(
    shadow: Shadow, turn: Turn, experiments: Experiments
) -> None:
    """Nobody answers here: as if a thousand customers asked while it reads one message."""
    started = time.perf_counter()
    for _ in range(1000):
        shadow.ask(turn, CONTEXT)
    assert (time.perf_counter() - started) / 1000 < 0.001
    assert shadow.waiting == MOST_WAITING
    shadow.start()
    shadow.stop()
    found = experiments.newest()
    assert found is not None
    assert found.dropped == 1000 - MOST_WAITING


def test_clicks_are_none_of_its_business(shadow: Shadow, turn: Turn) -> None:
    clicked = replace(turn.answer.decision, reason=Reason.CHOSEN)
    shadow.ask(replace(turn, answer=replace(turn.answer, decision=clicked)), CONTEXT)
    wished = replace(turn.answer.decision, action=Action.HANDOFF, reason=Reason.ASKED_FOR_PERSON)
    shadow.ask(replace(turn, answer=replace(turn.answer, decision=wished)), CONTEXT)
    assert shadow.waiting == 0


def test_one_that_only_fails_gives_up_once(
    experiment: Experiment, experiments: Experiments, turn: Turn, store: Store, registry: Registry, gave_up: list[str]
) -> None:
    nowhere = LiveBot(OneVersion(registry.root, store.versions, "nothing"), store.knowledge)
    shadow = Shadow(experiment, bots=nowhere, experiments=experiments, gave_up=gave_up.append)
    for _ in range(MOST_FAILURES + 3):
        shadow.ask(turn, CONTEXT)
    shadow.start()
    until(lambda: (found := experiments.newest()) is not None and found.failed == MOST_FAILURES + 3)
    shadow.stop()
    assert gave_up == [f"it failed on {MOST_FAILURES} messages in a row: ModelDamaged"]
