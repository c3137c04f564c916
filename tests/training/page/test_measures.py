from __future__ import annotations

from dataclasses import replace

from chatbot.types import OUT_OF_SCOPE
from tests.training.gate.judging import asked, questions, report
from training.page.blocks import Cell, Mood
from training.page.measures import measures

STRANGERS = [asked(f"stranger {number}", OUT_OF_SCOPE, None) for number in range(10)]
BEFORE = report([*questions(100, wrong=range(10), answered_wrong=True), *STRANGERS], version="v1")
AFTER = report([*questions(100, wrong=range(5)), *STRANGERS])


def rows(*versions: object) -> dict[str, list[str | Cell]]:
    return {str(name): cells for name, *cells in measures(*versions)}  # type: ignore[arg-type]


def test_shares_have_intervals_and_a_direction() -> None:
    found = rows(AFTER, BEFORE)
    assert found["Intent read right"] == [
        Cell("90.0 %", "82.6–94.5"), Cell("95.0 %", "88.8–97.8"), Cell("+5.0", mood=Mood.GOOD),
    ]  # fmt: skip
    assert found["Wrong of the answered"][:2] == [Cell("10.0 %", "5.5–17.4"), Cell("0.0 %", "0.0–3.9")]
    assert found["Wrong of the answered"][2] == Cell("−10.0", mood=Mood.GOOD)
    assert found["Answered by itself"][2] == Cell("−5.0")  # fewer answers are neither better nor worse by themselves
    assert found["Out of scope, yet answered"][2] == Cell("0")


def test_what_neither_version_has_is_left_out() -> None:
    found = rows(AFTER, BEFORE)
    assert not any("recall@1" in name for name in found)
    known = report(questions(10))
    assert "Out of scope, yet answered" not in rows(known, known)
    assert "Out of scope told apart (AUROC)" not in rows(known, known)


def test_a_slower_version_is_told_without_blame() -> None:
    slow = replace(AFTER, summary=replace(AFTER.summary, p50_ms=9.0))
    assert rows(slow, BEFORE)["Time for an answer, median"] == [Cell("4.0 ms"), Cell("9.0 ms"), Cell("+5.0")]


def test_the_first_version_has_nothing_before() -> None:
    assert rows(AFTER, None)["Intent read right"] == [Cell("–"), Cell("95.0 %", "88.8–97.8"), Cell("")]
    assert rows(report([]), None) == {"Size, MB": [Cell("–"), Cell("100"), Cell("")]}
