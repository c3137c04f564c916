"""Processes killed while they change versions; the long form is `python -m benchmarks.swaps`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.swaps import measure_kills


def test_killed_processes_leave_a_complete_version_and_no_lock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure_kills(tmp_path, 2)
    told = capsys.readouterr().out
    assert "complete and verified afterwards: 2 of 2" in told
    assert re.search(r"locks after at most [01]\.\d\d s; files left over: 0", told)
