from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from training.metrics import BINS, auroc, confused_pairs, expected_calibration_error, macro_f1, wilson

RANDOM = np.random.default_rng(0)


def test_macro_f1_by_hand() -> None:
    # a: 2 of 3 found and 2 of 2 said right, F1 0.8; b: found, said twice, F1 2/3; c: never found.
    assert macro_f1(["a", "a", "a", "b", "c"], ["a", "a", "b", "b", ""]) == pytest.approx((0.8 + 2 / 3 + 0) / 3)
    assert macro_f1([], []) == 0.0


def test_macro_f1_is_that_of_scikit_learn() -> None:
    truth = RANDOM.choice(list("abcdefg"), 500).tolist()
    predicted = [intent if RANDOM.random() < 0.7 else "abcdefgh"[int(RANDOM.integers(8))] for intent in truth]
    expected = f1_score(truth, predicted, average="macro", labels=sorted(set(truth)), zero_division=0)
    assert macro_f1(truth, predicted) == pytest.approx(expected)


def test_auroc_is_that_of_scikit_learn_with_ties() -> None:
    positive, negative = RANDOM.integers(2, 9, 300) / 10, RANDOM.integers(0, 7, 200) / 10
    truth = [1] * 300 + [0] * 200
    assert auroc(positive, negative) == pytest.approx(roc_auc_score(truth, np.concatenate([positive, negative])))
    assert auroc(np.array([0.9, 0.5]), np.array([0.5, 0.1])) == 0.875
    assert auroc(np.array([]), np.array([0.5])) is None
    assert auroc(np.array([0.5]), np.array([])) is None


def test_calibration_error_by_hand() -> None:
    probability = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 1.0])
    right = np.array([True, True, True, False, False, True])
    # 0.95 and 1.0 share the last of 15 bins: five messages, 4/5 right at 0.96 on average; 0.55 is alone and wrong.
    assert BINS == 15
    assert expected_calibration_error(probability, right) == pytest.approx(5 / 6 * 0.16 + 1 / 6 * 0.55)
    assert expected_calibration_error(np.array([]), np.array([], dtype=bool)) == 0.0
    assert expected_calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0.0


def test_confused_pairs_are_the_most_frequent_first_then_by_name() -> None:
    truth = ["a", "a", "a", "b", "b", "c", "c"]
    predicted = ["b", "b", "a", "c", "a", "b", "c"]
    assert confused_pairs(truth, predicted) == [("a", "b", 2), ("b", "a", 1), ("b", "c", 1), ("c", "b", 1)]
    assert confused_pairs(truth, predicted, most=1) == [("a", "b", 2)]
    assert confused_pairs(["a"], ["a"]) == []


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(8, 10, 0.490162, 0.943318), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilson_intervals(successes: int, count: int, low: float, high: float) -> None:
    assert wilson(successes, count) == pytest.approx((low, high), abs=1e-5)
