"""What came of retraining and backups, as a file that the server reads."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from chatbot import jobs


def test_a_job_that_was_done(tmp_path: Path) -> None:
    with jobs.noted(tmp_path, "backup"):
        pass
    job = jobs.last(tmp_path, "backup")
    assert job is not None
    assert (job.outcome, job.good_at) == ("done", job.at)
    assert job.at == pytest.approx(time.time(), abs=60)
    assert stat.S_IMODE((tmp_path / "jobs").stat().st_mode) == 0o700


def test_what_a_job_says_of_itself(tmp_path: Path) -> None:
    with jobs.noted(tmp_path, "retrain") as run:
        run.ended("kept")
    assert jobs.last(tmp_path, "retrain").outcome == "kept"  # type: ignore[union-attr] # it is there
    with jobs.noted(tmp_path, "retrain") as run:
        run.ended(None)
    assert jobs.last(tmp_path, "retrain").outcome == "kept"  # type: ignore[union-attr]


@pytest.mark.parametrize(("error", "outcome"), [(ValueError, "error"), (KeyboardInterrupt, "cancelled")])
def test_a_failure_keeps_the_time_of_the_last_good_run(
    tmp_path: Path, error: type[BaseException], outcome: str
) -> None:
    jobs.note(tmp_path, "retrain", "promoted", seconds=12.34)
    good = jobs.last(tmp_path, "retrain")
    with pytest.raises(error), jobs.noted(tmp_path, "retrain"):
        raise error
    job = jobs.last(tmp_path, "retrain")
    assert good is not None
    assert job is not None
    assert good.seconds == 12.3
    assert job.outcome == outcome
    assert job.good_at == good.at <= job.at


def test_no_home_is_made_for_it(tmp_path: Path) -> None:
    with jobs.noted(tmp_path / "mistyped", "backup"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_trying_out_is_not_noted(tmp_path: Path) -> None:
    with jobs.noted(tmp_path, "retrain", unless=True):
        pass
    assert jobs.last(tmp_path, "retrain") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"outcome": "done"}', '{"outcome": 1, "at": "x"}', "\xff"])
def test_a_file_that_nobody_can_read_is_no_job(tmp_path: Path, content: str) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "backup.json").write_text(content, encoding="latin-1")
    assert jobs.last(tmp_path, "backup") is None
    jobs.note(tmp_path, "backup", "error", seconds=0)
    assert jobs.last(tmp_path, "backup").good_at == 0  # type: ignore[union-attr]


def test_a_job_that_cannot_be_noted_is_done_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "jobs").write_text("no folder")
    with jobs.noted(tmp_path, "backup"):
        pass
    assert caplog.messages == ["how a job ended was not noted"]
