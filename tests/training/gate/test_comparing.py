from __future__ import annotations

import pytest

from chatbot.types import OUT_OF_SCOPE
from tests.training.gate.judging import INTENTS, asked, questions, report
from training.gate.comparing import compared
from training.gate.paired import Pairs


def test_questions_are_parted_by_what_they_can_tell() -> None:
    asked_all = [*questions(3), asked("stranger", OUT_OF_SCOPE, None), asked("new", "brand_new", "brand_new")]
    both = compared(report(asked_all, intents=(*INTENTS, "brand_new")), report(asked_all))
    assert [len(part) for part in (both.known, both.strangers, both.new, both.old)] == [3, 1, 1, 4]


def test_accuracy_is_that_of_what_both_know() -> None:
    live = report(questions(10, wrong=[0, 1, 2]))
    both = compared(report(questions(10, wrong=[2, 3])), live)
    assert both.accuracy == Pairs(10, mended=2, broken=1)
    assert both.shares_right() == (0.7, 0.8)
    with pytest.raises(ValueError, match="zip"):
        compared(report(questions(9)), live)
