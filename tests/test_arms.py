"""Experiments in a running program: whose turn it is, and what ends one without a customer noticing."""

from __future__ import annotations

import gc
import logging
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from chatbot.arms import Arms, read_state
from chatbot.bot import LiveBot
from chatbot.experiment import Experiment, Finding, Mode, in_arm
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.respond import Context
from chatbot.store import Store
from chatbot.store.experiments import PROGRAM, Experiments
from chatbot.types import Action, Conversation, Exchange, Message, Turn
from tests.trying import damage, never_sure

SURE = "do you take visa"


@pytest.fixture
def experiments(store: Store) -> Experiments:
    return Experiments(store.database)


@pytest.fixture
def heard() -> list[Turn]:
    return []


@pytest.fixture
def arms(bots: LiveBot, store: Store, redactor: Redactor, registry: Registry, heard: list[Turn]) -> Iterator[Arms]:
    def told(turn: Turn, context: Context) -> None:
        del context
        heard.append(turn)

    with_registry = Arms(bots=bots, store=store, redactor=redactor, registry=registry, threads=1, told=(told,))
    yield with_registry
    with_registry.stop()


Begin = Callable[..., Experiment]


@pytest.fixture
def begin(experiments: Experiments, registry: Registry, arms: Arms) -> Begin:
    def start(mode: Mode = Mode.AB, share: float = 0.5, *, name: str | None = None) -> Experiment:
        candidate = name or never_sure(registry)
        started = experiments.start(candidate, active=registry.active_name(), mode=mode, share=share, by="Lea")
        arms.look()
        return started

    return start


def in_its_arm(store: Store, experiment: Experiment, *, candidate: bool) -> Conversation:
    while True:
        found = store.conversations.create(language="en", channel="web")
        if in_arm(found.id, experiment) is candidate:
            return found


def say(arms: Arms, conversation: Conversation, text: str = SURE) -> Exchange:
    return arms.respond(Message(conversation.id, text), conversation)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_without_an_experiment_the_active_version_answers(arms: Arms, store: Store, heard: list[Turn]) -> None:
    exchange = say(arms, store.conversations.create(language="en", channel="web"))
    assert exchange.replied.action is Action.ANSWER
    assert [turn.model_version for turn in heard] == [arms.bots.current().version]
    assert (arms.running, arms.state, arms.shadow_waiting) == (None, None, 0)


def test_a_conversation_stays_with_its_arm(arms: Arms, begin: Begin, store: Store, heard: list[Turn]) -> None:
    early = store.conversations.create(language="en", channel="web")
    experiment = begin(share=0.5)
    mine, theirs = (in_its_arm(store, experiment, candidate=candidate) for candidate in (True, False))
    for conversation in (mine, theirs, mine, theirs, early):
        say(arms, conversation)
    active = arms.bots.current().version
    assert [turn.model_version for turn in heard] == [
        experiment.candidate, active, experiment.candidate, active, active,
    ]  # fmt: skip
    assert heard[0].answer.decision.action is Action.CLARIFY


def test_a_second_server_and_a_restart_take_part(
    arms: Arms, begin: Begin, bots: LiveBot, store: Store, redactor: Redactor, registry: Registry
) -> None:
    experiment = begin()
    conversation = in_its_arm(store, experiment, candidate=True)
    with Arms(bots=bots, store=store, redactor=redactor, registry=registry, threads=1) as other:
        until(lambda: other.running is not None)
        assert say(other, conversation).replied.action is Action.CLARIFY
    assert other.running is None
    assert arms.running == experiment


def test_what_was_stopped_elsewhere_is_let_go_with_its_memory(
    arms: Arms, begin: Begin, experiments: Experiments, store: Store
) -> None:
    experiment = begin()
    loaded = weakref.ref(arms._now.bots.current())  # type: ignore[union-attr] # what else would hold it
    assert loaded() is not None
    experiments.end(experiment.id, why="enough", by="Lea")
    arms.look()
    gc.collect()
    assert (arms.running, loaded()) == (None, None)
    assert say(arms, in_its_arm(store, experiment, candidate=True)).replied.action is Action.ANSWER


