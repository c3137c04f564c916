"""Thresholds: what is promised holds, by simulation on data whose true risk is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binom, binomtest

from training.calibrate import (
    CLARIFY_QUANTILE,
    LEAST_ANSWER_AT,
    MOST_CLARIFY_AT,
    UNPROVEN_ANSWER_AT,
    choose_policy,
    lowest_safe_threshold,
    upper_bound,
)

DRAWS = 200
Shape = tuple[float, float]


class World:
    """Messages whose probability is Beta distributed, and right with (1 - noise) times it: the noise is overconfidence.

    `risk(t)` is the true share of wrong answers among those that a threshold t lets through.
    """

    def __init__(self, shape: Shape, noise: float) -> None:
        self.shape, self.noise = shape, noise

    def draw(self, count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        random = np.random.default_rng(seed)
        probability = random.beta(*self.shape, size=count)
        return probability, random.random(count) < (1 - self.noise) * probability

    def risk(self, threshold: float) -> float:
        """By the identity of Beta densities: p times Beta(a, b) is a/(a+b) times Beta(a+1, b)."""
        a, b = self.shape
        return float(1 - (1 - self.noise) * a / (a + b) * beta.sf(threshold, a + 1, b) / beta.sf(threshold, a, b))


@pytest.mark.parametrize(
    ("wrong", "count", "bound"), [(0, 10, 0.258866), (1, 10, 0.394163), (0, 59, 0.0495), (3, 100, 0.075717)]
)
def test_upper_bounds_of_the_tables(wrong: int, count: int, bound: float) -> None:
    assert upper_bound(wrong, count) == pytest.approx(bound, abs=1e-4)
    exact = binomtest(wrong, count).proportion_ci(confidence_level=0.9, method="exact").high
    assert upper_bound(wrong, count) == pytest.approx(exact)
    assert upper_bound(count, count) == 1.0
    assert upper_bound(wrong, count, 0.99) > upper_bound(wrong, count)


@pytest.mark.parametrize(
    ("shape", "noise", "count", "budget", "proven_at_least"),
    [((12, 1), 0.0, 3000, 0.03, 0.7), ((40, 1), 0.01, 3000, 0.03, 0.75), ((3, 1), 0.0, 800, 0.1, 0.5)],
)
def test_the_true_risk_is_above_the_budget_in_at_most_one_draw_of_twenty(
    shape: Shape, noise: float, count: int, budget: float, proven_at_least: float
) -> None:
    world = World(shape, noise)
    found = [lowest_safe_threshold(*world.draw(count, seed), budget) for seed in range(DRAWS)]
    proven = [threshold for threshold in found if threshold is not None]
    assert len(proven) >= proven_at_least * DRAWS  # a method that never promises anything would be safe too
    broken = sum(world.risk(threshold) > budget for threshold in proven)
    assert broken <= binom.ppf(0.999, DRAWS, 0.05)


def test_a_bot_that_is_never_within_the_budget_gets_no_threshold() -> None:
    world = World((12, 1), 0.06)
    found = [lowest_safe_threshold(*world.draw(3000, seed), 0.03) for seed in range(DRAWS)]
    assert sum(threshold is not None for threshold in found) <= binom.ppf(0.999, DRAWS, 0.05)


def test_all_messages_of_one_probability_are_answered_or_none() -> None:
    probability = np.full(1000, 0.9)
    right = np.arange(1000) < 500  # the first half is right: a walk that split the tie would not see the wrong ones
    assert lowest_safe_threshold(probability, right, 0.03) is None
    assert lowest_safe_threshold(probability, np.ones(1000, dtype=bool), 0.03) == 0.9


def test_it_is_as_low_as_the_errors_allow() -> None:
    probability = np.linspace(1, 0, 2000)
    right = probability > 0.4
    threshold = lowest_safe_threshold(probability, right, 0.05)
    assert threshold is not None
    assert 0.37 < threshold < 0.4
    wider = lowest_safe_threshold(probability, right, 0.2)
    assert wider is not None
    assert wider < threshold


@pytest.mark.parametrize(("count", "provable"), [(0, False), (98, False), (99, True)])
def test_with_too_little_data_even_a_perfect_record_proves_nothing(count: int, provable: bool) -> None:
    found = lowest_safe_threshold(np.linspace(0.6, 0.9, count), np.ones(count, dtype=bool), 0.03)
    assert (found is not None) is provable


def test_a_policy_that_can_promise() -> None:
    probability = np.linspace(1, 0, 2000)
    right = probability > 0.1
    policy = choose_policy(
        probability=probability,
        right=right,
        offered=probability,
        offers_right=right,
        nearest=np.where(right, 0.6, 0.1),
        error_budget=0.5,
    )
    assert policy.answer_at == LEAST_ANSWER_AT  # proven far lower
    # Of the messages below it that a choice would help, all but CLARIFY_QUANTILE are offered one.
    assert policy.clarify_at == pytest.approx(0.1 + (LEAST_ANSWER_AT - 0.1) * CLARIFY_QUANTILE, abs=2e-3)
    assert (policy.similarity_floor, policy.error_budget) == (0.6, 0.5)
    assert policy.promise == (
        "With 95% confidence at most 50.0% of the answered messages are wrong (shown on 2,000 held-out messages)."
    )


@pytest.mark.parametrize("count", [0, 2])
def test_a_policy_that_cannot_promise_says_so(count: int) -> None:
    probability, yes = np.full(count, 0.99), np.ones(count, dtype=bool)
    policy = choose_policy(
        probability=probability,
        right=yes,
        offered=probability,
        offers_right=yes,
        nearest=probability,
        error_budget=0.03,
    )
    assert (policy.answer_at, policy.clarify_at) == (UNPROVEN_ANSWER_AT, MOST_CLARIFY_AT)
    assert policy.promise.startswith(f"{count} held-out messages are too few, or too often misread")
    assert policy.promise.endswith("only messages with a probability of at least 95% are answered.")
