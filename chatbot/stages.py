"""Where the time of one message goes: each moment is counted once, for the innermost stage that runs.

Only what is called below a `timed` function is measured, in its own thread; elsewhere a stage costs one look.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

QUEUE, WAIT, ENCODE, CLASSIFY, SEARCH, DECIDE, STORE = STAGES = (
    "queue",
    "wait",
    "encode",
    "classify",
    "search",
    "decide",
    "store",
)
"""From the request's arrival to the first line of the answer path; waiting for the encoder; the encoder; the other
channels; the indexes; everything else of an answer (masking, rules, wording); the database, reading and writing."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Stopwatch:
    """Seconds by stage, of one thread."""

    __slots__ = ("_open", "_since", "seconds")

    def __init__(self, waited: float) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.seconds[QUEUE] = waited
        self._open = [DECIDE]
        self._since = time.perf_counter()

    def enter(self, stage: str) -> None:
        self._count()
        self._open.append(stage)

    def leave(self) -> None:
        self._count()
        self._open.pop()

    def read(self) -> Mapping[str, float]:
        """Until now."""
        self._count()
        return dict(self.seconds)

    def shift(self, stage: str, other: str, seconds: float) -> None:
        """What was counted for one stage and turned out to be the other's."""
        self.seconds[stage] -= seconds
        self.seconds[other] += seconds

    def _count(self) -> None:
        now = time.perf_counter()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now


_running: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)
_arrived: ContextVar[float | None] = ContextVar("arrived", default=None)


def arrived(at: float) -> None:
    """When the request of this context came, by `time.perf_counter`."""
    _arrived.set(at)


def taken() -> Mapping[str, float]:
    """Seconds by stage of the message that is answered at this moment; empty where none is."""
    watch = _running.get()
    return {} if watch is None else watch.read()


def shift(stage: str, other: str, seconds: float) -> None:
    watch = _running.get()
    if watch is not None:
        watch.shift(stage, other, seconds)


def timed(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Of a function that answers one message."""

    @functools.wraps(function)
    def measured(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        at = _arrived.get()
        before = _running.set(Stopwatch(0.0 if at is None else max(time.perf_counter() - at, 0.0)))
        try:
            return function(*args, **kwargs)
        finally:
            _running.reset(before)

    return measured


def stage(name: str) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """Of a function whose time counts for that stage."""
    assert name in STAGES, name

    def measuring(function: Callable[Given, Result]) -> Callable[Given, Result]:
        @functools.wraps(function)
        def measured(*args: Given.args, **kwargs: Given.kwargs) -> Result:
            watch = _running.get()
            if watch is None:
                return function(*args, **kwargs)
            watch.enter(name)
            try:
                return function(*args, **kwargs)
            finally:
                watch.leave()

        return measured

    return measuring
