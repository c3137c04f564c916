"""Thresholds: what is promised holds, by simulation on data whose true risk is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom, binomtest

from chatbot.decide import Policy
from training.calibrate import (
    BUDGETS,
    CLARIFY_QUANTILE,
    LEAST_ANSWER_AT,
    LEAST_OF_A_LANGUAGE,
    MOST_CLARIFY_AT,
    MOST_RISE,
    UNPROVEN_ANSWER_AT,
    Automation,
    automation,
    cascade_threshold,
    choose_policy,
    lowest_safe_threshold,
    upper_bound,
)
from training.witness import HeldOut

DRAWS = 200
Shape = tuple[float, float]


def held(certainty: ArrayLike, right: ArrayLike, *, strangers: int = 0, **more: Any) -> HeldOut:
    """Held-out messages; what a test does not speak of says nothing."""
    sure, hit = np.asarray(certainty, dtype=np.float64), np.asarray(right, dtype=bool)
    count = len(sure)
    silent: dict[str, Any] = {
        "quick_certainty": np.full(count, -1.0),
        "quick_right": np.zeros(count, dtype=bool),
        "nearest": np.ones(count),
        "offered": sure,
        "offers_right": hit,
        "languages": ("en",) * count,
    }
    return HeldOut(np.zeros((count - strangers, 2)), sure, hit, **silent | more)


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


def test_an_early_failure_ends_the_walk() -> None:
    """To go on after a failure would try one threshold after the other until chance lets one through."""
    probability = np.linspace(1, 0, 4000)
    right = np.ones(4000, dtype=bool)
    right[300:360] = False  # surely wrong from here, and diluted below any budget further down
    threshold = lowest_safe_threshold(probability, right, 0.03)
    assert threshold is not None
    assert threshold > probability[310]
    assert upper_bound(60, 4000) < 0.03


def test_a_policy_that_can_promise() -> None:
    probability = np.linspace(1, 0, 2000)
    right = probability > 0.1
    policy = choose_policy(held(probability, right, nearest=np.where(right, 0.6, 0.1)), 0.5)
    assert policy.answer_at == LEAST_ANSWER_AT  # proven far lower
    # Of the messages below it that a choice would help, all but CLARIFY_QUANTILE are offered one.
    assert policy.clarify_at == pytest.approx(0.1 + (LEAST_ANSWER_AT - 0.1) * CLARIFY_QUANTILE, abs=2e-3)
    assert (policy.similarity_floor, policy.error_budget) == (0.6, 0.5)
    assert (policy.proven, policy.by_language) == (True, {})
    assert policy.promise == (
        "With 95% confidence at most 50.0% of the answered messages are wrong (shown on 2,000 held-out messages)."
    )


def test_the_promise_tells_of_the_strangers() -> None:
    probability = np.linspace(1, 0, 2000)
    policy = choose_policy(held(probability, probability > 0.1, strangers=1200), 0.5)
    assert policy.promise.endswith(
        "(shown on 2,000 held-out messages, 1,200 of them about intents that were left out)."
    )


@pytest.mark.parametrize("count", [0, 2])
def test_a_policy_that_cannot_promise_says_so(count: int) -> None:
    policy = choose_policy(held(np.full(count, 0.99), np.ones(count)), 0.03)
    assert (policy.answer_at, policy.clarify_at) == (UNPROVEN_ANSWER_AT, MOST_CLARIFY_AT)
    assert not policy.proven
    assert policy.promise.startswith(f"{count} held-out messages are too few, or too often misread")
    assert policy.promise.endswith("only messages with a probability of at least 95% are answered.")


def two_languages(english: int, chinese: int) -> HeldOut:
    """English is right from 0.5 upwards, Chinese from 0.9 only."""
    certainty = np.concatenate([np.linspace(1, 0, english), np.linspace(1, 0, chinese)])
    right = np.concatenate([np.linspace(1, 0, english) > 0.5, np.linspace(1, 0, chinese) > 0.9])
    return held(certainty, right, languages=("en",) * english + ("zh",) * chinese)


def test_each_language_has_a_threshold_of_its_own() -> None:
    both = choose_policy(two_languages(4000, 4000), 0.05)
    assert set(both.by_language) == {"en", "zh"}
    assert both.threshold("en") == LEAST_ANSWER_AT
    assert 0.86 < both.threshold("zh") < 0.9
    assert both.threshold("de") == both.answer_at


def test_one_language_alone_needs_none_and_a_rare_one_proves_none() -> None:
    assert choose_policy(two_languages(4000, 0), 0.05).by_language == {}
    rare = choose_policy(two_languages(4000, LEAST_OF_A_LANGUAGE - 1), 0.05)
    assert set(rare.by_language) == {"en"}
    assert rare.threshold("zh") == rare.answer_at


def test_a_language_that_proves_nothing_is_answered_where_all_but_sure() -> None:
    hopeless = two_languages(4000, 1000)
    wrong = replace(hopeless, right=hopeless.right & (np.array(hopeless.languages) == "en"))
    policy = choose_policy(wrong, 0.05)
    assert policy.threshold("zh") == max(policy.answer_at, UNPROVEN_ANSWER_AT)


@pytest.mark.parametrize("seed", range(3))
def test_the_promise_holds_in_each_language(seed: int) -> None:
    """Over many draws, the true risk of either language is above the budget in at most one of twenty, of each."""
    sure, doubtful = World((40, 1), 0.005), World((12, 1), 0.01)
    broken = 0
    for draw in range(40):
        one, other = sure.draw(1500, 100 * seed + draw), doubtful.draw(1500, 9000 + 100 * seed + draw)
        policy = choose_policy(
            held(np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]]),
                 languages=("en",) * 1500 + ("zh",) * 1500),
            0.03,
        )  # fmt: skip
        broken += sure.risk(policy.threshold("en")) > 0.03
    assert broken <= binom.ppf(0.999, 40, 0.05)


ANSWER_AT = Policy(0.9, 0.3, 0.2, 0.05, proven=True)


def with_cascade(quick_certainty: ArrayLike, quick_right: ArrayLike, wrong: int = 40) -> HeldOut:
    """2,000 messages that the encoder is sure of, `wrong` of them wrongly."""
    right = np.ones(2000, dtype=bool)
    right[len(right) - wrong :] = False
    return held(
        np.full(2000, 0.95), right,
        quick_certainty=np.asarray(quick_certainty, dtype=np.float64), quick_right=np.asarray(quick_right, dtype=bool),
    )  # fmt: skip


SURE = np.linspace(1, 0.9, 2000)


def test_a_cascade_as_good_as_the_encoder_answers_down_to_its_threshold() -> None:
    same = with_cascade(SURE, np.arange(2000) < 1960)
    assert cascade_threshold(same, ANSWER_AT) == pytest.approx(0.9)
    german = replace(ANSWER_AT, by_language={"de": 0.97})
    assert cascade_threshold(same, german) == pytest.approx(0.97)  # no language is answered at less than it asks for


def test_a_cascade_that_raises_the_risk_is_not_used_or_used_where_it_does_not() -> None:
    worse = np.ones(2000, dtype=bool)
    worse[::8] = False  # one of eight wrong, evenly
    assert cascade_threshold(with_cascade(SURE, worse), ANSWER_AT) is None
    first = np.arange(2000) < 600  # right where it is surest
    found = cascade_threshold(with_cascade(SURE, first, wrong=0), ANSWER_AT)
    assert found is not None
    assert 560 <= (found <= SURE).sum() <= 600 + 2000 * MOST_RISE


@pytest.mark.parametrize("sure", [0.0, 0.04])
def test_a_cascade_that_gains_nothing_is_not_used(sure: float) -> None:
    quick = np.where(np.arange(2000) < 2000 * sure, 0.999, 0.5)
    assert cascade_threshold(with_cascade(quick, np.ones(2000)), ANSWER_AT) is None
    assert cascade_threshold(with_cascade(np.full(2000, -1.0), np.zeros(2000)), ANSWER_AT) is None


def test_a_cascade_never_breaks_a_budget_that_was_proven() -> None:
    """The encoder alone is just within it; not one wrong answer more can be afforded."""
    wrong = max(count for count in range(200) if upper_bound(count, 2000) <= ANSWER_AT.error_budget)
    quick_right = np.arange(2000) < 2000 - wrong
    quick_right[:2] = False
    twice = with_cascade(np.full(2000, 0.9999), quick_right, wrong=wrong)
    assert MOST_RISE >= 2 / 2000
    assert cascade_threshold(twice, ANSWER_AT) is None
    assert cascade_threshold(twice, replace(ANSWER_AT, proven=False)) == pytest.approx(0.9)


def test_the_budget_holds_with_the_cascade_in_front() -> None:
    """Both stages see the same message, the first less well; what is answered is judged on fresh draws of the world."""
    budget, broken, used = 0.05, 0, 0
    for seed in range(60):
        policy, glance_at = _chosen(two_stages(3000, seed), budget)
        used += glance_at is not None
        fresh = two_stages(60_000, 10_000 + seed)
        glanced = fresh.quick_certainty >= (2.0 if glance_at is None else glance_at)
        answered = glanced | (fresh.certainty >= policy.answer_at)
        wrong = np.where(glanced, ~fresh.quick_right, ~fresh.right)[answered].mean()
        broken += wrong > budget + 1.645 * np.sqrt(budget / answered.sum())
    assert used >= 20
    assert broken <= binom.ppf(0.999, 60, 0.05)


def _chosen(held_out: HeldOut, budget: float) -> tuple[Policy, float | None]:
    policy = choose_policy(held_out, budget)
    return policy, cascade_threshold(held_out, policy)


def two_stages(count: int, seed: int) -> HeldOut:
    """Log-odds of the encoder, and of a first stage with noise on top; each calibrated to what it knows."""
    random = np.random.default_rng(seed)
    hard = random.normal(3.5, 1.5, size=count)
    right = random.random(count) < 1 / (1 + np.exp(-hard))
    quick = hard + random.normal(0, 1.0, size=count)
    quick_right = right & (random.random(count) < 1 / (1 + np.exp(-quick)))
    return held(1 / (1 + np.exp(-hard)), right, quick_certainty=1 / (1 + np.exp(-quick)), quick_right=quick_right)


def test_what_each_budget_would_automate() -> None:
    certainty = np.concatenate([np.linspace(1, 0.8, 1000), np.linspace(0.9, 0.5, 200)])
    right = np.arange(1200) < 1000
    table = automation(held(certainty, right, strangers=200), 0.03)
    assert [entry.budget for entry in table] == list(BUDGETS)
    assert [entry.proven for entry in table] == sorted(entry.proven for entry in table)
    for entry in table:
        threshold = lowest_safe_threshold(certainty, right, entry.budget)
        at = max(threshold if entry.proven and threshold is not None else UNPROVEN_ANSWER_AT, LEAST_ANSWER_AT)
        answered = certainty >= at
        assert entry.answered == pytest.approx(answered[:1000].mean())  # of the known ones
        assert entry.wrong == pytest.approx((~right[answered]).mean())  # of all that is answered
    assert [entry.proven for entry in table] == [False, True, True, True, True]
    assert table[0].answered == pytest.approx(0.25)  # where nothing is proven: what is 95 % sure
    assert [entry.wrong < entry.budget for entry in table] == [True] * 5
    assert (table[4].answered, table[4].wrong) == pytest.approx((1.0, 50 / 1050))  # whatever the budget: 80 % sure


def test_a_perfect_record_automates_most() -> None:
    table = automation(held(np.linspace(1, 0.6, 4000), np.ones(4000)), 0.03)
    assert [(entry.budget, entry.proven, entry.wrong) for entry in table] == [(budget, True, 0) for budget in BUDGETS]
    assert [entry.answered for entry in table] == pytest.approx([0.5] * len(BUDGETS), abs=1e-3)
    few = automation(held(np.linspace(1, 0.9, 20), np.ones(20)), 0.03)
    assert few == [Automation(budget, False, 0.5, 0.0) for budget in BUDGETS]
    chosen = automation(held(np.linspace(1, 0.6, 4000), np.ones(4000)), 0.04)
    assert [entry.budget for entry in chosen] == sorted([*BUDGETS, 0.04])
