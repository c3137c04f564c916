"""How a candidate gets its encoder, with the small one fine-tuned for real."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from chatbot.bot import load_bot
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example
from training.encoders import TUNED_FOLDER, inherited_examples
from training.plan import LEARNED, Effort, Start, learned_by
from training.progress import Lines
from training.retrain import collect, plan_of, retrain
from training.runs import Trained, Wishes
from training.tune import Tuning

QUICKLY = Tuning(epochs=1, least_steps=6, batch=16, threads=1, most_minutes=2)
WORDS = {
    "refund": ("money back", "refund", "pay me back"),
    "parcel": ("parcel", "delivery", "package"),
    "hours": ("opening hours", "open on sunday", "closing time"),
    "sizes": ("size chart", "which size", "too small"),
}
ASIDES = ("today", "soon", "again", "for my sister", "in leeds", "by monday", "at all", "this week", "now", "maybe")
STARTS = ("i need the", "tell me about", "what about", "is there a", "could you help with", "question about")


def examples(count: int) -> list[Example]:
    """In turn of the four intents."""
    made = [
        [Example(f"{start} {word} {aside}", intent) for start, aside, word in product(STARTS, ASIDES, words)]
        for intent, words in WORDS.items()
    ]
    return [example for each in zip(*made, strict=True) for example in each][:count]


@dataclass(frozen=True, slots=True)
class Workshop:
    settings: Settings
    store: Store
    registry: Registry

    def learn(self, more: Iterable[Example] = (), *, effort: Effort = Effort.STANDARD) -> Trained:
        self.store.knowledge.apply(Changes(examples=tuple(more)))
        wishes = Wishes(effort=effort, tuning=QUICKLY)
        return retrain(self.settings, store=self.store, registry=self.registry, steps=Lines(), wishes=wishes)

    def folder(self, trained: Trained) -> Path:
        return self.settings.models / trained.version


@pytest.fixture
def workshop(small_encoder: Path, tmp_path: Path, empty_store: Store) -> Workshop:
    # The gate is not what is tried here, and of so few questions two make a difference to it.
    lenient = {"error_budget": 0.2, "gate_margin": 0.1, "gate_latency": 99}
    settings = Settings.model_validate({"home": tmp_path, "encoder": str(small_encoder), "threads": 1, **lenient})
    return Workshop(settings, empty_store, Registry(settings.models, empty_store.versions))


@pytest.fixture
def spares_some(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """From how many examples on a part is left out of fine-tuning; thousands would take minutes here."""

    def spares(many: int) -> None:
        monkeypatch.setattr("training.plan.MANY", many)
        monkeypatch.setattr("training.plan.LEAST_CALIBRATING", 10)

    return spares


def test_few_examples_are_all_learned_and_rehearsed_by_others(workshop: Workshop) -> None:
    trained = workshop.learn(examples(160))
    learned = learned_by(workshop.folder(trained) / "encoder")
    assert learned == {example.id for example in trained.data.training_set.examples}
    # Two of four parts were asked, each by an encoder of its own.
    asked = len(trained.candidate.rows) / len(trained.data.training_set.examples)
    assert 0.4 < asked < 0.6
    assert (workshop.folder(trained) / TUNED_FOLDER / "model.safetensors").exists()
    assert trained.candidate.curve
    assert [path.name for path in workshop.settings.models.glob(".tuning-*")] == []
    # What serves is the fine-tuned one, and its vectors are those that the heads have learned.
    bot = load_bot(workshop.folder(trained), store=workshop.store.knowledge)
    assert bot.encoder.fingerprint == trained.candidate.about["encoder_fingerprint"]


def test_of_many_examples_a_part_is_left_to_calibration(workshop: Workshop, spares_some: Callable[[int], None]) -> None:
    spares_some(100)
    first = workshop.learn(examples(200))
    training_set = first.data.training_set
    learned = learned_by(workshop.folder(first) / "encoder")
    asked = {training_set.examples[row].id for row in first.candidate.rows}
    assert asked == {example.id for example in training_set.examples} - learned
    assert asked

    # The next run goes on from there; what calibrates goes on calibrating.
    assert plan_of(workshop.settings, first.data, workshop.registry, Effort.STANDARD).start is Start.ACTIVE
    second = workshop.learn(examples(240))
    assert second.promoted, second.verdict.words
    learned_now = learned_by(workshop.folder(second) / "encoder")
    assert learned < learned_now
    assert not asked & learned_now
    assert {second.data.training_set.examples[row].id for row in second.candidate.rows} >= asked
    assert second.candidate.about["plan"] == "fine-tuned further, from the active version's encoder"


def test_a_quick_run_takes_over_what_was_fine_tuned(workshop: Workshop, spares_some: Callable[[int], None]) -> None:
    spares_some(100)
    first = workshop.learn(examples(200))
    fresh = [Example(f"{example.text} thanks {number}", example.intent) for number, example in enumerate(examples(240))]
    second = workshop.learn(fresh[:210], effort=Effort.QUICK)
    for name in (f"encoder/{LEARNED}", "encoder/model.onnx", f"{TUNED_FOLDER}/model.safetensors"):
        assert (workshop.folder(first) / name).read_bytes() == (workshop.folder(second) / name).read_bytes()
    assert second.candidate.about["encoder_from"] == first.version
    learned = learned_by(workshop.folder(second) / "encoder")
    asked = {second.data.training_set.examples[row].id for row in second.candidate.rows}
    assert not asked & learned
    assert len(asked) >= 10


def test_another_base_inherits_nothing(workshop: Workshop) -> None:
    workshop.learn(examples(100))
    assert inherited_examples(workshop.settings, workshop.registry)
    other = workshop.settings.model_copy(update={"encoder": "default"})
    assert inherited_examples(other, workshop.registry) == frozenset()
    plan = plan_of(other, collect(workshop.store), workshop.registry, Effort.QUICK)
    assert (plan.start, plan.tunes) == (Start.BASE, False)


def test_a_search_tries_several_and_says_so(workshop: Workshop) -> None:
    workshop.store.knowledge.apply(Changes(examples=tuple(examples(400))))
    wishes = Wishes(effort=Effort.THOROUGH, tuning=QUICKLY, search_minutes=0.1)
    trained = retrain(workshop.settings, store=workshop.store, registry=workshop.registry, steps=Lines(), wishes=wishes)
    trials = trained.candidate.about["trials"]
    assert trials[0]["number"] == 0
    assert workshop.registry.manifest(trained.version)["effort"] == "thorough"
    assert np.isfinite(trained.metrics["accuracy"])
