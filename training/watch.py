"""Retraining by itself: every so often, or when agents have taught enough. A run that fails stops nothing.

`watch` decides when, and says one line a run; what a run is, what time it is and how many reviews there are is given
to it.
"""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Protocol

from chatbot.errors import ChatbotError, SettingsError

LIVE, FAILED, KEPT, NOTHING_NEW, TOO_LITTLE, LOCKED = 0, 1, 3, 4, 5, 6
"""Exit codes of a run."""

ENDED = {
    LIVE: "a new version is live",
    KEPT: "the new version is no better: the one that was live stays",
    NOTHING_NEW: "nothing new to learn",
    TOO_LITTLE: "too little data",
    LOCKED: "another run is at work",
}
LOOK_EVERY = timedelta(minutes=1)
"""At new reviews; and the longest sleep, as clocks are put right."""
FIRST_RETRY = timedelta(minutes=1)
"""After a failure; each further one in a row doubles it, up to LAST_RETRY."""
LAST_RETRY = timedelta(hours=6)
LOCKED_RETRY = timedelta(minutes=5)
LEAST_INTERVAL = timedelta(minutes=1)
SECONDS_TO_CANCEL = 8.0
"""Of ten that supervisors commonly give."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_log = logging.getLogger(__name__)


class Clock(Protocol):
    """What time it is, and sleeping."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> bool:
        """False when it was woken, because everything shall end."""

    def working(self) -> AbstractContextManager[None]:
        """While it lasts, what shall end everything raises KeyboardInterrupt."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`after_reviews`: also as soon as so many reviews have taught something since the last version; None: never."""

    every: timedelta
    after_reviews: int | None = None


def duration(text: str) -> timedelta:
    """Of "30m", "24h", "7d", "1h30m". Raises SettingsError that shows how it is written."""
    cleaned = text.replace(" ", "").lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhdw])", cleaned)
    if not parts or "".join(number + unit for number, unit in parts) != cleaned:
        raise SettingsError(f'"{text}" is no length of time; write it like 30m, 24h, 7d or 1h30m')
    try:
        total = sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        raise SettingsError(f'"{text}" is longer than any training waits; write it like 24h or 7d') from None
    if total < LEAST_INTERVAL:
        raise SettingsError(f'"{text}" is too short to train in; one minute (1m) is the least')
    return total


def watch(
    run: Callable[[], int],
    schedule: Schedule,
    *,
    last_version: datetime | None,
    taught_since: Callable[[datetime | None], int],
    clock: Clock,
    say: Callable[[str], None],
) -> None:
    """Run until the clock is woken. `run` gives the exit code of `retrain`; whatever it raises is a failed run.

    `last_version`: when the newest version was made, so that a restart does not train again. `taught_since` counts the
    reviews that have taught something since a time.
    """
    since, due, failures, locked = last_version, clock.now(), 0, False
    if last_version is not None:
        due = max(due, last_version + schedule.every)
    say(f"Watching: retraining every {_told(schedule.every)}{_or_reviews(schedule)}; next run {due:%Y-%m-%d %H:%M} UTC")
    while True:
        now = clock.now()
        # Nothing lies further ahead than one interval, unless the clock was put back meanwhile.
        due, since = min(due, now + schedule.every), None if since is None else min(since, now)
        wait = (due - now).total_seconds()
        # What came to nothing is not tried again at once because of the reviews that it has not learned.
        if wait > 0 and (failures or locked or not _enough(schedule, since, taught_since)):
            if not clock.sleep(min(wait, LOOK_EVERY.total_seconds())):
                break
            continue
        began = clock.now()
        try:
            with clock.working():
                code, words = _outcome(run)
        except KeyboardInterrupt:
            say(f"{began:%Y-%m-%d %H:%M} UTC  cancelled after {(clock.now() - began).total_seconds():,.0f} s")
            break
        ended = clock.now()
        failures, locked = 0 if code in ENDED else failures + 1, code == LOCKED
        since = began if code not in (LOCKED, FAILED) else since
        due = ended + _pause(code, schedule, failures) if failures or code == LOCKED else began + schedule.every
        took = f"took {(ended - began).total_seconds():,.0f} s"
        say(f"{began:%Y-%m-%d %H:%M} UTC  {words}; {took}; next run {due:%Y-%m-%d %H:%M} UTC at the latest")
    say("Stopped watching.")


def _outcome(run: Callable[[], int]) -> tuple[int, str]:
    """The exit code and the words for it, whatever happens."""
    try:
        code = run()
    except (ChatbotError, OSError) as error:
        return FAILED, f"failed: {error}"
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else FAILED
    except Exception as error:
        _log.exception("a training run failed")
        return FAILED, f"failed: {type(error).__name__}: {error}"
    if code < 0:
        return FAILED, f"failed: ended by {signal.Signals(-code).name}; too little memory is a common cause"
    return (code, ENDED[code]) if code in ENDED else (FAILED, f"failed with exit code {code}; its own lines say why")


def _enough(schedule: Schedule, since: datetime | None, taught_since: Callable[[datetime | None], int]) -> bool:
    if schedule.after_reviews is None:
        return False
    try:
        return taught_since(since) >= schedule.after_reviews
    except ChatbotError as error:  # a busy database: the next look is soon
        _log.warning("new reviews could not be counted: %s", error)
        return False


def _pause(code: int, schedule: Schedule, failures: int) -> timedelta:
    """After a run that came to nothing; never longer than the interval."""
    if code == LOCKED:
        return min(schedule.every, LOCKED_RETRY)
    doubled: timedelta = FIRST_RETRY * 2 ** min(failures - 1, 20)
    return min(schedule.every, LAST_RETRY, doubled)


def _told(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours > 48 else f"{hours:g} hours" if hours >= 1 else f"{hours * 60:g} minutes"


def _or_reviews(schedule: Schedule) -> str:
    return "" if schedule.after_reviews is None else f", or after {schedule.after_reviews:,} new reviews"


class SystemClock:
    """The real time. SIGTERM and SIGINT wake it, and interrupt what it works at; within `listening` only."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._works = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> bool:
        return not self._woken.wait(seconds)

    @contextmanager
    def working(self) -> Iterator[None]:
        self._works = True
        try:
            if self._woken.is_set():
                raise KeyboardInterrupt
            yield
        finally:
            self._works = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._wake) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _wake(self, _number: int, _frame: FrameType | None) -> None:
        first = not self._woken.is_set()
        self._woken.set()
        if self._works and first:  # once: clearing up shall not be interrupted too
            raise KeyboardInterrupt


def in_a_process(command: Sequence[str], *, seconds: float = SECONDS_TO_CANCEL) -> Callable[[], int]:
    """A run in a process of its own: its memory is given back, and the watcher survives whatever ends it.

    When the wait for it is interrupted, it is asked to stop, as by Ctrl-C, and ended after `seconds`.
    """

    def run() -> int:
        # In a session of its own, so that Ctrl-C on a terminal reaches it once, from here.
        process = subprocess.Popen(command, start_new_session=True)
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            raise

    return run
