from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.draws import Labelled, few_shot, left_out, read_clinc, read_csv, sample, split

ROWS = [Labelled(f"question {number} about {intent}", intent) for intent in ("a", "b", "c") for number in range(20)]


def test_a_few_shot_draw_is_balanced() -> None:
    assert Counter(row.intent for row in few_shot(ROWS, 5, seed=1)) == {"a": 5, "b": 5, "c": 5}


def test_a_few_shot_draw_is_the_same_for_its_seed_whatever_the_order_of_the_rows() -> None:
    shuffled = random.Random(7).sample(ROWS, len(ROWS))
    assert few_shot(shuffled, 5, seed=1) == few_shot(ROWS, 5, seed=1)
    assert few_shot(ROWS, 5, seed=1) != few_shot(ROWS, 5, seed=2)


def test_too_few_examples_are_named() -> None:
    with pytest.raises(ValueError, match="a has 20 examples, 21 were asked for"):
        few_shot(ROWS, 21, seed=0)


def test_a_split_keeps_every_row_once_and_each_intents_share() -> None:
    first, second = split(ROWS, 0.8, seed=0)
    assert sorted(first + second) == sorted(ROWS)
    assert Counter(row.intent for row in second) == {"a": 4, "b": 4, "c": 4}


def test_a_sample_takes_what_there_is() -> None:
    assert sorted(sample(ROWS, 1000, seed=0)) == sorted(ROWS)
    assert len(set(sample(ROWS, 7, seed=0))) == 7


def test_left_out_intents_are_seeded() -> None:
    intents = {row.intent for row in ROWS}
    assert left_out(intents, 2, seed=3) == left_out(list(intents)[::-1], 2, seed=3)
    assert len(left_out(intents, 2, seed=3)) == 2


def test_a_text_with_two_labels_is_left_out_and_a_repeated_row_kept_once(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('text,category\nwhere is it,a\nwhere is it,a\n"well, no",b\ntorn,a\ntorn,b\n', encoding="utf-8")
    assert read_csv(file) == [Labelled("where is it", "a"), Labelled("well, no", "b")]


def test_the_test_parts_of_clinc_are_never_read(tmp_path: Path) -> None:
    file = tmp_path / "clinc.json"
    parts = '"train": [["hi", "greeting"]], "val": [], "oos_train": [], "oos_val": [["x", "oos"]], "test": [["y", "z"]]'
    file.write_text(f"{{{parts}}}", encoding="utf-8")
    assert read_clinc(file) == {
        "train": [Labelled("hi", "greeting")], "val": [], "oos_train": [], "oos_val": [Labelled("x", "oos")]
    }  # fmt: skip
