"""The figures of an evaluation, from arrays; no model and no file in sight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BINS = 15

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def macro_f1(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean F1 of the intents that occur in `truth`."""
    hits, said, there = Counter[str](), Counter(predicted), Counter(truth)
    for expected, given in zip(truth, predicted, strict=True):
        hits[expected] += expected == given
    scores = [2 * hits[intent] / (said[intent] + there[intent]) for intent in there]
    return float(np.mean(scores)) if scores else 0.0


def expected_calibration_error(probability: Floats, right: Flags) -> float:
    """Mean gap between probability and share right over BINS equal-width bins, weighted by their size (Guo 2017)."""
    if not len(probability):
        return 0.0
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [
        abs(right[place == number].mean() - probability[place == number].mean()) * (place == number).mean()
        for number in range(BINS)
        if (place == number).any()
    ]
    return float(sum(gaps))


def auroc(positive: Floats, negative: Floats) -> float | None:
    """Probability that a positive scores above a negative (ties count half); None where one side is empty."""
    if not len(positive) or not len(negative):
        return None
    order = np.sort(negative)
    below = np.searchsorted(order, positive, side="left")
    level = np.searchsorted(order, positive, side="right") - below
    return float((below + level / 2).mean() / len(negative))


def confused_pairs(truth: Sequence[str], predicted: Sequence[str], most: int = 10) -> list[tuple[str, str, int]]:
    """(expected, given, how often), the most frequent first."""
    pairs = Counter((a, b) for a, b in zip(truth, predicted, strict=True) if a != b)
    return [(a, b, count) for (a, b), count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:most]]


def wilson(successes: int, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if count == 0:
        return 0.0, 1.0
    z, share = 1.959964, successes / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * float(np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)))
    return max(0.0, centre - half), min(1.0, centre + half)
