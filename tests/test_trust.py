"""How sure: the evidence by hand, and what is made of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chatbot.trust import (
    EVIDENCE,
    FURTHEST,
    QUICK_EVIDENCE,
    Floats,
    Trust,
    best_answerable,
    evidence,
    log_odds,
    products,
    quick_evidence,
    sigmoid,
)


def odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def blank(width: int, **more: Any) -> Trust:
    """One that lets the first column stand as it is."""
    return Trust(np.zeros(width), np.ones(width), np.zeros(width + width * (width + 1) // 2), 0.0, **more)


# Two known intents and one that came later; five neighbours, the last place empty. The second intent is best.
ONE: dict[str, Any] = {
    "fused": np.array([[0.2, 0.7, 0.1]]),
    "dense": np.log([[0.4, 0.6]]),
    "lexical": np.array([[-0.5, 0.25]]),
    "votes": np.array([[0.5, 0.3, 0.2]]),
    "similarities": np.array([[0.9, 0.8, 0.7, 0.6, -np.inf]]),
    "columns": np.array([[0, 1, 2, 1, -1]]),
    "lengths": np.array([20.0]),
    "answerable": np.array([True, True, True]),
}


def found(**changed: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, evidence(**ONE | changed)[0].tolist(), strict=True))


def test_the_evidence_by_hand() -> None:
    assert found() == pytest.approx(
        {
            "fused": odds(0.7),
            "lead": math.log(0.7 / 0.2),
            "nearest": 0.9,
            "nearest_five": (0.9 + 0.8 + 0.7 + 0.6) / 5,
            "own_nearest": 0.8,
            "own_lead": 0.8 - 0.9,
            "dense": odds(0.6),
            "lexical": 0.25,
            "lexical_lead": 0.75,
            "votes": odds(0.3),
            "dense_agrees": 1,
            "lexical_agrees": 1,
            "votes_agree": 0,
            "length": math.log(21),
            "later": 0,
        },
        abs=1e-4,
    )


def test_of_a_later_intent_the_heads_say_that_nothing_else_fits() -> None:
    later = found(fused=np.array([[0.2, 0.1, 0.7]]))
    assert (later["later"], later["dense_agrees"], later["lexical_agrees"]) == (1, 0, 0)
    assert later["dense"] == pytest.approx(odds(0.4), abs=1e-4)  # one less the likeliest of the known
    assert (later["lexical"], later["lexical_lead"]) == (-0.25, 0)
    assert (later["own_nearest"], later["own_lead"]) == pytest.approx((0.7, 0.7 - 0.9))
    assert later["votes"] == pytest.approx(odds(0.2), abs=1e-4)


def test_it_is_about_the_best_intent_that_may_be_answered() -> None:
    kept = found(answerable=np.array([True, False, True]))
    assert kept["fused"] == pytest.approx(odds(0.2), abs=1e-4)
    assert kept["lead"] == pytest.approx(math.log(0.2 / 0.7), abs=1e-4)  # below zero: another one is likelier
    assert (kept["own_nearest"], kept["own_lead"]) == pytest.approx((0.9, 0.1))
    assert best_answerable(np.array([[0.1, 0.9], [0.4, 0.6]]), np.array([True, False])).tolist() == [0, 0]


def test_without_neighbours_of_its_own_or_any() -> None:
    strange = found(columns=np.array([[0, 0, 2, 0, -1]]))
    assert strange["own_nearest"] == 0.0  # the empty place is the farthest
    alone = found(votes=np.zeros((1, 3)), similarities=np.full((1, 1), -np.inf), columns=np.full((1, 1), -1))
    assert all(math.isfinite(value) for value in alone.values())
    assert (alone["nearest"], alone["own_nearest"], alone["own_lead"]) == (0, 0, 0)


def test_one_intent_alone_has_no_lead_to_lose() -> None:
    single = found(
        fused=np.ones((1, 1)), dense=np.zeros((1, 1)), lexical=np.array([[0.3]]), votes=np.ones((1, 1)),
        columns=np.array([[0, 0, 0, 0, -1]]), answerable=np.array([True]),
    )  # fmt: skip
    assert all(math.isfinite(value) for value in single.values())
    assert (single["lexical_lead"], single["lead"]) == (0, 12)


def test_the_quick_evidence_by_hand() -> None:
    table = quick_evidence(
        fused=np.array([[0.2, 0.8], [0.2, 0.8]]),
        student=np.log([[0.4, 0.6], [0.6, 0.4]]),
        lexical=np.array([[-0.5, 0.25], [-0.5, 0.25]]),
        lengths=np.array([20.0, 0.0]),
        answerable=np.array([True, True]),
    )
    agree, apart = (dict(zip(QUICK_EVIDENCE, row, strict=True)) for row in table.tolist())
    assert agree == pytest.approx(
        {
            "fused": odds(0.8),
            "lead": math.log(4),
            "student": odds(0.6),
            "lexical": 0.25,
            "lexical_lead": 0.75,
            "agree": 1,
            "length": math.log(21),
        },
        abs=1e-4,
    )
    assert (apart["agree"], apart["length"]) == (0, 0)


def test_products_are_each_pair_once_and_the_squares() -> None:
    assert products(np.array([[2.0, 3.0, 5.0]])).tolist() == [[2, 3, 5, 4, 6, 10, 9, 15, 25]]


def test_a_blank_trust_lets_the_first_column_stand() -> None:
    first = np.array([[odds(0.1), 7.0], [odds(0.9), -3.0]])
    np.testing.assert_allclose(blank(2).probability(first), [0.1, 0.9])


def test_the_probability_by_hand() -> None:
    trust = Trust(np.array([1.0, 0.0]), np.array([2.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.4, 0.5]), 0.6, 2.0, -1.0)
    # Standardised: 1 and 2; products: 1, 2, 1 x 1, 1 x 2, 2 x 2.
    before = 3 + (0.1 * 1 + 0.2 * 2 + 0.3 * 1 + 0.4 * 2 + 0.5 * 4) + 0.6
    row = np.array([[3.0, 2.0]])
    assert trust.log_odds(row).tolist() == pytest.approx([before])
    assert trust.probability(row).tolist() == pytest.approx([1 / (1 + math.exp(1 - 2 * before))])


def test_extremes_do_not_run_away() -> None:
    trust = replace(blank(2), weights=np.array([0, 1.0, 0, 0, 1.0]))
    far, farther = (trust.log_odds(np.array([[0.0, value]]))[0] for value in (FURTHEST, 1e9))
    assert far == farther == FURTHEST + FURTHEST**2
    assert np.isfinite(trust.probability(np.array([[1e9, np.inf], [-1e9, -np.inf]]))).all()


def test_the_last_calibration_keeps_the_order() -> None:
    rows: Floats = np.linspace(-20, 20, 101)[:, None]
    for slope, offset in ((0.05, 3.0), (1.0, 0.0), (4.0, -2.0)):
        given = replace(blank(1), slope=slope, offset=offset).probability(rows)
        assert (np.diff(given) >= 0).all()
        assert given[0] < given[-1]


def test_arrays_there_and_back() -> None:
    random = np.random.default_rng(0)
    trust = Trust(random.normal(size=3), random.random(3), random.normal(size=9), 0.25, 1.5, -0.75)
    arrays = trust.arrays()
    assert all(array.ndim == 1 and array.dtype == np.float64 for array in arrays.values())
    again = Trust.of(arrays)
    assert (again.bias, again.slope, again.offset) == (0.25, 1.5, -0.75)
    rows = random.normal(size=(20, 3))
    assert again.probability(rows).tolist() == trust.probability(rows).tolist()


def test_odds_and_back() -> None:
    probability = np.array([0.0, 1e-3, 0.5, 0.999, 1.0])
    assert np.isfinite(log_odds(probability)).all()
    np.testing.assert_allclose(sigmoid(log_odds(probability)), probability, atol=2e-6)
    assert sigmoid(np.array([-1e6, 0.0, 1e6])).tolist() == pytest.approx([0, 0.5, 1])
