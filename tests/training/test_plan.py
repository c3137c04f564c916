"""What a run will do to the encoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.types import Example
from training.examples import training_set_of
from training.plan import (
    CALIBRATING,
    LEAST_CALIBRATING,
    MANY,
    Effort,
    Start,
    calibrating,
    choose_plan,
    learned_by,
    numbers_of,
    write_learned,
)

EXAMPLES = tuple(Example(f"question number {number}", f"intent-{number % 5}", id=number) for number in range(1, 2001))


@pytest.mark.parametrize(
    ("effort", "inherits", "examples", "unlearned", "start", "tunes", "done"),
    [
        (Effort.QUICK, False, 100, 100, Start.BASE, False, Effort.QUICK),
        (Effort.QUICK, True, MANY, LEAST_CALIBRATING, Start.ACTIVE, False, Effort.QUICK),
        # With nothing left to calibrate with, only an encoder that has not learned everything will do.
        (Effort.QUICK, True, MANY, LEAST_CALIBRATING - 1, Start.BASE, True, Effort.STANDARD),
        (Effort.STANDARD, False, MANY, MANY, Start.BASE, True, Effort.STANDARD),
        (Effort.STANDARD, True, MANY, 300, Start.ACTIVE, True, Effort.STANDARD),
        # So few are learned anew: the encoder that is there has learned all of them.
        (Effort.STANDARD, True, MANY - 1, 300, Start.BASE, True, Effort.STANDARD),
        (Effort.THOROUGH, True, MANY, 300, Start.BASE, True, Effort.THOROUGH),
    ],
)
def test_the_plan(
    effort: Effort, inherits: bool, examples: int, unlearned: int, start: Start, tunes: bool, done: Effort
) -> None:
    plan = choose_plan(effort, inherits=inherits, examples=examples, unlearned=unlearned, calibrating=LEAST_CALIBRATING)
    assert (plan.start, plan.tunes, plan.effort) == (start, tunes, done)
    assert plan.words


def test_an_encoder_that_has_learned_nearly_all_is_not_tuned_further() -> None:
    """A shop that grows beyond MANY has one that learned everything: too few are left to calibrate with."""
    few = LEAST_CALIBRATING - 1
    plan = choose_plan(Effort.STANDARD, inherits=True, examples=MANY, unlearned=1000, calibrating=few)
    assert (plan.start, plan.tunes) == (Start.BASE, True)


def test_calibration_keeps_its_questions_when_others_come() -> None:
    before = training_set_of(EXAMPLES[:1000], ())
    after = training_set_of(EXAMPLES, ())
    kept = numbers_of(before, calibrating(before, ()))
    assert kept <= numbers_of(after, calibrating(after, ()))
    assert len(kept) == pytest.approx(1000 * CALIBRATING, rel=0.25)


def test_what_an_encoder_has_learned_does_not_calibrate() -> None:
    training_set = training_set_of(EXAMPLES, ())
    free = numbers_of(training_set, calibrating(training_set, ()))
    learned = set(list(free)[:50])
    assert numbers_of(training_set, calibrating(training_set, learned)) == free - learned


def test_groups_stay_together() -> None:
    grouped = tuple(Example(one.text, one.intent, group=f"g{one.id % 20}", id=one.id) for one in EXAMPLES)
    training_set = training_set_of(grouped, ())
    held = numbers_of(training_set, calibrating(training_set, ()))
    groups = {number % 20 for number in held}
    assert len(held) == 100 * len(groups)


def test_what_was_learned_is_written_beside_the_encoder(tmp_path: Path) -> None:
    assert learned_by(tmp_path) == frozenset()
    write_learned(tmp_path, {3, 1})
    assert learned_by(tmp_path) == {1, 3}
