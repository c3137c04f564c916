"""The silent version: it is asked what customers asked, after they have their reply, and nobody waits for it."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from chatbot.bot import LiveBot
from chatbot.errors import ChatbotError
from chatbot.experiment import Experiment, disagree, is_comparable
from chatbot.respond import Context, answer
from chatbot.store.experiments import Experiments
from chatbot.types import Decision, Redacted, Turn

MOST_WAITING = 64
"""Messages; one more is not asked. They stay in memory alone: the context holds what a customer said of themselves."""

COUNTED_EVERY = 5.0
"""Seconds between two writes of what was done."""

MOST_FAILURES = 10
"""In a row; then the experiment ends."""

NICENESS, LOWEST = 10, 19

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Question:
    turn_id: str
    query: Redacted
    context: Context
    said: Decision


class Shadow:
    """One thread of low priority around the silent version. `gave_up` hears why, once, when it only fails."""

    def __init__(
        self, experiment: Experiment, *, bots: LiveBot, experiments: Experiments, gave_up: Callable[[str], None]
    ) -> None:
        self._experiment = experiment
        self._bots = bots
        self._experiments = experiments
        self._gave_up = gave_up
        self._waiting: queue.Queue[_Question | None] = queue.Queue(MOST_WAITING)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._failures = 0
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    @property
    def waiting(self) -> int:
        return self._waiting.qsize()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Leave what still waits, and write down what was done."""
        self._stopped.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def ask(self, turn: Turn, context: Context) -> None:
        """From the customer's own thread: costs no more than a look at a queue."""
        decision = turn.answer.decision
        if not is_comparable(decision):
            return
        try:
            self._waiting.put_nowait(_Question(turn.id, turn.query, context, decision))
        except queue.Full:
            self._count("dropped")

    def _work(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # not every system has threads of their own priority
            lower = min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, LOWEST)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), lower)
        while not self._stopped.is_set():
            try:
                question = self._waiting.get(timeout=COUNTED_EVERY)
            except queue.Empty:
                self._write_counts()
                continue
            if question is not None and not self._stopped.is_set():
                self._answer(question)
            if self._waiting.empty():
                self._write_counts()
        self._write_counts()

    def _answer(self, question: _Question) -> None:
        try:
            decision = answer(question.query, self._bots.current(), question.context).decision
            if disagree(question.said, decision):
                self._experiments.disagreed(self._experiment, question.turn_id, decision)
        except Exception as error:  # whatever a new version does, the old one goes on
            self._failures += 1
            self._count("failed")
            _log.warning("shadow %s: turn %s: %s", self._experiment.candidate, question.turn_id, type(error).__name__)
            if self._failures == MOST_FAILURES:
                self._gave_up(f"it failed on {MOST_FAILURES} messages in a row: {type(error).__name__}")
        else:
            self._failures = 0
            self._count("compared")

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1

    def _write_counts(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            self._experiments.count(self._experiment.id, **counts)
        except ChatbotError as error:
            _log.warning("shadow %s: not counted: %s", self._experiment.candidate, error)
            with self._lock:
                self._counts += counts
