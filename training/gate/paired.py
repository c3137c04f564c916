"""Two versions asked the same questions: what their differences prove. Arithmetic alone, no model in sight.

The bound of the difference is Tango's score interval for paired shares (Statistics in Medicine 17, 1998), with a
continuity correction of half a question: without it a version that is worse by the whole margin passed 6.7 % of the
time where few answers differ; with it at most 4.5 % (enumerated for 100 to 1,000 questions and all shares that differ).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import betabinom, binom, hypergeom, norm

CONFIDENCE = 0.95
CORRECTION = 0.5
USUAL = 0.03
"""Share of questions that two equally good versions read differently, about: seldom less after a week of reviews. With
0 here, holdouts of 180 to 290 questions (that is most shops) would refuse three of five equal versions."""

HALVINGS = 40
"""Of an interval two wide: far finer than one question in a million."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Of `count` questions `mended` are those that only the later version got right, `broken` only the earlier."""

    count: int
    mended: int
    broken: int

    @property
    def difference(self) -> float:
        return (self.mended - self.broken) / self.count if self.count else 0.0

    @property
    def differing(self) -> int:
        return self.mended + self.broken


def pair(before: Sequence[bool], after: Sequence[bool]) -> Pairs:
    both = list(zip(before, after, strict=True))
    return Pairs(len(both), both.count((False, True)), both.count((True, False)))


def lowest_difference(pairs: Pairs, confidence: float = CONFIDENCE) -> float:
    """With this confidence (one-sided) the later version's share right is higher by at least so much (or lower by at
    most so much, if negative)."""
    if not pairs.count:
        return -1.0
    wanted = float(norm.ppf(confidence))
    low, high = -1.0, pairs.difference
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _score(pairs, middle) >= wanted else (low, middle)
    return low


def is_provable(count: int, margin: float) -> bool:
    """Whether so many questions show that an equal version is not worse by `margin`, where as few differ as usual."""
    half = round(count * USUAL / 2)
    return lowest_difference(Pairs(count, half, half)) >= -margin


def chance_of_being_no_worse(pairs: Pairs) -> float:
    """How likely so few mended among the differing questions are where both are equally good (McNemar, exact)."""
    return float(binom.cdf(pairs.mended, pairs.differing, 0.5))


def chance_of_so_many(found: int, count: int, share: float) -> float:
    """How likely `found` or more of `count` are where each is hit with the probability `share`."""
    return float(binom.sf(found - 1, count, share))


def chance_of_so_few(passed: int, cases: int, passed_before: int, cases_before: int) -> float:
    """How likely so few passed now are if the passes of both had been dealt by lot (Fisher, one-sided, exact)."""
    return float(hypergeom.cdf(passed, cases + cases_before, passed + passed_before, cases))


LEANING = 0.1
"""Chance below which the broken questions of an intent outweigh the mended ones: 4 and none, 6 and 1."""


def fallen(groups: Sequence[Pairs], level: float) -> list[bool]:
    """Which groups of questions are read worse than before by more than chance explains, whatever the others do.

    Either by McNemar's test alone, at a level for many of them; or because so many are broken where few differ
    elsewhere, while hardly any is mended. Of equally good versions on 77 intents with 13 questions, of which 3 %
    differ, 0.8 % showed such a fall (level 0.02, simulated); of 90 % right that became 30 %, 94 % were found, and 80 %
    by McNemar's test alone.
    """
    if not groups:
        return []
    count = np.array([pairs.count for pairs in groups])
    broken, mended = (np.array([getattr(pairs, name) for pairs in groups]) for name in ("broken", "mended"))
    differing = broken + mended
    chance = binom.cdf(mended, differing, 0.5)
    elsewhere = np.minimum(((differing.sum() - differing) / 2 + 1) / (count.sum() - count + 1), 0.5)
    # Intents differ in how much of them does: their own shares are taken to be spread exponentially around it.
    of_broken = betabinom.sf(broken - 1, count, 1, 1 / elsewhere - 1)
    unusual = (of_broken <= level / len(groups)) & (chance <= LEANING)
    return [bool(bad) for bad in (chance <= level_of_each(differing.tolist(), level)) | unusual]


def level_of_each(differing: Sequence[int], level: float) -> float:
    """The level for each of several McNemar tests so that all of them together err with at most `level`.

    By Tarone (Biometrics 46, 1990): a test with few differing questions cannot reach a low level whatever they say, so
    it takes no share of it. Bonferroni's share for 77 intents would need 12 broken of 13 questions; this mostly 6.
    """
    for tests in range(1, len(differing) + 1):
        if sum(0.5**count <= level / tests for count in differing) <= tests:
            return level / tests
    return level / max(len(differing), 1)


def _score(pairs: Pairs, difference: float) -> float:
    """Standard deviations by which the mended exceed the broken, if the true difference were `difference`."""
    count, mended, broken = pairs.count, pairs.mended, pairs.broken
    # The likeliest share of broken questions under that difference is the root of a quadratic equation.
    linear = (2 * count - mended + broken) * difference - mended - broken
    constant = -broken * difference * (1 - difference)
    share = (math.sqrt(max(linear**2 - 8 * count * constant, 0.0)) - linear) / (4 * count)
    variance = count * (2 * share + difference * (1 - difference))
    return (mended - broken - count * difference - CORRECTION) / math.sqrt(max(variance, 1e-12))
