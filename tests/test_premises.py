"""The disk, the process and the jobs, as /metrics tells them."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from chatbot import jobs
from chatbot.premises import Premises, open_files


def look(premises: Premises) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(premises)
    return {
        "/".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def test_disk_and_process(tmp_path: Path) -> None:
    (tmp_path / "chatbot.db").write_bytes(b"1234")
    (tmp_path / "chatbot.db-wal").write_bytes(b"56")
    found = look(Premises(tmp_path, tmp_path / "chatbot.db"))
    assert found["chatbot_database_bytes"] == 6
    assert 0 < found["chatbot_disk_free_bytes"] < found["chatbot_disk_size_bytes"]
    assert found["chatbot_start_time_seconds"] == pytest.approx(time.time(), abs=60)
    assert found["chatbot_open_files"] > 2
    assert found["chatbot_log_lines_lost_total"] == 0


def test_jobs(tmp_path: Path) -> None:
    jobs.note(tmp_path, "backup", "done", seconds=4)
    good = jobs.last(tmp_path, "backup")
    jobs.note(tmp_path, "backup", "error", seconds=2)
    bad = jobs.last(tmp_path, "backup")
    assert good is not None
    assert bad is not None
    found = look(Premises(tmp_path, None))
    told = {name: value for name, value in found.items() if name.startswith("chatbot_job")}
    assert told == {
        "chatbot_job_timestamp_seconds/backup/error": bad.at,
        "chatbot_job_success_timestamp_seconds/backup": good.at,
        "chatbot_job_success_timestamp_seconds/retention": 0,
        "chatbot_job_success_timestamp_seconds/retrain": 0,
        "chatbot_job_seconds/backup": 2,
    }
    assert "chatbot_database_bytes" not in found


def test_a_folder_that_is_gone_has_no_figures(tmp_path: Path) -> None:
    found = look(Premises(tmp_path / "gone", tmp_path / "gone" / "chatbot.db"))
    assert "chatbot_disk_free_bytes" not in found
    assert found["chatbot_start_time_seconds"] > 0


def test_files_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("chatbot.premises._OPEN_FILES", tmp_path / "nothing")
    assert math.isnan(open_files())
