"""The tests of a candidate's own report that the gate's do not hold already (tests/training/test_gate.py)."""

from __future__ import annotations

import pytest

from chatbot.types import OUT_OF_SCOPE
from tests.training.gate.judging import INTENTS, RULES, asked, questions, report
from training.evaluate import Retrieval
from training.gate.soundness import findings_of_soundness


def failed(candidate: object) -> list[str]:
    return [finding.rule for finding in findings_of_soundness(candidate, None, RULES) if not finding.passed]  # type: ignore[arg-type]


def test_a_working_report_in_words() -> None:
    numbers, guessing = findings_of_soundness(report(questions(100, wrong=[1])), None, RULES)
    assert numbers.words == "All figures and probabilities of its report are numbers."
    assert guessing.words == ('It reads 99.0 % of 100 questions right; always saying "intent_00" gives 5.0 %.')


def test_what_is_missing_is_no_fault_and_what_is_no_number_is() -> None:
    from dataclasses import replace

    sound = report(questions(100))
    assert sound.summary.oos_auroc is None
    assert failed(sound) == []
    assert failed(replace(sound, retrieval=Retrieval(3, float("nan"), 0.5))) == ["numbers"]
    slow = replace(sound.predictions[0], milliseconds=float("inf"))
    assert failed(replace(sound, predictions=(slow, *sound.predictions[1:]))) == ["numbers"]


@pytest.mark.parametrize(
    ("right", "count", "expected"),
    [(40, 100, []), (8, 100, ["better than guessing"]), (0, 100, ["better than guessing"]), (0, 9, []), (6, 12, [])],
)
def test_guessing(right: int, count: int, expected: list[str]) -> None:
    assert failed(report(questions(count, wrong=range(right, count)))) == expected


def test_one_intent_alone_cannot_be_guessed_wrong() -> None:
    alone = [asked(f"question {number}", INTENTS[0], None) for number in range(50)]
    strangers = [asked(f"stranger {number}", OUT_OF_SCOPE, INTENTS[0]) for number in range(50)]
    assert failed(report([*alone, *strangers])) == []
