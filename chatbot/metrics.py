"""What happens in this process in numbers, counted as it happens. No number carries anybody's words.

docs/monitoring.md tells what each means; `standing` adds what the database and the model know.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from chatbot import logs, stages
from chatbot.errors import ChatbotError
from chatbot.journal import read_how
from chatbot.respond import Context
from chatbot.types import Action, Turn

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
AREAS = ("api", "page", "desk", "other")
STAGES = ("answer", "store", "whole", "reply")

MOST_KINDS = 40
"""Of errors, by the names of their types; one more is counted as "other"."""

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SHORT = (0.0001, 0.0002, 0.0005, 0.001, *_SECONDS)
_PROBABILITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


class Metrics:
    """Of one running server, in a registry of its own, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._messages = self._counter(
            "chatbot_messages",
            "Replies, by kind, reason, reading (glance: without the encoder) and model version",
            "action", "reason", "reading", "version",
        )  # fmt: skip
        self._requests = self._counter("chatbot_http_requests", "Requests, by area and status", "area", "status")
        self._refusals = self._counter(
            "chatbot_page_refusals", "Calls of the chat page that were answered with a sentence, by its name", "name"
        )
        self._errors = self._counter("chatbot_errors", "Failures that nobody expected, by area", "area")
        self._seconds = self._histogram(
            "chatbot_message_seconds",
            "Time of a message: answer (redaction, model, decision), store, both, and reply: with the wait before them",
            _SECONDS,
            "stage",
        )
        self._stage_seconds = self._histogram(
            "chatbot_stage_seconds", "Time that messages spent in each stage; the stages add up", _SHORT, "stage"
        )
        self._request_seconds = self._histogram(
            "chatbot_http_request_seconds", "Time until the whole response was sent", _SECONDS, "area"
        )
        self._probability = self._histogram(
            "chatbot_answer_probability",
            "Calibrated probability of being right, of replies that were answers",
            _PROBABILITIES,
        )
        self._failures = self._counter(
            "chatbot_failures", "Errors that were logged, expected ones too, by the type of the error", "kind"
        )
        self._warnings = self._counter(
            "chatbot_log_warnings",
            "Lines of the log from WARNING up, by level and part of the program",
            "level",
            "part",
        )
        self._kinds: set[str] = set()
        self._by_stage = {stage: self._stage_seconds.labels(stage) for stage in stages.STAGES}
        for area in AREAS:
            self._errors.labels(area)  # an alarm needs the 0 from before the first one
            for status in (429, 503):
                self._requests.labels(area, str(status))
        for name in ("busy", "not_saved", "too_fast", "unavailable", "unexpected"):
            self._refusals.labels(name)
        for expected in sorted(_tree(ChatbotError)):
            self._kinds.add(expected)
            self._failures.labels(expected)
        self._stages = {stage: self._seconds.labels(stage) for stage in STAGES}

    def told(self, turn: Turn, context: Context) -> None:
        """After a turn was stored."""
        del context
        decision = turn.answer.decision
        how = read_how(turn.answer.reading)
        self._messages.labels(decision.action, decision.reason, how, turn.model_version).inc()
        answering = turn.latency_ms / 1000
        storing = max((datetime.now(UTC) - turn.created_at).total_seconds(), 0.0)
        whole, taken = answering + storing, stages.taken()
        times = (answering, storing, whole, whole + taken.get(stages.QUEUE, 0.0))
        for stage, seconds in zip(STAGES, times, strict=True):
            self._stages[stage].observe(seconds)
        for stage, seconds in taken.items():
            self._by_stage[stage].observe(seconds)
        if decision.action is Action.ANSWER:
            self._probability.observe(decision.probability)

    def requested(self, area: str, status: int, seconds: float | None) -> None:
        """`seconds`: None for an event stream, which takes as long as its page is open."""
        self._requests.labels(area, str(status)).inc()
        if seconds is not None:
            self._request_seconds.labels(area).observe(seconds)
        if status >= 500 and status != 503:  # "try again in a moment" is said on purpose
            self._errors.labels(area).inc()

    def refused(self, name: str) -> None:
        """The page answers 200 with a sentence whatever happened, so its refusals are counted by name."""
        self._refusals.labels(name).inc()
        if name == "unexpected":
            self._errors.labels("page").inc()

    def expect(self, part: str) -> None:
        """A part of the program that may warn: an alarm needs the 0 from before the first one."""
        for level in ("warning", "error"):
            self._warnings.labels(level, part)

    def warned(self, level: str, part: str, kind: str | None) -> None:
        """Of a line in the log. Both names come from the program's own files, and are few all the same."""
        self._warnings.labels(level, part).inc()
        if kind is not None:
            if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
                kind = "other"
            self._kinds.add(kind)
            self._failures.labels(kind).inc()

    def waiting(self, name: str, told: str, look: Callable[[], float]) -> None:
        """Tell the length of a queue, which is looked at when somebody asks."""
        Gauge(name, told, registry=self.registry).set_function(look)

    def text(self) -> bytes:
        """Without the time when each series began: as many lines again that nobody reads."""
        lines = generate_latest(self.registry).split(b"\n")
        return b"\n".join(line for line in lines if b"_created" not in line.partition(b"{")[0])

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, told, labels, buckets=buckets, registry=self.registry)


class Watched(logging.Handler):
    """Counts what is logged from WARNING up, while it is entered: background work has no other way to show trouble."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(logging.WARNING)
        self._metrics = metrics

    def emit(self, record: logging.LogRecord) -> None:
        self._metrics.warned(record.levelname.lower(), part_of(record.name), logs.kind_of(record))

    def __enter__(self) -> Watched:
        for name in [*logging.root.manager.loggerDict, "library"]:
            if name.startswith(logs.OWN) or name == "library":
                self._metrics.expect(part_of(name))
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)


def _tree(error: type[Exception]) -> set[str]:
    return {error.__qualname__}.union(*map(_tree, error.__subclasses__()))


def part_of(logger: str) -> str:
    """`web.guard` of `chatbot.web.guard`; all libraries are one."""
    first, _, rest = logger.partition(".")
    return ".".join(rest.split(".")[:2]) if first in logs.OWN and rest else "library"
