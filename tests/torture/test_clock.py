"""Simulated clocks; servers under libfaketime are for the long form, which needs that package."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.torture.clock import DAY, Clock, Findings, runs_of, schedules
from chatbot.desk import cases
from chatbot.web import desk_knowledge


def test_retraining_survives_every_jump() -> None:
    outcome = schedules()
    assert outcome.passed, outcome.figures
    assert runs_of(timedelta(0))[:3] == [timedelta(0), DAY, 2 * DAY]


def test_a_clock_is_as_far_ahead_as_it_was_set(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "new", "Asia/Shanghai")
    assert (tmp_path / "new" / "clock").read_text() == "+0\n"
    clock.set(-DAY, wait=False)
    assert (tmp_path / "new" / "clock").read_text() == "-86400\n"


def test_what_is_wrong_is_told() -> None:
    found = Findings()
    found.expect(True, "never said")
    assert found.told() == "1 checks, all right"
    found.expect(False, "late")
    assert found.told() == "2 checks, WRONG: late"


def test_the_desk_and_the_customers_have_one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said until a day is said until that day's end where the shop stands; an agent must not read otherwise."""
    try:
        # Fourteen hours ahead or twelve behind: at every hour one of them has another day than Greenwich.
        monkeypatch.setenv("TZ", "Etc/GMT-14" if datetime.now(UTC).hour >= 10 else "Etc/GMT+12")
        time.tzset()
        assert date.today() != datetime.now(UTC).date()
        assert cases._today() == desk_knowledge._today() == date.today()
    finally:
        monkeypatch.undo()
        time.tzset()
