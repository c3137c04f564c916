"""Thresholds from an error budget: nobody guesses 0.7.

`answer_at` is the lowest threshold for which, with 95 % confidence, at most `error_budget` of the answered messages are
wrong on held-out data. Method: fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021) from the strictest
threshold downwards with exact binomial bounds (Clopper and Pearson 1934); the first failure ends the walk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from chatbot.decide import Policy

CONFIDENCE = 0.95
LEAST_ANSWER_AT = 0.5
"""Below it the best intent is more likely wrong than right: no budget makes such an answer a good one."""

CANDIDATES = 200
CLARIFY_QUANTILE = 0.01
FLOOR_QUANTILE = 0.001
UNPROVEN_ANSWER_AT = 0.95
"""Where there is too little data for any promise: only what the model itself calls 95 % sure is answered."""


def choose_policy(
    *,
    probability: NDArray[np.float64],
    right: NDArray[np.bool_],
    in_scope: NDArray[np.bool_],
    nearest: NDArray[np.float64],
    error_budget: float,
) -> Policy:
    """From held-out messages: probability of the best intent, whether it was right (never, out of scope), and the
    similarity of the nearest example."""
    known = in_scope & right
    floor = float(np.quantile(nearest[known], FLOOR_QUANTILE)) if known.any() else 0.0
    clarify_at = float(np.quantile(probability[known], CLARIFY_QUANTILE)) if known.any() else LEAST_ANSWER_AT
    proven = lowest_safe_threshold(probability, right, error_budget)
    answer_at = max(proven if proven is not None else UNPROVEN_ANSWER_AT, LEAST_ANSWER_AT)
    return Policy(
        answer_at=answer_at,
        clarify_at=min(clarify_at, answer_at),
        similarity_floor=floor,
        error_budget=error_budget,
        promise=_promise(error_budget, proven is not None, len(right)),
    )


def lowest_safe_threshold(
    probability: NDArray[np.float64], right: NDArray[np.bool_], error_budget: float
) -> float | None:
    """The lowest threshold whose error is proven to be within the budget; None when none can be proven."""
    order = np.argsort(-probability, kind="stable")
    wrong = np.cumsum(~right[order])
    safe = None
    for count in _sequence(len(right), error_budget):
        if upper_bound(int(wrong[count - 1]), count) > error_budget:
            break
        safe = float(probability[order[count - 1]])
    return safe


def upper_bound(wrong: int, count: int) -> float:
    """The Clopper-Pearson upper bound of an error rate, one-sided at CONFIDENCE."""
    return 1.0 if wrong >= count else float(beta.ppf(CONFIDENCE, wrong + 1, count - wrong))


def _sequence(total: int, error_budget: float) -> list[int]:
    """How many of the surest messages to answer, from few to all.

    It starts where a few errors could be afforded, so that one unlucky early message does not end the walk at once.
    """
    perfect = int(np.ceil(np.log(1 - CONFIDENCE) / np.log(1 - error_budget)))
    first = min(2 * perfect, total)
    if first < perfect:
        return []
    return sorted({int(count) for count in np.linspace(first, total, CANDIDATES)})


def _promise(error_budget: float, proven: bool, count: int) -> str:
    if proven:
        return (
            f"With {CONFIDENCE:.0%} confidence at most {error_budget:.1%} of the answered messages are wrong "
            f"(shown on {count:,} held-out messages)."
        )
    return (
        f"{count:,} held-out messages are too few, or too often misread, to promise at most {error_budget:.1%} wrong "
        f"answers; only messages with a probability of at least {UNPROVEN_ANSWER_AT:.0%} are answered."
    )
