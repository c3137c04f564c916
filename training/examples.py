"""The data of a training run: what is approved, its fingerprint, and folds that keep paraphrases together."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from chatbot.errors import TrainingRefused
from chatbot.store.knowledge import Snapshot
from chatbot.text import text_key
from chatbot.titles import title_examples
from chatbot.types import OUT_OF_SCOPE, Example, Intent, Side, Status

LEAST_EXAMPLES = 6
FOLDS = 5
FEWER_FOLDS = 3
FEWER_FOLDS_FROM = 4000
"""With this many examples a fit on two thirds of them differs little from one on four fifths, and costs 40 % less."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Approved examples and their labels as numbers into `intents`; `titles` are what the intents are called."""

    examples: tuple[Example, ...]
    intents: tuple[str, ...]
    labels: NDArray[np.int64]
    titles: tuple[Example, ...] = ()

    @property
    def texts(self) -> list[str]:
        return [example.text for example in self.examples]

    @property
    def title_labels(self) -> NDArray[np.int64]:
        column = {intent: number for number, intent in enumerate(self.intents)}
        return np.array([column[title.intent] for title in self.titles], dtype=np.int64)

    @property
    def in_scope(self) -> NDArray[np.bool_]:
        return np.array([example.intent != OUT_OF_SCOPE for example in self.examples])


def collect_examples(snapshot: Snapshot) -> TrainingSet:
    """The approved examples. Raises TrainingRefused when there is nothing that could be told apart."""
    return training_set_of(approved_examples(snapshot), snapshot.intents)


def approved_examples(snapshot: Snapshot) -> tuple[Example, ...]:
    return tuple(example for example in snapshot.examples if example.status is Status.APPROVED)


def training_set_of(examples: tuple[Example, ...], named: Iterable[Intent]) -> TrainingSet:
    """`named` are the intents with their titles. Raises TrainingRefused when there is nothing that could be told
    apart."""
    intents = tuple(sorted({example.intent for example in examples}))
    if len(examples) < LEAST_EXAMPLES or len(intents) < 2:
        raise TrainingRefused(
            f"{len(examples)} approved examples of {len(intents)} intents are too few to learn from "
            f'(at least {LEAST_EXAMPLES} of 2); add some with "chatbot import FILE"'
        )
    column = {intent: number for number, intent in enumerate(intents)}
    titles = title_examples(intents, {intent.name: intent for intent in named})
    return TrainingSet(examples, intents, np.array([column[example.intent] for example in examples]), tuple(titles))


def data_hash(sides: Mapping[Example, Side]) -> str:
    """SHA-256 of texts, labels and sides of the split, whatever their order: equal hashes, equal data."""
    return _hash(f"{text_key(example.text)} {side.value} {example.intent}" for example, side in sides.items())


def titles_hash(training_set: TrainingSet) -> str:
    """SHA-256 of what the intents are called."""
    return _hash(f"{text_key(title.text)} {title.intent}" for title in training_set.titles)


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "replace")).hexdigest()


def folds(training_set: TrainingSet, *, most: int = FOLDS) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(fit, held out) row numbers; a split group never stands on both sides, each intent is spread over the folds."""
    count = FOLDS if len(training_set.examples) < FEWER_FOLDS_FROM else FEWER_FOLDS
    count = min(count, most, len(_groups(training_set)))
    if count < 2:
        raise TrainingRefused("all examples belong to one split group; import examples from more than one source")
    names = [example.group or example.text for example in training_set.examples]
    _, first, groups = np.unique(names, return_index=True, return_inverse=True)
    # Of each group its first example is dealt, and the rest follows: to balance groups of several labels as well takes
    # scikit-learn 7 s for 10,000 examples.
    stratum = np.array(_stratum(training_set.labels[first], count))
    splitter = StratifiedKFold(count, shuffle=True, random_state=0)
    parts = [np.isin(groups, held) for _, held in splitter.split(first, stratum)]
    return [(np.flatnonzero(~held), np.flatnonzero(held)) for held in parts if held.any()]


def _groups(training_set: TrainingSet) -> set[str]:
    return {example.group or example.text for example in training_set.examples}


def _stratum(labels: NDArray[np.int64], count: int) -> Sequence[int]:
    """The label, or one common stratum for labels too rare to be spread over all folds (scikit-learn warns of them).

    Where all rare ones together are still too few, they are spread with the most frequent label.
    """
    sizes = Counter(labels.tolist())
    frequent = {label for label, size in sizes.items() if size >= count}
    rare = sum(size for label, size in sizes.items() if label not in frequent)
    common = max(frequent, key=lambda label: (sizes[label], -label)) if frequent and rare < count else -1
    return [label if label in frequent else common for label in labels.tolist()]
