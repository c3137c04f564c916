"""Which examples stand together in a batch: pairs of one intent, texts of one length, rare intents more often."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.tune.plan import Rows

SAME_INTENT = 2
"""Examples of an intent that are drawn together, so that the contrastive loss always has a pair."""

LENGTH_NOISE = 0.15
"""Lengths are sorted with so much noise that the same texts do not meet in every epoch."""


class Epochs:
    """Batches of rows, another draw each time it is iterated; the same draws for the same seed.

    `processes` share a batch: its parts follow each other, one for each, all equally long.
    """

    def __init__(
        self,
        labels: Rows,
        lengths: Rows,
        *,
        batch: int,
        balance: float,
        seed: int,
        old: NDArray[np.bool_] | None = None,
        replay: float = 1.0,
        processes: int = 1,
    ) -> None:
        self._labels, self._lengths, self._balance, self._seed = labels, lengths, balance, seed
        self._old = np.zeros(len(labels), dtype=bool) if old is None else old
        self._replay, self._processes = replay, processes
        size = int((~self._old).sum()) + math.ceil(int(self._old.sum()) * replay)
        self.batch = max(min(batch, size) // processes, 1) * processes
        self.batches = math.ceil(size / self.batch)
        self.passes = 0

    def __len__(self) -> int:
        return self.batches * self._processes

    def __iter__(self) -> Iterator[list[int]]:
        chance = np.random.default_rng([self._seed, self.passes])
        self.passes += 1
        for rows in self.draw(chance):
            for part in range(self._processes):
                yield rows[part :: self._processes].tolist()

    def draw(self, chance: np.random.Generator) -> list[Rows]:
        """The batches of one epoch, each of the same size."""
        rows = np.concatenate([self._some(chance, self._old, self._replay), np.flatnonzero(~self._old)])
        rows = self._balanced(chance, rows)
        missing = self.batches * self.batch - len(rows)
        rows = np.concatenate([rows, chance.choice(rows, missing)])
        keys = self._lengths[rows] * np.exp(chance.normal(0.0, LENGTH_NOISE, len(rows)))
        order = self._paired(chance, rows, keys)
        batches = [rows[part] for part in np.array_split(order, self.batches)]
        return [batches[number] for number in chance.permutation(len(batches))]

    def _some(self, chance: np.random.Generator, among: NDArray[np.bool_], share: float) -> Rows:
        """A share of each intent's rows, rounded up: none is forgotten."""
        rows = chance.permutation(np.flatnonzero(among))
        if share >= 1.0 or not len(rows):
            return rows
        labels = self._labels[rows]
        kept = [rows[labels == label][: math.ceil(int((labels == label).sum()) * share)] for label in np.unique(labels)]
        return np.concatenate(kept)

    def _balanced(self, chance: np.random.Generator, rows: Rows) -> Rows:
        """As many rows as before or one batch's fraction less, rare intents more often than they are."""
        size = self.batches * self.batch
        labels, counts = np.unique(self._labels[rows], return_counts=True)
        wanted = counts.astype(float) ** (1 - self._balance)
        wanted = np.maximum(np.floor(wanted / wanted.sum() * min(size, len(rows))), 1).astype(int)
        drawn = []
        for label, count in zip(labels, wanted, strict=True):
            mine = chance.permutation(rows[self._labels[rows] == label])
            drawn.append(np.resize(mine, count))
        return chance.permutation(np.concatenate(drawn))[:size]

    def _paired(self, chance: np.random.Generator, rows: Rows, keys: NDArray[np.float64]) -> Rows:
        """Places in `rows`, sorted by length, but two of the same intent next to each other."""
        labels = self._labels[rows]
        by_intent = np.lexsort((keys, labels))
        starts = np.flatnonzero(np.r_[True, np.diff(labels[by_intent]) != 0])
        within = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
        pair = labels[by_intent] * len(rows) + within // SAME_INTENT
        names, numbers = np.unique(pair, return_inverse=True)
        mean = np.bincount(numbers, keys[by_intent]) / np.bincount(numbers)
        tie = chance.random(len(names))
        return by_intent[np.lexsort((tie[numbers], mean[numbers]))]
