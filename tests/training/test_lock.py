"""One training run at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.torture.small_disk import files_limited
from chatbot.errors import TrainingBusy
from training.lock import LOCK, alone

HOLDER = """
import sys, time
from pathlib import Path
from training.lock import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_leaves_at_once_and_says_who_is_at_work(tmp_path: Path) -> None:
    with alone(tmp_path):
        started = time.monotonic()
        with pytest.raises(TrainingBusy, match=rf"process {os.getpid()}, since .* UTC"), alone(tmp_path):
            pass
        assert time.monotonic() - started < 1
    with alone(tmp_path):
        assert (tmp_path / LOCK).exists()


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(TrainingBusy), alone(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
    with alone(tmp_path):
        pass


def test_a_full_disk_does_not_keep_anybody_from_holding_it(tmp_path: Path) -> None:
    with files_limited(1), alone(tmp_path), pytest.raises(TrainingBusy), alone(tmp_path):
        pass
