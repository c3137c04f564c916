"""Where the points of the drawings stand; that they are well formed is in test_page.py."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from chatbot.types import OUT_OF_SCOPE
from tests.training.gate.judging import asked, questions
from training.calibrate import Automation
from training.page.charts import (
    automation_chart,
    confusion_chart,
    intents_chart,
    reliability_chart,
    risk_chart,
    training_chart,
)
from training.page.drawing import Frame, shortened
from training.page.figures import changes
from training.page.markup import Markup
from training.tune.plan import Point
from training.witness import HeldOut


def titles(drawn: Markup | None) -> list[str]:
    assert drawn is not None
    return [str(each.text).replace("\u00a0", " ") for each in ElementTree.fromstring(drawn).iter("title")]


def test_a_frame_puts_values_in_their_place() -> None:
    frame = Frame(200, 100, (0, 1), (0, 10), left=20, right=30, top=5, bottom=15)
    assert (frame.x(0), frame.x(1), frame.y(0), frame.y(10), frame.y(5)) == (20, 170, 85, 5, 45)
    assert Frame(100, 100, (3, 3), (0, 0)).x(3) == 64
    assert shortened("a" * 30) == "a" * 25 + "…"


def test_the_intents_that_moved_most() -> None:
    before = [asked(str(number), f"i{number % 30}", f"i{number % 30}") for number in range(60)]
    after = [asked(one.text, one.intent, one.intent if number > 3 else "x") for number, one in enumerate(before)]
    drawn = intents_chart(changes(after, before))
    assert titles(drawn) == [f"i{number}: 100 % before, 50 % now" for number in range(4)]
    assert intents_chart(changes(before, before)) is None
    assert intents_chart(changes(after, None)) is None


def test_the_confused_intents() -> None:
    drawn = confusion_chart(
        [
            asked("1", "a", "b"),
            asked("2", "a", "a"),
            asked("3", "c", "c"),
            asked("4", "a", "b"),
            asked("5", "退货", "a"),
        ]
    )
    found = titles(drawn)
    assert "a read as b: 2 of 3" in found
    assert "退货 read as a: 1 of 1" in found
    assert not any(each.startswith("c ") for each in found)
    assert confusion_chart(questions(20)) is None


def test_honest_probabilities_stand_on_the_line() -> None:
    certainty = np.array([0.1] * 10 + [0.9] * 30)
    right = np.array([True] + [False] * 9 + [True] * 27 + [False] * 3)
    none = np.zeros(40)
    held_out = HeldOut(np.zeros((40, 2)), certainty, right, none, right, none, none, right, ("en",) * 40)
    assert titles(reliability_chart(held_out)) == [
        "10 questions: 10 % sure, 10 % right",
        "30 questions: 90 % sure, 90 % right",
    ]
    assert reliability_chart(None) is None


def test_the_cost_of_answering_more() -> None:
    after = questions(40, wrong=[3], answered_wrong=True)
    drawn = risk_chart(after, questions(40, wrong=range(9)))
    assert drawn is not None
    assert ("before" in drawn, "this version" in drawn, "as it answers now" in drawn) == (True, True, True)
    alone = risk_chart([asked("1", OUT_OF_SCOPE, None)], None)
    assert alone is not None
    assert "before" not in alone
    assert risk_chart([], None) is None


def test_budgets_and_the_chosen_one() -> None:
    drawn = automation_chart([Automation(0.01, False, 0.3, 0.0), Automation(0.03, True, 0.8, 0.021)], 0.03)
    assert drawn is not None
    assert 'class="grey"' in drawn
    assert 'class="chosen"' in drawn
    assert "2.1\u00a0% wrong" in drawn
    assert automation_chart([], 0.03) is None


@pytest.mark.parametrize("count", [2, 7, 1000])
def test_the_training_curve_ends_where_training_did(count: int) -> None:
    points = [Point(step, step / 10, 1 / step, step / count) for step in range(1, count + 1)]
    drawn = training_chart(points)
    assert drawn is not None
    lines = [each.get("points", "").split() for each in ElementTree.fromstring(drawn).iter("polyline")]
    assert len(lines) == 2
    ends = [float(line[-1].split(",")[0]) for line in lines]
    assert ends[0] == ends[1] == 480 - 56
    assert training_chart(points[:1]) is None
