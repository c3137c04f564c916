"""Rehearsals: nothing that is asked was known to what answers, and every column keeps its meaning."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chatbot.classifier import Mix
from chatbot.types import OUT_OF_SCOPE, Vector
from training.examples import TrainingSet, folds
from training.heads import Lesson, fit_heads
from training.rehearsal import (
    MOST_SHOTS,
    NOBODY,
    STRANGER_GROUPS,
    Rehearsal,
    Strangers,
    rehearse_folds,
    rehearse_strangers,
    stages_of,
)

if TYPE_CHECKING:
    from tests.training.conftest import Collect, Teach

WORDS = ("boots", "tents", "coats", "hats", "ropes", "lamps")
EACH = 12


def silent(count: int = 1) -> None:
    """No progress is shown here."""


@pytest.fixture
def training_set(collect: Collect) -> TrainingSet:
    """Six intents of twelve questions; three wordings of one question are a split group."""
    plain = collect(*((word, tuple(f"{word} {'xyz'[n % 3]} number {n // 3}" for n in range(EACH))) for word in WORDS))
    grouped = tuple(replace(one, group=f"{one.intent} {one.text[-1]}") for one in plain.examples)
    return replace(plain, examples=grouped)


def vectors_of(training_set: TrainingSet) -> Vector:
    """A direction for each intent; paraphrases almost the same."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(len(training_set.intents), 16))
    groups = {example.group: 0.8 * random.normal(size=16) for example in training_set.examples}
    rows = [
        centres[label] + groups[example.group] + 0.01 * random.normal(size=16)
        for example, label in zip(training_set.examples, training_set.labels, strict=True)
    ]
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def lesson(training_set: TrainingSet, teach: Teach) -> Lesson:
    return teach(training_set, vectors_of(training_set))[0]


@pytest.fixture
def strangers(training_set: TrainingSet, lesson: Lesson) -> list[Strangers]:
    return rehearse_strangers(training_set, stages_of(training_set, lesson), silent)


def test_each_example_is_asked_once_in_its_order(training_set: TrainingSet, lesson: Lesson) -> None:
    seen = rehearse_folds(training_set, stages_of(training_set, lesson), silent)
    assert seen.rows.tolist() == list(range(len(training_set.examples)))
    assert seen.labels.tolist() == training_set.labels.tolist()
    assert seen.dense.shape == seen.lexical.shape == seen.student.shape == (72, 6)
    assert seen.lengths.tolist() == [len(text) for text in training_set.texts]
    assert (seen.dense.argmax(axis=1) == seen.labels).mean() > 0.8


def test_no_paraphrase_of_a_question_is_its_neighbour(training_set: TrainingSet, lesson: Lesson) -> None:
    """Paraphrases have a cosine near 1 here; whoever saw one would have it as the nearest."""
    seen = rehearse_folds(training_set, stages_of(training_set, lesson), silent)
    groups = np.array([example.group for example in training_set.examples])
    same = lesson.vectors[:72] @ lesson.vectors[:72].T > 0.99
    assert (same == (groups[:, None] == groups[None, :])).all()
    assert seen.nearest.max() < 0.99
    assert (seen.same_label == NOBODY).all()


def test_what_is_asked_is_not_among_what_was_fitted(training_set: TrainingSet, lesson: Lesson) -> None:
    """The heads of each fold, fitted anew on what does not stand in it, say the same."""
    seen = rehearse_folds(training_set, stages_of(training_set, lesson), silent)
    groups = np.array([example.group for example in training_set.examples])
    for fit, held in folds(training_set):
        assert not set(groups[fit]) & set(groups[held])
        heads = fit_heads(lesson, lesson.with_titles(fit, np.unique(lesson.labels[fit])), 6)
        np.testing.assert_allclose(seen.dense[held], heads.dense.scores(lesson.vectors[held]))
        np.testing.assert_allclose(seen.lexical[held], heads.lexical.scores(lesson, held))


def test_the_neighbours_are_the_fitted_and_the_titles(training_set: TrainingSet, lesson: Lesson) -> None:
    seen = rehearse_folds(training_set, stages_of(training_set, lesson), silent)
    for fit, held in folds(training_set):
        around = lesson.with_titles(fit, np.arange(6))
        for row in held[:3]:
            found = np.argsort(-(lesson.vectors[around] @ lesson.vectors[row]), kind="stable")[: seen.columns.shape[1]]
            assert seen.columns[row].tolist() == lesson.labels[around[found]].tolist()


def test_a_text_with_a_piece_that_was_not_fitted_is_not_familiar(collect: Collect, teach: Teach) -> None:
    training_set = collect(("one", ("aab", "aba", "bab", "abb")), ("two", ("bbb", "aaa", "aaq", "bba")))
    lesson, _ = teach(training_set, np.eye(8, dtype=np.float32))
    seen = rehearse_folds(training_set, stages_of(training_set, lesson), silent)
    assert [lesson.texts[row] for row in np.flatnonzero(~seen.familiar).tolist()] == ["aaq"]


