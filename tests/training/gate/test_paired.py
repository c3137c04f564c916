"""The arithmetic of the gate against counted and simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from training.gate.paired import (
    Pairs,
    chance_of_being_no_worse,
    chance_of_so_few,
    chance_of_so_many,
    fallen,
    is_provable,
    level_of_each,
    lowest_difference,
    pair,
)

MARGIN = 0.02


def test_pairs_are_counted() -> None:
    pairs = pair([True, True, False, False, True], [True, False, True, True, True])
    assert pairs == Pairs(5, mended=2, broken=1)
    assert pairs.difference == pytest.approx(0.2)
    assert pair([], []).difference == 0
    with pytest.raises(ValueError, match="zip"):
        pair([True], [])


def test_the_bound_of_a_difference() -> None:
    # By hand, without the correction: 12 mended, 5 broken of 1,000 is 0.7 points, with a deviation of sqrt(17) / 1,000.
    assert lowest_difference(Pairs(1000, 12, 5)) == pytest.approx(
        0.007 - 0.0005 - 1.645 * math.sqrt(17) / 1000, abs=4e-4
    )
    assert lowest_difference(Pairs(1000, 0, 0)) == pytest.approx(-0.0037, abs=3e-4)
    assert lowest_difference(Pairs(10, 0, 10)) > -1.0 - 1e-9
    assert lowest_difference(Pairs(0, 0, 0)) == -1.0
    rising = [lowest_difference(Pairs(400, mended, 10)) for mended in range(0, 40, 5)]
    assert rising == sorted(rising)


@pytest.mark.parametrize(("margin", "too_few", "enough"), [(0.02, 280, 330), (0.01, 950, 1000), (0.03, 150, 190)])
def test_what_can_be_proven_at_all(margin: float, too_few: int, enough: int) -> None:
    assert not is_provable(too_few, margin)
    assert is_provable(enough, margin)


def least_mended(count: int, differing: int) -> int:
    """With which the bound keeps the margin; it rises with them. One more than there are where none will do."""
    low, high = 0, differing + 1
    while low < high:
        middle = (low + high) // 2
        keeps = lowest_difference(Pairs(count, middle, differing - middle)) >= -MARGIN
        low, high = (low, middle) if keeps else (middle + 1, high)
    return low


@pytest.mark.parametrize("count", [180, 400, 1000])
@pytest.mark.parametrize("differing", [1.0, 1.5, 2.5, 5.0])
def test_a_version_worse_by_the_margin_passes_in_at_most_a_twentieth_of_all_draws(count: int, differing: float) -> None:
    """Counted, not drawn: the chance of every outcome, where `differing` margins of the questions differ."""
    share = differing * MARGIN
    most = int(count * share + 7 * math.sqrt(count * share)) + 8
    passing = 0.0
    for total in range(min(most, count) + 1):
        likely = binom.pmf(total, count, share)
        if likely > 1e-9:
            passing += likely * binom.sf(least_mended(count, total) - 1, total, (differing - 1) / (2 * differing))
    assert passing <= 0.05


def test_an_equal_version_passes_nearly_always() -> None:
    random = np.random.default_rng(0)
    differing = random.binomial(1000, 0.03, 1000)
    mended = random.binomial(differing, 0.5)
    passed = [
        lowest_difference(Pairs(1000, int(n), int(total - n))) >= -MARGIN
        for n, total in zip(mended, differing, strict=True)
    ]
    assert np.mean(passed) >= 0.94


def test_exact_chances() -> None:
    assert chance_of_being_no_worse(Pairs(100, 0, 5)) == pytest.approx(1 / 32)
    assert chance_of_being_no_worse(Pairs(100, 0, 0)) == 1.0
    assert chance_of_being_no_worse(Pairs(100, 5, 0)) == 1.0
    assert chance_of_so_many(0, 10, 0.1) == 1.0
    assert chance_of_so_many(10, 10, 0.5) == pytest.approx(0.5**10)
    assert chance_of_so_few(0, 2, 2, 2) == pytest.approx(1 / 6)
    assert chance_of_so_few(2, 2, 2, 2) == 1.0


def test_tests_that_cannot_reach_a_level_take_no_share_of_it() -> None:
    assert level_of_each([8], 0.02) == 0.02
    assert level_of_each([8, 1, 0, 2, 1], 0.02) == 0.02
    assert level_of_each([40, 50, 60], 0.02) == pytest.approx(0.02 / 3)
    assert level_of_each([], 0.02) == 0.02


def draw(random: np.random.Generator, intents: int, count: int, churn: float) -> list[Pairs]:
    """Equally good versions; intents differ in how much of them differs."""
    differing = random.binomial(count, random.exponential(churn, intents).clip(0, 0.9))
    return [Pairs(count, int(n), int(total - n)) for total in differing for n in [random.binomial(total, 0.5)]]


def test_a_collapsed_intent_is_found_and_equal_ones_are_left_alone() -> None:
    random = np.random.default_rng(0)
    refused, found = 0, 0
    for _ in range(200):
        groups = draw(random, 77, 13, 0.03)
        refused += any(bad and each.difference < -0.1 for bad, each in zip(fallen(groups, 0.02), groups, strict=True))
        before, after = random.random(13) < 0.9, random.random(13) < 0.3
        found += fallen([pair(before.tolist(), after.tolist()), *groups[1:]], 0.02)[0]
    assert refused <= 4
    assert found >= 180


def test_what_is_usual_elsewhere_is_no_fall() -> None:
    lively = [Pairs(13, 2, 2)] * 20
    assert fallen([Pairs(13, 0, 5), *lively], 0.02)[0] is False
    quiet = [Pairs(13, 0, 0)] * 76
    assert fallen([Pairs(13, 0, 5), *quiet], 0.02) == [True] + [False] * 76
    assert fallen([Pairs(13, 3, 5), *quiet], 0.02)[0] is False
    assert fallen([], 0.02) == []
