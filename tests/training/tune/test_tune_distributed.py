from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chatbot.encoder import TorchEncoder
from chatbot.errors import TrainingRefused
from training.tune import Tuning
from training.tune.distributed import launch, write_job

if TYPE_CHECKING:
    from tests.training.tune.conftest import Toy, Tune


@pytest.mark.slow
def test_two_processes_learn_what_one_does(
    tune: Tune, toy: Toy, quick: Tuning, small_encoder: Path, tmp_path: Path
) -> None:
    tuning = replace(quick, epochs=1, dropout=0.0)
    alone = tune(tuning)
    folder, logs = tmp_path / "together", tmp_path / "logs"
    job = write_job(
        tmp_path / "job.json",
        str(small_encoder),
        toy.texts,
        toy.labels,
        toy.texts,
        toy.answers,
        folder=folder,
        logs=logs,
        tuning=tuning,
    )
    together = launch(job, processes=2)
    one, two = (TorchEncoder(str(tuned.folder)).encode(toy.texts) for tuned in (alone, together))
    start = TorchEncoder(str(small_encoder)).encode(toy.texts)
    assert (one * two).sum(axis=1).min() > 0.9999
    assert (one * start).sum(axis=1).mean() < 0.99
    assert together.about["processes"] == 2
    assert together.held_out == alone.held_out
    np.testing.assert_allclose(
        [point.loss for point in together.curve], [point.loss for point in alone.curve], atol=1e-3
    )
    assert together.about["accuracy"] == pytest.approx(alone.about["accuracy"], abs=0.02)
    assert len(list(logs.iterdir())) == 1  # the first process writes alone


def test_a_job_that_fails_says_so(toy: Toy, quick: Tuning, tmp_path: Path) -> None:
    job = write_job(
        tmp_path / "job.json",
        str(tmp_path / "no-encoder"),
        toy.texts,
        toy.labels,
        toy.texts,
        toy.answers,
        folder=tmp_path / "model",
        logs=tmp_path / "logs",
        tuning=quick,
        new=toy.labels == 3,
    )
    first = json.loads((tmp_path / "job.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first == {
        "text": toy.texts[0],
        "label": int(toy.labels[0]),
        "group": toy.texts[0],
        "answer": toy.answers[0],
        "new": bool(toy.labels[0] == 3),
    }
    with pytest.raises(TrainingRefused, match='in 1 processes failed: encoder ".*no-encoder" cannot be loaded'):
        launch(job, processes=1)
