"""Fitting how sure to be, on questions whose true chance is known.

Its own name beside tests/test_trust.py: pytest wants names of test files to differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chatbot.trust import Floats, sigmoid
from training.trust import LEAST_SLOPE, Evidence, fit_logistic, fit_trust, join


def world(count: int, seed: int, *, told: float = 1.0, hidden: float = 1.5, width: int = 4) -> tuple[Evidence, Floats]:
    """Evidence whose first column is `told` times the true log-odds without what the second column knows; the rest is
    noise. With it the true probabilities."""
    random = np.random.default_rng(seed)
    first, second = random.normal(1, 1.5, size=count), random.normal(size=count)
    truth = sigmoid(first + hidden * second)
    features = np.column_stack([told * first, second, random.normal(size=(count, width - 2))])
    ones = np.ones(count)
    return Evidence(features, random.random(count) < truth, ones, ones, np.arange(count)), truth


def gaps(certainty: Floats, right: NDArray[np.bool_], bins: int = 10) -> Floats:
    """Between what was said and what was so, in standard errors, in bins of equally many."""
    order = np.argsort(certainty)
    parts = np.array_split(order, bins)
    said = np.array([certainty[part].mean() for part in parts])
    so = np.array([right[part].mean() for part in parts])
    error = np.array([np.sqrt((certainty[part] * (1 - certainty[part])).sum()) / len(part) for part in parts])
    return np.asarray((so - said) / error)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("told", [0.4, 1.0, 2.5], ids=["too humble", "honest", "too bold"])
def test_what_is_said_of_the_unseen_is_so(told: float, seed: int) -> None:
    known, truth = world(4000, seed, told=told)
    _, certainty = fit_trust(known)
    found = gaps(certainty, known.right)
    assert np.abs(found).max() < 4
    assert (found**2).sum() < 30  # chi-squared with ten degrees of freedom: exceeded once in a thousand
    assert np.abs(certainty - truth).mean() < 0.03


def test_the_model_itself_is_right_on_fresh_questions() -> None:
    trust, _ = fit_trust(world(4000, 0, told=2.0)[0])
    fresh, truth = world(4000, 99, told=2.0)
    given = trust.probability(fresh.features)
    assert np.abs(gaps(given, fresh.right)).max() < 4
    assert np.abs(given - truth).mean() < 0.03


def test_the_evidence_tells_more_than_the_fused_probability_alone() -> None:
    known, _ = world(4000, 1, hidden=2.0)
    _, certainty = fit_trust(known)

    def loss(given: Floats) -> float:
        return float(-np.where(known.right, np.log(given), np.log(1 - given)).mean())

    assert loss(certainty) < loss(sigmoid(known.features[:, 0])) - 0.1


def test_products_are_learned() -> None:
    """Right where two columns agree in sign: neither alone says anything."""
    random = np.random.default_rng(0)
    features = np.column_stack([np.zeros(3000), random.normal(size=(3000, 2))])
    right = random.random(3000) < sigmoid(2 * features[:, 1] * features[:, 2])
    ones = np.ones(3000)
    trust, _ = fit_trust(Evidence(features, right, ones, ones, np.arange(3000)))
    said = trust.probability(np.array([[0, 1.5, 1.5], [0, -1.5, -1.5], [0, 1.5, -1.5], [0, -1.5, 1.5]]))
    assert said[:2].min() > 0.9
    assert said[2:].max() < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_with_little_data_the_fused_probability_stands(seed: int) -> None:
    """A dozen questions hardly move it; four thousand with something to learn do."""
    few, _ = world(12, seed, hidden=0.0, width=15)
    trust, certainty = fit_trust(few)
    np.testing.assert_allclose(trust.log_odds(few.features), few.features[:, 0], atol=0.3)
    assert trust.slope == pytest.approx(1, abs=0.3)
    assert np.isfinite(certainty).all()
    many, _ = world(4000, seed, hidden=2.0, width=15)
    learned = fit_trust(many)[0]
    assert np.abs(learned.weights).max() > 1


def test_one_question_is_no_reason_to_be_sure() -> None:
    ones = np.ones(2)
    known = Evidence(np.zeros((2, 3)), np.array([True, False]), ones, ones, np.arange(2))
    trust, certainty = fit_trust(known)
    assert trust.probability(np.zeros((1, 3)))[0] == pytest.approx(0.5, abs=0.01)
    assert np.isfinite(certainty).all()


@pytest.mark.parametrize("seed", range(8))
def test_surer_never_means_less_likely_right(seed: int) -> None:
    """Even where, by chance or malice, the surest were the wrong ones."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(60, 3))
    ones = np.ones(60)
    known = Evidence(features, features[:, 0] < 0, ones, np.where(ones > 0, 10.0, 0.0), np.arange(60))
    trust, certainty = fit_trust(known)
    assert trust.slope >= LEAST_SLOPE > 0
    odds = np.sort(trust.log_odds(features))
    assert (np.diff(sigmoid(trust.offset + trust.slope * odds)) >= 0).all()
    assert np.isfinite(certainty).all()


