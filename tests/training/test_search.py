from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from training.progress import SILENT
from training.search import Found, search
from training.tune import Tuned, Tuning

WORDS = (("money", "refund", "repaid", "owed"), ("parcel", "box", "truck", "sent"), ("open", "hours", "sunday", "shut"))
ROWS = [
    (f"{opening} {first} {second} {ending}".strip(), number)
    for number, words in enumerate(WORDS)
    for first, second in product(words, words)
    for opening, ending in product(("where", "my", "is it", "hi", "the"), ("", "please", "now", "today", "again"))
]
TEXTS, LABELS = [text for text, _ in ROWS], np.array([number for _, number in ROWS], dtype=np.int64)
SPACE = {"learning_rate": (1e-3, 1e-2), "contrastive": (0.0, 1.0), "batch": (64, 128, 256)}
GIVEN = Tuning(epochs=2, least_steps=1, batch=128, learning_rate=3e-3, frozen=0, threads=1)


def look(encoder: Path, folder: Path, **more: object) -> Found:
    texts = [TEXTS[row] for row in range(len(TEXTS))]
    given = {"tuning": GIVEN, "most_minutes": 5.0, "most_trials": 2, "steps": SILENT, "space": SPACE}
    given |= {"trials_in": folder} | more
    return search(str(encoder), texts, LABELS, texts, [None] * len(texts), **given)  # type: ignore[arg-type]


def test_the_first_trial_is_what_was_given_and_the_best_is_taken(small_encoder: Path, tmp_path: Path) -> None:
    found = look(small_encoder, tmp_path)
    assert [trial.number for trial in found.trials] == [0, 1]
    first = found.trials[0]
    assert first.changed == {"learning_rate": 3e-3, "contrastive": 0.5, "batch": 128}
    assert first.outcome == "finished"
    best = max(found.trials, key=lambda trial: trial.accuracy or 0.0)
    assert found.tuning == replace(GIVEN, **best.changed)
    assert list(tmp_path.iterdir()) == []


def test_a_judge_decides_and_equals_change_nothing(small_encoder: Path, tmp_path: Path) -> None:
    seen: list[bool] = []

    def judge(tuned: Tuned) -> float:
        seen.append((tuned.folder / "model.safetensors").exists())
        return 0.5

    found = look(small_encoder, tmp_path, judge=judge)
    assert seen == [True, True]
    assert [trial.accuracy for trial in found.trials] == [0.5, 0.5]
    assert found.tuning == GIVEN


def test_the_time_ends_the_search_with_what_was_given(small_encoder: Path, tmp_path: Path) -> None:
    found = look(small_encoder, tmp_path, most_minutes=0.001, most_trials=50)
    assert len(found.trials) == 1
    assert found.trials[0].changed["batch"] == GIVEN.batch
    assert found.tuning == GIVEN


def test_without_anything_to_compare_by_nothing_is_tried(small_encoder: Path, tmp_path: Path) -> None:
    few = np.arange(0, len(TEXTS), 40)
    texts = [TEXTS[row] for row in few]
    found = search(
        str(small_encoder),
        texts,
        LABELS[few],
        texts,
        [None] * len(texts),
        tuning=GIVEN,
        most_minutes=1,
        steps=SILENT,
        trials_in=tmp_path,
    )
    assert found == Found(GIVEN, ())


def test_a_hopeless_trial_is_given_up(small_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever forgets nearly everything that is said to them is not worth a third epoch."""
    monkeypatch.setattr("training.search.FEW_TRIALS", 1)
    found = look(
        small_encoder,
        tmp_path,
        tuning=replace(GIVEN, epochs=3, dropout=0.0),
        space={"dropout": (0.0, 0.01, 0.98)},
        most_trials=5,
    )
    given_up = [trial for trial in found.trials if trial.outcome == "given up"]
    assert 0.98 in {trial.changed["dropout"] for trial in given_up}
    assert {trial.accuracy for trial in given_up} == {None}
    assert found.tuning.dropout in (0.0, 0.01)