def test_a_candidate_that_cannot_be_loaded_ends_its_experiment(
    arms: Arms, begin: Begin, experiments: Experiments, registry: Registry, store: Store
) -> None:
    name = never_sure(registry)
    damage(registry, name)
    experiment = begin(name=name)
    assert arms.running is None
    ended = experiments.newest()
    assert ended is not None
    assert ended.ended_by == PROGRAM
    assert ended.why == f"it cannot be loaded: version {name}: policy.json is not the file that was registered"
    assert say(arms, in_its_arm(store, experiment, candidate=True)).replied.action is Action.ANSWER


def test_a_candidate_that_fails_on_a_message_is_gone_and_its_customer_is_answered(
    arms: Arms, begin: Begin, experiments: Experiments, store: Store
) -> None:
    experiment = begin()
    bot = arms._now.bots.current()  # type: ignore[union-attr] # a broken one cannot be trained on purpose
    object.__setattr__(bot, "classifier", None)
    exchange = say(arms, in_its_arm(store, experiment, candidate=True))
    assert exchange.replied.action is Action.ANSWER
    ended = experiments.newest()
    assert ended is not None
    assert ended.why == "it failed on a message: AttributeError"
    assert arms.running is None


def test_another_active_version_ends_it(arms: Arms, begin: Begin, experiments: Experiments, registry: Registry) -> None:
    experiment = begin()
    registry.promote(experiment.candidate, by="test")
    arms.look()
    ended = experiments.newest()
    assert ended is not None
    assert (ended.why, arms.running) == ("it is the active version now", None)


def test_a_clearly_worse_arm_is_stopped(
    arms: Arms, begin: Begin, experiments: Experiments, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """It hands off whatever it is asked, the other one answers."""
    experiment = begin()
    for _ in range(30):
        conversation = in_its_arm(store, experiment, candidate=True)
        say(arms, conversation, "x" * 4001)  # handed off by either
        say(arms, in_its_arm(store, experiment, candidate=False))
    state = read_state(experiment, experiments)
    assert state.comparison is not None
    assert (state.candidate.bad, state.other.bad, state.comparison.finding) == (30, 0, Finding.WORSE)
    arms._judged_at = -1e9
    with caplog.at_level(logging.WARNING):
        arms.look()
    ended = experiments.newest()
    assert ended is not None
    assert ended.why == "clearly worse: 30 of 30 conversations went badly, against 0 of 30"
    assert arms.running is None
    assert "ends: clearly worse" in caplog.text
    assert [event.event for event in store.versions.log()][-1] == "ab_ended"


def test_a_shadow_is_asked_after_the_reply_and_answers_nobody(
    arms: Arms, begin: Begin, experiments: Experiments, store: Store, heard: list[Turn]
) -> None:
    experiment = begin(Mode.SHADOW, 0.0)
    exchange = say(arms, store.conversations.create(language="en", channel="web"))
    assert exchange.replied.action is Action.ANSWER
    until(lambda: experiments.disagreements(experiment) == 1)
    until(lambda: (found := experiments.newest()) is not None and found.compared == 1)
    assert heard[0].model_version == arms.bots.current().version
    state = read_state(experiment, experiments)
    assert (state.experiment.compared, state.disagreements, state.comparison) == (1, 1, None)


def test_who_counts_may_fail(bots: LiveBot, store: Store, redactor: Redactor, caplog: pytest.LogCaptureFixture) -> None:
    def fails(turn: Turn, context: Context) -> None:
        raise RuntimeError(turn.query.text + context.language)

    arms = Arms(bots=bots, store=store, redactor=redactor, told=(fails,))
    assert say(arms, store.conversations.create(language="en", channel="web")).replied.action is Action.ANSWER
    assert "RuntimeError" in caplog.text
    assert SURE not in caplog.text
    arms.start()  # without a registry there is nothing to look for
    assert arms.running is None
    arms.stop()
