"""Lessons without an encoder: made vectors, and letters for word pieces; and workshops where all is real."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes, Snapshot
from chatbot.types import Example, Vector
from tests.training.workshop import Grown, OpenWorkshop, Workshop, lesson
from training.distil import Material, summed
from training.examples import TrainingSet, collect_examples
from training.heads import Lesson, counted
from training.runs import Trained

Collect = Callable[..., TrainingSet]
Teach = Callable[[TrainingSet, Vector], tuple[Lesson, Material]]
LETTERS = 64


@pytest.fixture
def collect() -> Collect:
    """A training set of (intent, texts) pairs; each text is a split group of its own."""

    def collected(*texts_by_intent: tuple[str, tuple[str, ...]]) -> TrainingSet:
        examples = [Example(text, intent, group=text) for intent, texts in texts_by_intent for text in texts]
        return collect_examples(Snapshot(1, examples=tuple(examples)))

    return collected


@pytest.fixture
def teach() -> Teach:
    """`vectors` are those of the examples; a title gets one that is at right angles to none and near to none."""

    def taught(training_set: TrainingSet, vectors: Vector) -> tuple[Lesson, Material]:
        random = np.random.default_rng(0)
        far = random.normal(size=(len(training_set.titles), vectors.shape[1])).astype(np.float32)
        everything = np.vstack([vectors, far / np.linalg.norm(far, axis=1, keepdims=True)])
        table = random.normal(size=(LETTERS, vectors.shape[1])).astype(np.float32)
        texts = [*training_set.texts, *(title.text for title in training_set.titles)]
        pieces = [np.array(letters(text), dtype=np.int64) for text in texts]
        labels = np.concatenate([training_set.labels, training_set.title_labels])
        counts, ngrams = counted(texts)
        lesson = Lesson(
            texts,
            everything,
            labels,
            len(training_set.examples),
            counts,
            ngrams,
            summed(pieces, table),
            pieces,
            LETTERS,
        )
        return lesson, Material(table, letters)

    return taught


@pytest.fixture
def workshop(small_encoder: Path, tmp_path: Path, empty_store: Store) -> OpenWorkshop:
    """Opens a workshop whose store holds these examples."""

    def opened(examples: Iterable[Example]) -> Workshop:
        empty_store.knowledge.apply(Changes(examples=tuple(examples)))
        settings = small_settings(tmp_path, small_encoder)
        return Workshop(settings, empty_store, Registry(settings.models, empty_store.versions))

    return opened


@pytest.fixture(scope="session")
def grown_once(small_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trained]:
    """Trained once; each test works on a copy."""
    home = tmp_path_factory.mktemp("grown")
    store = Store.open(f"sqlite:///{home / 'shop.db'}", migrate=True)
    try:
        store.knowledge.apply(Changes(examples=tuple(lesson(range(40)))))
        settings = small_settings(home, small_encoder)
        return home, Workshop(settings, store, Registry(settings.models, store.versions)).retrain()
    finally:
        store.close()


@pytest.fixture
def grown(grown_once: tuple[Path, Trained], small_encoder: Path, tmp_path: Path) -> Iterator[Grown]:
    home, first = grown_once
    shutil.copytree(home, tmp_path / "home")
    store = Store.open(f"sqlite:///{tmp_path / 'home' / 'shop.db'}")
    settings = small_settings(tmp_path / "home", small_encoder)
    yield Grown(Workshop(settings, store, Registry(settings.models, store.versions)), first)
    store.close()


def small_settings(home: Path, encoder: Path) -> Settings:
    chosen = {"home": home, "encoder": str(encoder), "error_budget": 0.2, "threads": 1}
    return Settings.model_validate(chosen)


def letters(text: str) -> list[int]:
    return [ord(sign) % LETTERS for sign in text]
