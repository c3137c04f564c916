"""What happens in this process in numbers, counted as it happens. No number carries anybody's words.

docs/monitoring.md tells what each means; `standing` adds what the database and the model know.
"""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from chatbot.respond import Context
from chatbot.types import Action, Reading, Turn

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
AREAS = ("api", "page", "desk", "other")
STAGES = ("answer", "store", "whole")

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
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
            "Time of a message: answer (redaction, model, decision), store, and both",
            _SECONDS,
            "stage",
        )
        self._request_seconds = self._histogram(
            "chatbot_http_request_seconds", "Time until the whole response was sent", _SECONDS, "area"
        )
        self._probability = self._histogram(
            "chatbot_answer_probability",
            "Calibrated probability of being right, of replies that were answers",
            _PROBABILITIES,
        )
        for area in AREAS:
            self._errors.labels(area)  # an alarm needs the 0 from before the first one
        self._stages = {stage: self._seconds.labels(stage) for stage in STAGES}

    def told(self, turn: Turn, context: Context) -> None:
        """After a turn was stored."""
        del context
        decision = turn.answer.decision
        self._messages.labels(decision.action, decision.reason, _how(turn.answer.reading), turn.model_version).inc()
        answering = turn.latency_ms / 1000
        storing = max((datetime.now(UTC) - turn.created_at).total_seconds(), 0.0)
        for stage, seconds in zip(STAGES, (answering, storing, answering + storing), strict=True):
            self._stages[stage].observe(seconds)
        if decision.action is Action.ANSWER:
            self._probability.observe(decision.probability)

    def requested(self, area: str, status: int, seconds: float) -> None:
        self._requests.labels(area, str(status)).inc()
        self._request_seconds.labels(area).observe(seconds)
        if status >= 500 and status != 503:  # "try again in a moment" is said on purpose
            self._errors.labels(area).inc()

    def refused(self, name: str) -> None:
        """The page answers 200 with a sentence whatever happened, so its refusals are counted by name."""
        self._refusals.labels(name).inc()
        if name == "unexpected":
            self._errors.labels("page").inc()

    def text(self) -> bytes:
        """Without the time when each series began: as many lines again that nobody reads."""
        lines = generate_latest(self.registry).split(b"\n")
        return b"\n".join(line for line in lines if b"_created" not in line.partition(b"{")[0])

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, told, labels, buckets=buckets, registry=self.registry)


def _how(reading: Reading | None) -> str:
    if reading is None:
        return "none"
    return "glance" if reading.vector is None else "encoder"
