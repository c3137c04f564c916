"""The thread of a server that looks for what changed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from chatbot.errors import StoreBusy
from chatbot.follower import Follower

FOLLOWING_FOR_EVER = """
from chatbot.follower import Follower

class Counts:
    def look(self):
        pass

Follower(Counts(), every=0.01).__enter__()
print("ended")
"""


class Counts:
    def __init__(self, *errors: Exception | None) -> None:
        self.looks = 0
        self.errors = list(errors)

    def look(self) -> None:
        self.looks += 1
        error = self.errors[min(self.looks, len(self.errors)) - 1] if self.errors else None
        if error is not None:
            raise error


def wait_until(reached: int, counts: Counts) -> None:
    end = time.monotonic() + 20
    while counts.looks < reached and time.monotonic() < end:
        time.sleep(0.005)
    assert counts.looks >= reached


def followers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "follower"]


def test_it_looks_until_the_block_ends_and_leaves_no_thread() -> None:
    counts = Counts()
    with Follower(counts, every=0.01):
        wait_until(3, counts)
        (thread,) = followers()
        assert thread.daemon
    assert followers() == []
    ended_at = counts.looks
    time.sleep(0.05)
    assert counts.looks == ended_at


def test_it_ends_at_once_however_seldom_it_looks() -> None:
    began = time.monotonic()
    with Follower(Counts(), every=60.0):
        pass
    assert time.monotonic() - began < 1.0


def test_it_can_follow_again() -> None:
    counts = Counts()
    follower = Follower(counts, every=0.01)
    for round in (1, 2):
        with follower:
            wait_until(2 * round, counts)
    assert followers() == []


def test_what_cannot_be_seen_is_said_once_and_looked_for_again(caplog: pytest.LogCaptureFixture) -> None:
    counts = Counts(
        StoreBusy("busy"), StoreBusy("busy"), StoreBusy("busy"), None, StoreBusy("busy"), OSError("gone"), None
    )
    with Follower(counts, every=0.01):
        wait_until(9, counts)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "what changed cannot be seen: StoreBusy: busy",
        "what changed cannot be seen: StoreBusy: busy",
        "what changed cannot be seen: OSError: gone",
    ]


def test_it_does_not_keep_a_process_alive() -> None:
    done = subprocess.run([sys.executable, "-c", FOLLOWING_FOR_EVER], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")
