from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.desk import Desk, Remembering
from benchmarks.draws import Labelled
from benchmarks.review_order import (
    CHATTER,
    Curve,
    Point,
    divide,
    draw,
    mean_curve,
    measure,
    needed,
    nonsense,
    parse,
    report,
    traffic,
)
from chatbot.settings import Settings
from chatbot.types import OUT_OF_SCOPE, Vector
from chatbot.wiring import open_house

QUESTIONS = [Labelled(f"question {number} about {intent}", intent) for intent in "abcd" for number in range(1500)]
NOISE = [Labelled(f"nonsense {number}", OUT_OF_SCOPE) for number in range(500)]


def points(*accuracies: float) -> list[Point]:
    return [Point(50 * number, accuracy, accuracy / 2, 0.01) for number, accuracy in enumerate(accuracies)]


class Counting:
    """An encoder that notes what it reads."""

    fingerprint = "counting"
    dimension = 2

    def __init__(self) -> None:
        self.read: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vector:
        self.read += texts
        return np.array([[len(text), 0] for text in texts], dtype=np.float32)


def test_what_is_asked_for() -> None:
    asked = parse(["--data", "sets", "--pictures", "shown", "--seeds", "1"])
    assert (asked.data, asked.pictures, asked.seeds, asked.labels) == (Path("sets"), Path("shown"), 1, 500)


def test_no_question_is_on_two_sides() -> None:
    parts = divide(QUESTIONS, NOISE, 0)
    learned, asked, held_out = ({row.text for row in rows} for rows in (parts.learned, parts.asked, parts.held_out))
    assert Counter(row.intent for row in parts.learned) == dict.fromkeys("abcd", 5)
    assert len(held_out) == 2000
    assert not learned & asked
    assert not (learned | asked) & held_out


def test_a_tenth_is_nonsense_and_some_come_again() -> None:
    asked = traffic(QUESTIONS, NOISE, 4000, 1)
    assert len(asked) == 4000
    assert sum(row.intent == OUT_OF_SCOPE for row in asked) == 400
    times = Counter(row.text for row in asked if row.intent != OUT_OF_SCOPE)
    assert 0.09 < sum(count > 1 for count in times.values()) / len(times) < 0.16
    assert max(times.values()) == 9
    assert asked == traffic(QUESTIONS, NOISE, 4000, 1)
    assert asked != traffic(QUESTIONS, NOISE, 4000, 2)


def test_nonsense_is_what_clinc_calls_out_of_scope_and_chatter(tmp_path: Path) -> None:
    parts = {"train": [["tell me a joke", CHATTER[5]], ["pay my bill", "pay_bill"]], "val": []}
    strange = {"oos_train": [["how tall is a giraffe", "oos"]], "oos_val": [["who won", "oos"]]}
    file = tmp_path / "clinc.json"
    file.write_text(json.dumps(parts | strange), encoding="utf-8")
    assert nonsense(file) == [
        Labelled("how tall is a giraffe", OUT_OF_SCOPE),
        Labelled("who won", OUT_OF_SCOPE),
        Labelled("tell me a joke", OUT_OF_SCOPE),
    ]


def test_no_text_is_read_twice() -> None:
    encoder = Counting()
    memory: dict[str, Vector] = {}
    first = Remembering(encoder, memory).encode(["a", "bb", "a"])
    again = Remembering(encoder, memory).encode(["bb", "ccc"])
    assert (first[:, 0].tolist(), again[:, 0].tolist()) == ([1, 2, 1], [2, 3])
    assert encoder.read == ["a", "bb", "ccc"]


def test_the_labels_that_a_level_needs() -> None:
    curve = points(0.6, 0.7, 0.8)
    assert needed(curve, 0.7, lambda point: point.accuracy) == pytest.approx(50)
    assert needed(curve, 0.75, lambda point: point.accuracy) == pytest.approx(75)
    assert needed(curve, 0.5, lambda point: point.accuracy) == 0
    assert needed(curve, 0.9, lambda point: point.accuracy) is None


def test_the_mean_of_curves_is_point_by_point() -> None:
    mean = mean_curve([points(0.6, 0.7), points(0.8, 0.8)])
    assert [point.labels for point in mean] == [0, 50]
    assert [point.accuracy for point in mean] == pytest.approx([0.7, 0.75])


def test_the_report_compares_draw_by_draw(tmp_path: Path) -> None:
    curves = [
        Curve("value", 0, points(0.6, 0.8, 0.9), points(0.6, 0.8), 0.1),
        Curve("random", 0, points(0.6, 0.7, 0.8), points(0.6, 0.9), 0.2),
    ]
    lines = report(curves).splitlines()
    assert "| At once, without a training: intent right | 50 | 50 |" in lines
    assert "| After a training: intent right | more | more |" in lines
    assert "| out of scope, of the labels, random | 20.00 % | 20.00 % |" in lines
    picture = draw(curves, tmp_path / "shown" / "curve.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_agent_labels_in_both_orders(settings: Settings) -> None:
    asked = [
        Labelled("can I swap my boots for blue ones", "return_item"),
        Labelled("do you sharpen garden shears", OUT_OF_SCOPE),
        Labelled("do you sharpen garden shears", OUT_OF_SCOPE),
        Labelled("what are your opening hours", "opening_hours"),
    ]
    with open_house(settings) as house:
        desk = Desk.of(house, {}, asked)
        desk.take_in(asked)
        items = desk.open_items()
        assert {(item.text, item.size) for item in items} == {(asked[0].text, 1), (asked[1].text, 2)}
        first = next(desk.by_value())
        assert first.id == items[0].id
        assert desk.decide(first, rereads=True) == desk.truth[first.text_key]
        assert [item.id for item in desk.at_random(0)] == [items[1].id]
        known = desk.bots.current().knowledge.by_wording
        assert known[first.text].intent == desk.truth[first.text_key]
        found = measure(desk.bots.current(), house, [asked[3]], labels=1)
    assert found == Point(1, 1.0, 1.0, 0.0)