def test_left_out_intents_are_a_partition(strangers: list[Strangers]) -> None:
    assert len(strangers) == STRANGER_GROUPS
    left_out = []
    for group in strangers:
        known = group.unknown.dense.shape[1]
        assert sorted(group.order.tolist()) == list(range(6))
        left_out += group.order[known:].tolist()
        assert group.later.dense.shape[1] == group.beside.dense.shape[1] == known
    assert sorted(left_out) == list(range(6))


def test_labels_and_columns_mean_what_they_did(strangers: list[Strangers], training_set: TrainingSet) -> None:
    for group in strangers:
        known = group.unknown.dense.shape[1]
        assert (group.unknown.labels == NOBODY).all()
        assert (group.later.labels >= known).all()
        assert ((group.beside.labels >= 0) & (group.beside.labels < known)).all()
        for seen in (group.later, group.beside):
            assert group.order[seen.labels].tolist() == training_set.labels[seen.rows].tolist()
        # What the permuted columns say of known questions is still right.
        assert (group.beside.dense.argmax(axis=1) == group.beside.labels).mean() > 0.8
        assert (group.beside.lexical.argmax(axis=1) == group.beside.labels).mean() > 0.8
        assert group.unknown.rows.tolist() == group.later.rows.tolist()


def test_the_unknown_have_no_neighbours_of_theirs_and_the_later_have(strangers: list[Strangers]) -> None:
    for group in strangers:
        known = group.unknown.dense.shape[1]
        assert group.unknown.columns.max() < known
        assert group.later.columns.max() >= known
        # Of a later intent a few examples and its title are there, in the right column.
        near = np.where(group.later.columns == group.later.labels[:, None], group.later.similarities, -1).max(axis=1)
        other = (group.later.columns >= known) & (group.later.columns != group.later.labels[:, None])
        far = np.where(other, group.later.similarities, -1).max(axis=1)
        assert near.mean() > far.mean() + 0.2


def test_shots_are_never_asked(strangers: list[Strangers], training_set: TrainingSet, lesson: Lesson) -> None:
    for group in strangers:
        known = group.unknown.dense.shape[1]
        for column in range(known, 6):
            mine = np.flatnonzero(training_set.labels == group.order[column])
            asked = group.later.rows[group.later.labels == column]
            shots = np.setdiff1d(mine, asked)
            assert 1 <= len(shots) <= MOST_SHOTS
            # The examples found in that column are the shots and the title, and nobody else.
            around = [
                *shots.tolist(),
                *(row for row in range(72, len(lesson.texts)) if lesson.labels[row] == group.order[column]),
            ]
            for place in np.flatnonzero(group.later.labels == column):
                found = group.later.similarities[place][group.later.columns[place] == column]
                allowed = lesson.vectors[around] @ lesson.vectors[group.later.rows[place]]
                assert len(found) <= len(around)
                assert all(np.isclose(allowed, one, atol=1e-5).any() for one in found)


def test_known_questions_beside_later_ones_were_not_fitted(strangers: list[Strangers]) -> None:
    for group in strangers:
        assert group.beside.nearest.max() < 0.99  # no paraphrase of theirs stayed behind
        assert not set(group.beside.rows.tolist()) & set(group.later.rows.tolist())


@pytest.mark.parametrize("count", [2, 3])
def test_too_few_intents_leave_nothing_to_compare_with(count: int, collect: Collect, teach: Teach) -> None:
    training_set = collect(*((word, ("one " + word, "two " + word, "three " + word)) for word in WORDS[:count]))
    lesson, _ = teach(training_set, vectors_of(training_set))
    assert rehearse_strangers(training_set, stages_of(training_set, lesson), silent) == []


def test_out_of_scope_is_not_left_out_and_an_intent_of_one_example_neither(collect: Collect, teach: Teach) -> None:
    kinds = [*((word, tuple(f"{word} {n}" for n in range(6))) for word in WORDS[:5])]
    training_set = collect(*kinds, (OUT_OF_SCOPE, ("sing", "dance", "joke", "poem")), ("single", ("once",)))
    lesson, _ = teach(training_set, vectors_of(training_set))
    names = np.array(training_set.intents)
    for group in rehearse_strangers(training_set, stages_of(training_set, lesson), silent):
        known = group.unknown.dense.shape[1]
        assert not {OUT_OF_SCOPE, "single"} & set(names[group.order[known:]])
        assert {OUT_OF_SCOPE, "single"} <= set(names[group.order[:known]])


def test_fusing_moves_probability_to_the_same_wording(training_set: TrainingSet, lesson: Lesson) -> None:
    seen = rehearse_folds(training_set, stages_of(training_set, lesson), silent)
    mix = Mix(1.0, 1.0, 1.0, same_wording_trust=0.75)
    plain = seen.fused(mix)
    marked: Rehearsal = replace(seen, same_label=np.where(np.arange(72) == 5, 2, NOBODY))
    moved = marked.fused(mix)
    np.testing.assert_allclose(moved[5], plain[5] * 0.25 + 0.75 * np.eye(6)[2])
    np.testing.assert_allclose(np.delete(moved, 5, axis=0), np.delete(plain, 5, axis=0))
    np.testing.assert_allclose(moved.sum(axis=1), 1)
