"""From rehearsals to evidence: what counts as right, and how much each question weighs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chatbot.classifier import Mix
from chatbot.types import OUT_OF_SCOPE
from training.rehearsal import rehearse_folds, rehearse_strangers, stages_of
from training.witness import BESIDE_WEIGHT, LATER_WEIGHT, STRANGER_WEIGHT, Witness

if TYPE_CHECKING:
    from tests.training.conftest import Collect, Teach

KINDS = ("boots", "tents", "coats", "hats", "ropes")
EACH, STRANGE = 8, 6


def silent(count: int = 1) -> None:
    """No progress is shown here."""


@pytest.fixture
def witness(collect: Collect, teach: Teach) -> Witness:
    training_set = collect(
        *((kind, tuple(f"{kind} {number}" for number in range(EACH))) for kind in KINDS),
        (OUT_OF_SCOPE, tuple(f"joke {number}" for number in range(STRANGE))),
    )
    languages = tuple(replace(one, language="zh" if one.intent == "hats" else "en") for one in training_set.examples)
    training_set = replace(training_set, examples=languages)
    random = np.random.default_rng(0)
    centres = random.normal(size=(6, 12))
    rows = centres[training_set.labels] + 0.2 * random.normal(size=(len(training_set.labels), 12))
    vectors = np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
    lesson, _ = teach(training_set, vectors)
    folds, strangers = (
        rehearse_folds(training_set, stages_of(training_set, lesson), silent),
        rehearse_strangers(training_set, stages_of(training_set, lesson), silent),
    )
    return Witness(training_set, folds, strangers, Mix(2.0, 1.0, 0.5, 0.7), (1.0, 1.0), unknown_share=0.2)


def test_an_out_of_scope_question_is_never_right_to_answer(witness: Witness) -> None:
    strange = ~witness.training_set.in_scope
    count = len(strange)
    assert (witness.fused.argmax(axis=1) == witness.training_set.labels)[strange].mean() > 0.8
    for known in (witness.full(), witness.quick()):
        assert not known.right[:count][strange].any()
        assert known.right[:count][~strange].mean() > 0.8


def test_strangers_are_never_right_and_later_questions_may_be(witness: Witness) -> None:
    count = len(witness.folds.rows)
    strange = sum(len(group.unknown.rows) for group in witness.strangers)
    full, quick = witness.full(), witness.quick()
    assert len(quick.right) == count + strange
    assert not full.right[count : count + strange].any()
    assert not quick.right[count:].any()
    assert full.right[count + strange :].mean() > 0.5


def test_how_much_each_kind_weighs(witness: Witness) -> None:
    count = len(witness.folds.rows)
    strange = sum(len(group.unknown.rows) for group in witness.strangers)
    full = witness.full()
    assert full.learning[:count].tolist() == full.calibrating[:count].tolist() == [1.0] * count
    assert full.learning[count : count + strange].sum() == pytest.approx(STRANGER_WEIGHT * count)
    assert full.learning[count + strange :].sum() == pytest.approx((LATER_WEIGHT + BESIDE_WEIGHT) * count)
    # A fifth of all messages is expected to be strange; the labelled out-of-scope examples are some of these.
    expected = round(0.25 * (count - STRANGE)) - STRANGE
    assert full.calibrating[count : count + strange].sum() == pytest.approx(expected)
    assert witness.quick().calibrating.sum() == pytest.approx(count + expected)


def test_rows_of_one_example_share_their_group(witness: Witness) -> None:
    """So that no part that fits on an example as known judges it as a stranger."""
    full = witness.full()
    groups = [*witness.strangers]
    rows = np.concatenate(
        [
            witness.folds.rows,
            *(group.unknown.rows for group in groups),
            *(group.later.rows for group in groups),
            *(group.beside.rows for group in groups),
        ]
    )
    of: dict[int, set[int]] = {}
    for row, group in zip(rows.tolist(), full.group.tolist(), strict=True):
        of.setdefault(row, set()).add(group)
    assert all(len(found) == 1 for found in of.values())
    assert len({next(iter(found)) for found in of.values()}) == len(of)


def test_what_thresholds_are_chosen_on(witness: Witness) -> None:
    count = len(witness.folds.rows)
    certainty, quick = (np.linspace(0, 1, len(known.right)) for known in (witness.full(), witness.quick()))
    held_out = witness.held_out(certainty, quick)
    assert held_out.strangers == round(0.25 * (count - STRANGE)) - STRANGE
    assert held_out.certainty[:count].tolist() == certainty[:count].tolist()
    assert held_out.languages[:count].count("zh") == EACH
    assert not held_out.right[count:].any()
    assert (held_out.offered <= 1 + 1e-9).all()
    # Whoever is right is among the choices that would be offered.
    assert held_out.offers_right[held_out.right].all()
