from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.draws import Labelled
from benchmarks.peers.arena import Entry, started

WORDS = Entry("TF-IDF + linear SVM", "benchmarks.peers.theirs", ("words",), ours=True)
ROWS = [
    Labelled(f"{verb} my {what}", what) for what in ("parcel", "invoice") for verb in ("where is", "I lost", "send me")
]


def test_a_contender_in_its_own_process_learns_predicts_and_is_timed(tmp_path: Path) -> None:
    with started(WORDS, Path(sys.executable), tmp_path / "log.txt") as process:
        assert process.train(ROWS).keys() == {"seconds", "cpu_seconds"}
        assert process.predict(["is the parcel here", "an invoice please"]) == ["parcel", "invoice"]
        timed = process.time(["parcel", "invoice", "my parcel"], warm_up=1)
    assert timed["intents"] == ["parcel", "invoice", "parcel"]
    assert len(timed["milliseconds"]) == 3


def test_a_contender_that_ends_says_why(tmp_path: Path) -> None:
    unknown = Entry("nobody", "benchmarks.peers.theirs", ("nobody",), ours=True)
    with (
        pytest.raises(RuntimeError, match="nobody ended with exit status 2: .*invalid choice: 'nobody'"),
        started(unknown, Path(sys.executable), tmp_path / "log.txt") as process,
    ):
        process.predict(["hello"])
