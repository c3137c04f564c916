"""Lessons without an encoder: made vectors, and letters for word pieces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from chatbot.store.knowledge import Snapshot
from chatbot.types import Example, Vector
from training.distil import Material, summed
from training.examples import TrainingSet, collect_examples
from training.heads import Lesson, counted

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


def letters(text: str) -> list[int]:
    return [ord(sign) % LETTERS for sign in text]
