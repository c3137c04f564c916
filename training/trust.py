"""Fitting how sure to be (chatbot/trust.py) on rehearsals: known questions, strangers, and intents that came later.

The weights are learned with as many strangers as known questions, so that they learn to tell them apart; then a last
calibration of two numbers puts the probabilities right for the share of strangers that is expected in earnest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chatbot.trust import Flags, Floats, Trust, products, sigmoid

STRENGTH = 20.0
FEW = 1000
"""Pull of the weights to zero, in examples: there the fused probability stands. 20 was best for BANKING77's 14,000
rehearsed questions, 80 as good for 1,000; below, the pull grows as the questions get fewer, for a shop of 60 teaches
nothing but that all is well."""

CALIBRATION_STRENGTH = 20.0
LEAST_SLOPE = 0.05
"""Surer must never mean less likely right."""

MOST_STEPS = 50
PARTS = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of rehearsed questions (one row each), whether answering would have been right, the weight of each in
    learning and in the last calibration, and a number that rows of one split group share."""

    features: Floats
    right: Flags
    learning: Floats
    calibrating: Floats
    group: NDArray[np.int64]


def join(parts: Sequence[Evidence]) -> Evidence:
    names = ("features", "right", "learning", "calibrating", "group")
    return Evidence(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def fit_trust(known: Evidence) -> tuple[Trust, Floats]:
    """The model, and the probability that it gives to each row when the row's split group took no part in fitting."""
    odds, certainty = np.empty(len(known.right)), np.empty(len(known.right))
    parts = _parts(known.group)
    for fit, held in parts:
        odds[held] = _learn(_of(known, fit)).log_odds(known.features[held])
    for fit, held in parts:
        slope, offset = _calibration(odds[fit], _of(known, fit))
        certainty[held] = sigmoid(offset + slope * odds[held])
    slope, offset = _calibration(odds, known)
    return replace(_learn(known), slope=slope, offset=offset), certainty


def fit_logistic(
    features: Floats,
    right: Flags,
    *,
    weights: Floats,
    offset: Floats | float = 0.0,
    prior: Floats,
    strength: float,
) -> Floats:
    """Coefficients of a logistic regression that is pulled to `prior`, the bias too: in a shop of 60 examples that are
    nearly all read right a free one made 0.97 of a fused probability of 0.42.

    Newton's method: with a hundred coefficients it needs ten steps where L-BFGS needs hundreds.
    """
    pull = np.full(len(prior), strength)
    at, value = prior, _loss(prior, features, right, weights, offset, prior, pull)
    for _ in range(MOST_STEPS):
        probability = sigmoid(features @ at + offset)
        slope = features.T @ (weights * (probability - right)) + pull * (at - prior)
        curvature = (features.T * (weights * probability * (1 - probability))) @ features + np.diag(pull)
        step, length = np.linalg.solve(curvature, slope), 1.0
        while (lower := _loss(at - length * step, features, right, weights, offset, prior, pull)) > value:
            length /= 2
            if length < 1e-6:
                return at
        at, gained, value = at - length * step, value - lower, lower
        if gained < 1e-7 * max(value, 1.0):
            return at
    return at


def _loss(
    at: Floats, features: Floats, right: Flags, weights: Floats, offset: Floats | float, prior: Floats, pull: Floats
) -> float:
    odds = features @ at + offset
    unlikely = np.logaddexp(0.0, np.where(right, -odds, odds))
    return float((weights * unlikely).sum() + (pull * (at - prior) ** 2).sum() / 2)


def _learn(known: Evidence) -> Trust:
    centre, scale = known.features.mean(axis=0), known.features.std(axis=0) + 1e-6
    count = products(known.features[:1]).shape[1]
    blank = Trust(centre, scale, np.zeros(count), 0.0)
    table = np.hstack([blank.products(known.features), np.ones((len(known.right), 1))])
    found = fit_logistic(
        table,
        known.right,
        weights=known.learning,
        offset=known.features[:, 0],
        prior=np.zeros(count + 1),
        strength=STRENGTH * (1 + FEW / max(len(known.right), 1)),
    )
    return replace(blank, weights=found[:-1], bias=float(found[-1]))


def _calibration(odds: Floats, known: Evidence) -> tuple[float, float]:
    """Slope and offset; `odds` are the log-odds of the rows from models that had not seen them."""
    slope, offset = fit_logistic(
        np.stack([odds, np.ones(len(odds))], axis=1),
        known.right,
        weights=known.calibrating,
        prior=np.array([1.0, 0.0]),
        strength=CALIBRATION_STRENGTH,
    )
    return max(float(slope), LEAST_SLOPE), float(offset)


def _of(known: Evidence, rows: NDArray[np.int64]) -> Evidence:
    return Evidence(
        known.features[rows], known.right[rows], known.learning[rows], known.calibrating[rows], known.group[rows]
    )


def _parts(groups: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(fit, held) rows; a split group never stands on both sides. Fewer parts where there are few groups."""
    names, place = np.unique(groups, return_inverse=True)
    part = np.random.default_rng(0).permutation(len(names))[place] % min(PARTS, max(len(names), 2))
    return [(np.flatnonzero(part != one), np.flatnonzero(part == one)) for one in np.unique(part)]
