"""What came of the jobs beside the server, such as retraining and backups: one small file each in the home folder.

A scheduler runs them in processes of their own, and some end before they reach the database. /metrics tells of them.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chatbot import logs
from chatbot.durable import write_durably

FOLDER = "jobs"
ERROR = "error"
CANCELLED = "cancelled"
FAILURES = frozenset({ERROR, CANCELLED})
JOBS = ("backup", "retention", "retrain")
"""Those that the server tells of."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """`at` is the end of the last run and `good_at` that of the last one which did not fail; seconds since 1970, and
    0 for never."""

    outcome: str
    at: float
    good_at: float
    seconds: float


class Run:
    """What a job says of itself while it runs; `done` unless it says more."""

    outcome: str | None = "done"

    def ended(self, outcome: str | None) -> None:
        """None: it was none of its own, and there is nothing to note."""
        self.outcome = outcome


@contextmanager
def noted(home: Path, name: str, *, unless: bool = False) -> Iterator[Run]:
    """Note how the job inside ends, `unless` it is only tried out. Errors pass through. A killed job notes nothing: it
    gets old."""
    started = time.monotonic()
    run = Run()
    try:
        yield run
    except Exception:
        run.ended(ERROR)
        raise
    except BaseException:
        run.ended(CANCELLED)
        raise
    finally:
        if run.outcome is not None and not unless:
            note(home, name, run.outcome, seconds=time.monotonic() - started)


def note(home: Path, name: str, outcome: str, *, seconds: float) -> None:
    """A disk that is full must not turn a job that was done into one that failed. No home folder is made for it: its
    name may have been a mistake."""
    if not home.is_dir():
        return
    now = time.time()
    before = last(home, name)
    good_at = (before.good_at if before else 0.0) if outcome in FAILURES else now
    told = {"outcome": outcome, "at": now, "good_at": good_at, "seconds": round(seconds, 1)}
    try:
        (home / FOLDER).mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(_file(home, name), json.dumps(told))
    except OSError as error:
        logs.note(_log, logging.WARNING, "how a job ended was not noted", job=name, outcome=outcome, error=error)


def last(home: Path, name: str) -> Job | None:
    """None for a job that never ran, or whose file nobody can read."""
    try:
        told = json.loads(_file(home, name).read_text(encoding="utf-8"))
        return Job(str(told["outcome"]), float(told["at"]), float(told["good_at"]), float(told["seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file(home: Path, name: str) -> Path:
    return home / FOLDER / f"{name}.json"