def test_paraphrases_take_no_part_in_judging_each_other() -> None:
    """Ten wordings of each of sixty questions, right or wrong by the question alone, which nothing tells: who has seen
    one wording knows the others by heart."""
    random = np.random.default_rng(0)
    question = np.repeat(np.arange(60), 10)
    marks = random.normal(size=(60, 6))[question]
    features = np.column_stack([np.zeros(600), marks])
    right = (random.random(60) < 0.5)[question]
    ones = np.ones(600)
    _, apart = fit_trust(Evidence(features, right, ones, ones, question))
    _, mingled = fit_trust(Evidence(features, right, ones, ones, np.arange(600)))

    def accuracy(certainty: Floats) -> float:
        return float(((certainty > 0.5) == right).mean())

    assert accuracy(mingled) > 0.75
    assert accuracy(apart) < 0.65


def test_strangers_count_as_much_as_they_are_expected() -> None:
    """Learned from as many strangers as known ones; said as if one in ten were a stranger."""
    random = np.random.default_rng(0)
    known = random.normal(2, 1, size=(2000, 1)), random.random(2000) < 0.9
    strange = random.normal(-1, 1, size=(2000, 1)), np.zeros(2000, dtype=bool)
    ones = np.ones(2000)
    trust, _ = fit_trust(
        join(
            [
                Evidence(*known, ones, ones, np.arange(2000)),
                Evidence(*strange, ones, ones / 9, np.arange(2000, 4000)),
            ]
        )
    )
    said = trust.probability(np.concatenate([known[0], strange[0]]))
    weights = np.concatenate([ones, ones / 9])
    so = np.concatenate([known[1], strange[1]])
    assert np.average(said, weights=weights) == pytest.approx(np.average(so, weights=weights), abs=0.01)


def test_a_logistic_regression_is_pulled_to_its_prior_and_its_bias_too() -> None:
    random = np.random.default_rng(0)
    table = np.column_stack([random.normal(size=(3000, 2)), np.ones(3000)])
    truth = np.array([1.5, -0.5, 0.75])
    right = random.random(3000) < sigmoid(table @ truth)
    given: dict[str, Any] = {"weights": np.ones(3000), "prior": np.array([0.0, 1.0, 0.0])}
    found = fit_logistic(table, right, strength=1.0, **given)
    np.testing.assert_allclose(found, truth, atol=0.15)
    pulled = fit_logistic(table, right, strength=1e6, **given)
    np.testing.assert_allclose(pulled, [0, 1, 0], atol=0.01)
    nothing = fit_logistic(table[:0], right[:0], weights=np.ones(0), prior=given["prior"], strength=1.0)
    assert nothing.tolist() == [0, 1, 0]


def test_an_offset_is_what_is_known_already() -> None:
    random = np.random.default_rng(1)
    column = random.normal(size=2000)
    right = random.random(2000) < sigmoid(2 * column + 0.5)
    table = np.column_stack([column, np.ones(2000)])
    given: dict[str, Any] = {"weights": np.ones(2000), "prior": np.zeros(2), "strength": 0.1}
    whole, rest = fit_logistic(table, right, **given), fit_logistic(table, right, offset=2 * column, **given)
    np.testing.assert_allclose(rest + [2, 0], whole, atol=0.01)
    weighted = fit_logistic(table, right, **given | {"weights": np.where(right, 1.0, 1e-9)})
    assert weighted[1] > 5  # who is told of successes alone expects nothing else
