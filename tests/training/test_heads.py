"""Heads on a few texts: what they are fitted with is what serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from chatbot.classifier import softmax
from chatbot.types import Vector
from training.examples import TrainingSet
from training.heads import ABSENT_LOGIT, ABSENT_MARGIN, DENSE_C, RARE_FROM, Lesson, fit_heads

if TYPE_CHECKING:
    from tests.training.conftest import Collect, Teach

SHOP = (
    ("a", ("where is my parcel", "track my parcel, parcel!", "parcel late", "has it left")),
    ("b", ("refund please", "my money back", "pay me back", "refund 退款")),
    ("c", ("open on sunday", "when do you open", "opening hours", "shut today")),
)


def vectors_of(training_set: TrainingSet, noise: float = 0.3, dimension: int = 8) -> Vector:
    random = np.random.default_rng(0)
    centres = random.normal(size=(len(training_set.intents), dimension))
    rows = centres[training_set.labels] + noise * random.normal(size=(len(training_set.labels), dimension))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def lesson(collect: Collect, teach: Teach) -> Lesson:
    training_set = collect(*SHOP)
    return teach(training_set, vectors_of(training_set))[0]


def rows_of(lesson: Lesson) -> np.ndarray:
    return np.arange(len(lesson.texts))


def test_rows_score_as_their_texts_do(lesson: Lesson) -> None:
    rows = rows_of(lesson)
    for fitted in (rows, rows[::2]):
        lexical = fit_heads(lesson, fitted, 3).lexical
        expected = lexical.head(lesson).scores([lesson.texts[row] for row in rows])
        np.testing.assert_allclose(lexical.scores(lesson, rows), expected, atol=1e-3)
        assert lexical.weights.dtype == np.float16


def test_rare_letters_of_a_large_shop_are_left_out_of_both(collect: Collect, teach: Teach) -> None:
    texts = tuple(f"order number {number} is {'late' if number % 2 else 'early'}" for number in range(RARE_FROM))
    training_set = collect(("a", texts[: RARE_FROM // 2]), ("b", (*texts[RARE_FROM // 2 :], "zyzzyva")))
    lesson, _ = teach(training_set, vectors_of(training_set))
    lexical = fit_heads(lesson, rows_of(lesson), 2).lexical
    words, letters = (set(places) for places in lexical.head(lesson).places)
    assert "zyzzyva" in words
    assert not any("zy" in gram for gram in letters)
    np.testing.assert_allclose(
        lexical.scores(lesson, rows_of(lesson)), lexical.head(lesson).scores(lesson.texts), atol=1e-3
    )


def test_the_dense_head_is_scikit_learns(lesson: Lesson) -> None:
    rows = rows_of(lesson)
    model = LogisticRegression(C=DENSE_C, max_iter=1000).fit(lesson.vectors[rows], lesson.labels[rows])
    expected = np.log(softmax(lesson.vectors @ model.coef_.T + model.intercept_) + 1e-9)
    np.testing.assert_allclose(fit_heads(lesson, rows, 3).dense.scores(lesson.vectors), expected, atol=2e-2)


def test_an_intent_without_rows_is_never_the_best(lesson: Lesson) -> None:
    rows = np.flatnonzero(lesson.labels != 1)
    heads = fit_heads(lesson, rows, 4)
    dense, lexical = heads.dense.scores(lesson.vectors), heads.lexical.scores(lesson, rows_of(lesson))
    assert dense.shape == lexical.shape == (len(lesson.texts), 4)
    assert set(dense.argmax(axis=1)) == set(lexical.argmax(axis=1)) == {0, 2}
    assert (lexical[:, [1, 3]] == ABSENT_MARGIN).all()
    assert (np.exp(dense[:, [1, 3]]) < 1e-3).all()
    # The others are told apart as without it, also though two intents have but one machine.
    assert lexical[rows].argmax(axis=1).tolist() == dense[rows].argmax(axis=1).tolist() == lesson.labels[rows].tolist()


def test_one_intent_only(lesson: Lesson) -> None:
    rows = np.flatnonzero(lesson.labels == 2)
    heads = fit_heads(lesson, rows, 3)
    dense, lexical = heads.dense.scores(lesson.vectors), heads.lexical.scores(lesson, rows_of(lesson))
    assert (dense.argmax(axis=1) == 2).all()
    assert (lexical == np.array([ABSENT_MARGIN, ABSENT_MARGIN, 0.0])).all()
    np.testing.assert_allclose(np.exp(dense[:, 2]), 1, atol=1e-6)
    assert dense[:, 0].max() <= np.log(2 * np.exp(ABSENT_LOGIT) + 1e-9)
    np.testing.assert_allclose(heads.lexical.head(lesson).scores(["anything", ""]), [[-2, -2, 0]] * 2)


def test_titles_are_fitted_with_their_intents(lesson: Lesson) -> None:
    """The names of these intents are single letters, which say nothing; so there are none."""
    assert lesson.with_titles(np.array([0, 5]), np.array([0])).tolist() == [0, 5]


def test_titles_of_the_wanted_intents_only(collect: Collect, teach: Teach) -> None:
    training_set = collect(("parcel_late", SHOP[0][1]), ("refund", SHOP[1][1]), ("hours", SHOP[2][1]))
    lesson, _ = teach(training_set, vectors_of(training_set))
    names = training_set.intents
    assert [lesson.texts[row] for row in range(lesson.examples, len(lesson.texts))] == [
        "hours",
        "parcel late",
        "refund",
    ]
    chosen = lesson.with_titles(np.array([1, 0]), np.array([names.index("refund"), names.index("hours")]))
    assert [lesson.texts[row] for row in chosen[2:]] == ["hours", "refund"]


def test_the_student_comes_close_to_the_vectors(collect: Collect, teach: Teach) -> None:
    """Where a vector is a fixed matrix times the summed word pieces, it is found."""
    texts = tuple(f"text {number} {'abc'[number % 3]}" for number in range(60))
    training_set = collect(("a", texts[:30]), ("b", texts[30:]))
    lesson, _ = teach(training_set, np.ones((60, 8), np.float32))
    matrix = np.random.default_rng(1).normal(size=(8, 8))
    made = lesson.sums @ matrix
    lesson.vectors[:] = made / np.linalg.norm(made, axis=1, keepdims=True)
    student = fit_heads(lesson, rows_of(lesson), 2).student(lesson.sums)
    np.testing.assert_allclose(np.linalg.norm(student, axis=1), 1, atol=1e-5)
    assert (student * lesson.vectors).sum(axis=1).mean() > 0.97
    nothing = fit_heads(lesson, rows_of(lesson), 2).student(np.zeros((1, 8), np.float32))
    assert np.isfinite(nothing).all()
