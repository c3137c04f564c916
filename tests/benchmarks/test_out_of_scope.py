from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.out_of_scope import Judged, area, parse, right_within


def judged(score: float, *, known: bool = True, right: bool = True) -> Judged:
    return Judged(known=known, right=known and right, answered=True, scores={"score": score})


def test_what_is_asked_for() -> None:
    asked = parse(["--data", "sets", "--only", "near", "--draws", "3"])
    assert (asked.data, asked.only, asked.draws, asked.on) == (Path("sets"), ["near"], 3, "test")


def test_the_area_counts_pairs_in_the_right_order() -> None:
    rows = [judged(0.9), judged(0.4), judged(0.5, known=False), judged(0.1, known=False)]
    assert area(rows, "score") == 0.75


def test_an_area_needs_both_sides() -> None:
    with pytest.raises(ValueError, match="in scope and out of scope"):
        area([judged(0.9)], "score")


def test_the_best_threshold_keeps_within_the_budget() -> None:
    rows = [judged(0.9), judged(0.8), judged(0.7, known=False), judged(0.6), judged(0.5, right=False)]
    assert right_within(rows, "score", 0.0) == 2 / 4
    assert right_within(rows, "score", 0.25) == 3 / 4


def test_messages_with_one_score_are_answered_together() -> None:
    rows = [judged(0.9), judged(0.9, right=False), judged(0.8)]
    assert right_within(rows, "score", 0.0) == 0.0
    assert right_within(rows, "score", 0.5) == 2 / 3
