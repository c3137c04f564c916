"""SIGTERM in the middle of a command: what it had begun is taken away, and it ends by that signal."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import shutil, sys, time
from pathlib import Path
from chatbot import leaving

leaving.CLEARING_SECONDS = 4
folder, clearing = Path(sys.argv[1]), float(sys.argv[2])
with leaving.clearing_up():
    try:
        folder.mkdir()
        try:
            print("working", flush=True)
            time.sleep(60)
        except Exception:
            print("taken for a failure", flush=True)
    finally:
        time.sleep(clearing)
        shutil.rmtree(folder)
print("went on", flush=True)
"""


@pytest.mark.parametrize(
    ("clearing", "asked", "ended_by"),
    [
        ("0", 1, signal.SIGTERM),
        ("0.5", 2, signal.SIGTERM),  # asked once more while it clears up
        ("60", 1, signal.SIGALRM),  # which takes too long
    ],
)
def test_what_was_begun_is_taken_away(tmp_path: Path, clearing: str, asked: int, ended_by: signal.Signals) -> None:
    folder = tmp_path / "begun"
    command = [sys.executable, "-c", PROGRAM, str(folder), clearing]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        for _ in range(asked):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        said, complained = process.communicate(timeout=20)
    assert process.returncode == -ended_by
    assert (said, complained) == ("", "")
    assert folder.exists() == (ended_by is signal.SIGALRM)
