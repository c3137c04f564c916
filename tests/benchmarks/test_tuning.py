from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from benchmarks.tuning import chosen, draw, mixed, read
from training.tune import Tuning


def test_knobs_are_read_in_their_own_kind() -> None:
    tuning = chosen(["frozen=2", "contrastive=1", "augment=typos,words", "dropout=0.2", "report_to="], 3)
    assert tuning == Tuning(frozen=2, contrastive=1.0, augment=("typos", "words"), dropout=0.2, report_to=(), seed=3)
    with pytest.raises(SystemExit, match='no knob is called "speed"'):
        chosen(["speed=9"], 0)


def test_a_draw_keeps_what_is_learned_and_asked_apart(tmp_path: Path) -> None:
    (tmp_path / "banking77").mkdir()
    with (tmp_path / "banking77/train.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = [(f"question {number} of {intent}", intent) for intent in "abcd" for number in range(20)]
        csv.writer(stream).writerows([("text", "category"), *rows])
    material = draw(tmp_path, "banking77", 5, 1, 0)
    assert len(material.learned) == 15
    assert len(material.asked) == 12
    assert len(material.strangers) == 4
    assert set(material.learned).isdisjoint(material.asked)
    assert {row.intent for row in material.strangers}.isdisjoint({row.intent for row in material.asked})


def test_three_channels_are_mixed_on_the_other_half() -> None:
    truth = np.arange(40) % 2
    sure = np.where(np.arange(2) == truth[:, None], 2.0, -2.0)
    noise = np.random.default_rng(0).normal(size=(44, 2))
    strange = np.zeros((4, 2))
    accuracy, certain = mixed([np.vstack([sure, strange]), noise * 0.01, noise * 0.01], truth, 40)
    assert accuracy == 1.0
    assert certain[:40].min() > certain[40:].max()


def test_each_channel_reads_the_asked_rows() -> None:
    texts = ["where is my parcel", "the parcel is late", "give me my money", "money back please", "parcel", "money"]
    labels = np.array([0, 0, 1, 1, 0, 1])
    vectors = np.eye(2, dtype=np.float32)[labels]
    channels = read(texts, labels, 4, vectors, 2)
    assert [scores.argmax(axis=1).tolist() for scores in channels] == [[0, 1]] * 3
