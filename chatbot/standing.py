"""What stands at the moment somebody looks, for /metrics: the model, the queues, the experiment, drift, memory.

What costs a question to the database is told again for ten seconds and then read anew beside whoever looks.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chatbot.arms import Arms, State
from chatbot.batcher import BatchingEncoder
from chatbot.bot import Bot, LiveBot
from chatbot.errors import ChatbotError
from chatbot.store.engine import Database
from chatbot.store.figures import Figures, read_figures
from chatbot.types import Action

KEPT_SECONDS = 10.0

_MEMORY = Path("/proc/self/statm")
_OUTCOMES = ("conversations", "bad", "handed_off", "wrong", "asked_back", "disliked")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drifted:
    """The newest whole week of questions, as desk/drift.py finds it. Shares from 0 to 1."""

    questions: int
    answered: float
    certainty: float | None
    far: float
    rising: int
    new_topics: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """`bot` is held weakly: figures that nobody asks for keep no old version in memory."""

    figures: Figures | None
    bot: Callable[[], Bot | None]
    drifted: Drifted | None
    ready: bool


class Standing(Collector):
    """`drifted` gives what was found last, or None, and `ready` what /readyz would say; both are asked beside whoever
    looks."""

    def __init__(
        self,
        *,
        arms: Arms,
        database: Database,
        drifted: Callable[[], Drifted | None],
        ready: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arms = arms
        self._database = database
        self._drifted = drifted
        self._ready = ready
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = _Seen(None, lambda: None, None, False)
        self._read_at: float | None = None
        self._reading = False

    def describe(self) -> Iterable[Metric]:
        """Registering asks nobody anything."""
        return ()

    def collect(self) -> Iterator[Metric]:
        seen = self._newest()
        yield from program_metrics()
        yield _gauge("chatbot_ready", "Whether customers can be answered, as /readyz says it", seen.ready)
        yield from model_metrics(self._arms.bots, seen.bot())
        if self._arms.running is not None:
            yield from experiment_metrics(self._arms.state, self._arms.shadow_waiting)
        yield _gauge("chatbot_database_up", "Whether the database could be read", seen.figures is not None)
        if seen.figures is not None:
            yield from figure_metrics(seen.figures)
        if seen.drifted is not None:
            yield from drift_metrics(seen.drifted)

    def _newest(self) -> _Seen:
        """At most so old; only the first one to look waits."""
        with self._lock:
            now, first = self._clock(), self._read_at is None
            if self._reading or (self._read_at is not None and now - self._read_at < KEPT_SECONDS):
                return self._seen
            self._reading, self._read_at = True, now
        if first:
            self._read()
        else:
            threading.Thread(target=self._read, name="figures", daemon=True).start()
        return self._seen

    def _read(self) -> None:
        figures, bot, drifted, ready = None, None, None, False
        try:
            ready = self._ready()
            bot = self._arms.bots.current()
            figures = read_figures(self._database, now=datetime.now(UTC))
            drifted = self._drifted()
        except ChatbotError as error:
            _log.warning("some figures were not read: %s", error)
        except Exception as error:  # the others are told all the same; chatbot_database_up says that some are missing
            _log.error("some figures were not read: %s", type(error).__name__)
        finally:
            with self._lock:
                held = (lambda: None) if bot is None else weakref.ref(bot)
                self._seen, self._reading = _Seen(figures, held, drifted, ready), False


def program_metrics() -> Iterator[Metric]:
    yield _info("chatbot_build", "The program", version=version("service-chatbot"))
    yield _gauge("chatbot_resident_memory_bytes", "Memory of this process", resident_bytes())
    yield _gauge("chatbot_threads", "Threads of this process", threading.active_count())


def model_metrics(bots: LiveBot, bot: Bot | None) -> Iterator[Metric]:
    yield _gauge("chatbot_degraded", "Whether another version than the promoted one answers", bots.trouble is not None)
    if bot is None:
        return
    knowledge, encoder = bot.knowledge, bot.encoder
    yield _info("chatbot_model", "The version that answers", version=bot.version)
    yield _gauge("chatbot_knowledge_revision", "Revision of the knowledge in use", knowledge.revision)
    examples = sum(number > 0 for number in knowledge.examples)  # below are the titles of intents
    yield _gauge("chatbot_examples", "Approved examples in use", examples)
    yield _gauge("chatbot_templates", "Approved answers in use", len(knowledge.templates))
    if isinstance(encoder, BatchingEncoder):
        yield _gauge("chatbot_encoder_waiting", "Messages that wait for the encoder", encoder.waiting)


def figure_metrics(figures: Figures) -> Iterator[Metric]:
    replies = {action.value: figures.actions.get(action, 0) for action in Action}
    yield _labelled("chatbot_day_replies", "Replies of the last 24 hours", "action", replies)
    total = sum(figures.actions.values())
    if total:
        answered = figures.actions.get(Action.ANSWER, 0) / total
        handed_off = figures.actions.get(Action.HANDOFF, 0) / total
        yield _gauge("chatbot_day_automation_share", "Share of answers in the last 24 hours", answered)
        yield _gauge("chatbot_day_handoff_share", "Share of hand-offs in the last 24 hours", handed_off)
    if figures.probability is not None:
        told = "Mean calibrated probability of being right, of the answers of the last 24 hours"
        yield _gauge("chatbot_day_answer_probability", told, figures.probability)
    yield _gauge("chatbot_turns_not_taken_in", "Turns the review queue has not looked at", figures.not_taken_in)
    yield _labelled("chatbot_review_items", "Items of the review queue", "status", {"open": 0, **figures.items})
    yield _labelled("chatbot_votes", "Customers' votes that are kept", "verdict", figures.votes)
    yield _labelled("chatbot_reviews", "Agents' verdicts that stand", "verdict", figures.reviews)
    times = {event: at.timestamp() for event, at in figures.events.items()}
    yield _labelled("chatbot_model_event_timestamp_seconds", "When this last happened to a version", "event", times)


def experiment_metrics(state: State | None, waiting: int) -> Iterator[Metric]:
    yield _gauge("chatbot_shadow_waiting", "Messages that the silent version has not answered yet", waiting)
    if state is None:
        return
    experiment = state.experiment
    yield _info("chatbot_experiment", "What runs", mode=experiment.mode.value, version=experiment.candidate)
    counts = CounterMetricFamily("chatbot_shadow_messages", "Messages for the silent version", labels=("outcome",))
    for outcome in ("compared", "dropped", "failed"):
        counts.add_metric((outcome,), getattr(experiment, outcome))
    yield counts
    yield _gauge("chatbot_shadow_disagreements", "Messages with another reply than was given", state.disagreements)
    if state.comparison is None:
        return
    arms = GaugeMetricFamily("chatbot_arm_conversations", "Conversations, by arm", labels=("arm", "outcome"))
    for arm, tally in (("candidate", state.candidate), ("active", state.other)):
        for outcome in _OUTCOMES:
            arms.add_metric((arm, outcome), getattr(tally, outcome))
    yield arms
    bounds = {"low": state.comparison.low, "high": state.comparison.high}
    yield _labelled("chatbot_arm_ratio", "Bounds of the candidate's bad rate over the active one's", "bound", bounds)


def drift_metrics(drifted: Drifted) -> Iterator[Metric]:
    yield _gauge("chatbot_week_questions", "Questions of the last seven days", drifted.questions)
    yield _gauge("chatbot_week_answered_share", "Share of them that got an answer", drifted.answered)
    if drifted.certainty is not None:
        yield _gauge("chatbot_week_certainty", "Mean calibrated probability over them", drifted.certainty)
    yield _gauge("chatbot_week_far_share", "Share of them far from all that is known", drifted.far)
    yield _gauge("chatbot_week_rising_intents", "Intents that are asked for clearly more often", drifted.rising)
    yield _gauge("chatbot_week_new_topics", "Heaps of questions about something new", drifted.new_topics)


def resident_bytes() -> float:
    """Not a number where the system does not tell: only Linux does so in this form."""
    try:
        return float(int(_MEMORY.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, IndexError):
        return float("nan")


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=float(value))


def _info(name: str, told: str, **labels: str) -> Metric:
    """Prometheus' way to tell a name: a gauge of 1 that has it as a label."""
    family = GaugeMetricFamily(f"{name}_info", told, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), 1.0)
    return family


def _labelled(name: str, told: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=(label,))
    for key, value in sorted(values.items()):
        family.add_metric((str(key),), float(value))
    return family
