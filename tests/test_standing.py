"""What /metrics tells of the model, the database and the experiment, and that looking costs little."""

from __future__ import annotations

import gc
import math
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from chatbot.arms import Arms, State
from chatbot.bot import LiveBot
from chatbot.experiment import Experiment, Mode, Tally, compare
from chatbot.redact import Redactor
from chatbot.registry import CURRENT, Registry
from chatbot.settings import Settings
from chatbot.standing import Drifted, Standing, experiment_metrics, resident_bytes
from chatbot.store import Store
from chatbot.types import Exchange
from chatbot.web.health import Health
from tests.test_experiment import TRIAL
from tests.trying import never_sure

Ask = Callable[..., Exchange]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def arms(bots: LiveBot, store: Store, redactor: Redactor, registry: Registry) -> Arms:
    return Arms(bots=bots, store=store, redactor=redactor, registry=registry, threads=1)


@pytest.fixture
def standing(arms: Arms, store: Store, clock: Clock) -> Standing:
    drifted = Drifted(questions=120, answered=0.75, certainty=0.9, far=0.1, rising=2, new_topics=1)
    return Standing(arms=arms, database=store.database, drifted=lambda: drifted, ready=lambda: True, clock=clock)


def look(standing: Standing) -> dict[str, dict[str, float]]:
    """By name and, where there is one, the value of the only label."""
    registry = CollectorRegistry()
    registry.register(standing)
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})["/".join(sample.labels.values())] = sample.value
    return found


def settle() -> None:
    for thread in threading.enumerate():
        if thread.name == "figures":
            thread.join(20)


def test_what_the_database_and_the_model_know(standing: Standing, ask: Ask, bots: LiveBot) -> None:
    ask("do you take visa", down=True)
    ask("is the jacket here today")
    ask("a person please", wants_person=True)
    found = look(standing)
    assert found["chatbot_day_replies"] == {"answer": 1, "clarify": 1, "handoff": 1}
    assert found["chatbot_day_automation_share"][""] == found["chatbot_day_handoff_share"][""] == pytest.approx(1 / 3)
    assert 0.5 < found["chatbot_day_answer_probability"][""] <= 1
    assert found["chatbot_votes"] == {"down": 1}
    assert found["chatbot_turns_not_taken_in"] == {"": 3}
    assert found["chatbot_model_info"] == {bots.current().version: 1}
    assert found["chatbot_templates"] == {"": 6}
    assert found["chatbot_examples"] == {"": 60}
    assert found["chatbot_degraded"] == {"": 0}
    assert found["chatbot_ready"] == found["chatbot_database_up"] == {"": 1}
    assert found["chatbot_encoder_waiting"] == {"": 0}
    assert found["chatbot_week_far_share"] == {"": pytest.approx(0.1)}
    assert found["chatbot_week_new_topics"] == {"": 1}
    assert found["chatbot_model_event_timestamp_seconds"]["promoted"] == pytest.approx(time.time(), abs=3600)
    assert found["chatbot_resident_memory_bytes"][""] > 50e6
    assert "chatbot_shadow_waiting" not in found


def test_the_database_is_asked_every_ten_seconds_and_nobody_waits(standing: Standing, ask: Ask, clock: Clock) -> None:
    assert look(standing)["chatbot_day_replies"]["answer"] == 0
    ask("do you take visa")
    clock.now += 9.9
    assert look(standing)["chatbot_day_replies"]["answer"] == 0
    clock.now += 0.2
    look(standing)
    settle()
    assert look(standing)["chatbot_day_replies"] == {"answer": 1, "clarify": 0, "handoff": 0}


def test_looking_takes_milliseconds(standing: Standing) -> None:
    look(standing)
    took = []
    for _ in range(20):
        started = time.perf_counter()
        look(standing)
        took.append(time.perf_counter() - started)
    assert sorted(took)[10] < 0.02


def test_without_a_model_the_rest_is_told(store: Store, redactor: Redactor, settings: Settings, clock: Clock) -> None:
    bots = LiveBot(Registry(settings.home / "nothing", store.versions), store.knowledge)
    nobody = Arms(bots=bots, store=store, redactor=redactor)
    health = Health(store=store, bots=bots)
    found = look(
        Standing(arms=nobody, database=store.database, drifted=lambda: None, ready=health.is_ready, clock=clock)
    )
    assert found["chatbot_ready"] == {"": 0}
    assert found["chatbot_build_info"]
    assert "chatbot_model_info" not in found


def test_a_damaged_version_shows(arms: Arms, registry: Registry, standing: Standing) -> None:
    arms.bots.current()
    name = never_sure(registry)
    registry.promote(name, by="test")
    (registry.root / CURRENT).write_text("nothing-like-it", encoding="ascii")
    arms.bots.look()
    deadline = time.monotonic() + 20
    while arms.bots.trouble is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert look(standing)["chatbot_degraded"] == {"": 1}


def test_it_keeps_no_old_version_in_memory(standing: Standing, arms: Arms) -> None:
    bot = weakref.ref(arms.bots.current())
    look(standing)
    arms.bots._bot = None  # as if another version had taken its place
    gc.collect()
    assert bot() is None


def told(state: State | None) -> dict[str, list[float]]:
    return {metric.name: [sample.value for sample in metric.samples] for metric in experiment_metrics(state, 3)}


def test_the_arms_and_the_shadow() -> None:
    candidate, other = Tally(100, 15, 10, 5, 3, 2), Tally(400, 40, 30, 10, 8, 6)
    arms = told(State(TRIAL, candidate, other, 0, compare(candidate, other, share=0.2)))
    assert arms["chatbot_arm_conversations"] == [100, 15, 10, 5, 3, 2, 400, 40, 30, 10, 8, 6]
    high, low = arms["chatbot_arm_ratio"]
    assert low < 1.5 < high
    silent = Experiment(
        2, "new", "old", Mode.SHADOW, 0, "key", TRIAL.started_at, "Lea", compared=9, dropped=2, failed=1
    )
    shadow = told(State(silent, Tally(), Tally(), 4, None))
    assert shadow["chatbot_shadow_messages"] == [9, 2, 1]
    assert (shadow["chatbot_shadow_disagreements"], shadow["chatbot_shadow_waiting"]) == ([4], [3])
    assert set(told(None)) == {"chatbot_shadow_waiting"}


def test_memory_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("chatbot.standing._MEMORY", tmp_path / "nothing")
    assert math.isnan(resident_bytes())
