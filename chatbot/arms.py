"""Which version answers which conversation: the active one, unless an experiment runs. Both channels go through here.

What experiments there are stands in the database; one thread looks there every two seconds, so that a message costs no
question, every server takes part, and a restart goes on where it was.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from chatbot.bot import PATIENCE_SECONDS, Bot, LiveBot
from chatbot.errors import ChatbotError, NotFound, Overloaded, StoreError
from chatbot.experiment import Comparison, Experiment, Finding, Mode, Tally, compare, is_candidates
from chatbot.redact import Redactor
from chatbot.registry import OneVersion, Registry
from chatbot.respond import Context, Told, respond
from chatbot.shadow import Shadow
from chatbot.store import Store
from chatbot.store.conversations import Standing
from chatbot.store.experiments import Experiments
from chatbot.types import Conversation, Exchange, Message, Turn

LOOKED_EVERY = 2.0
"""Seconds until an experiment that was started or stopped elsewhere takes effect here."""

JUDGED_EVERY = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """An experiment with its figures as they were last counted. `comparison` is None for a shadow."""

    experiment: Experiment
    candidate: Tally
    other: Tally
    disagreements: int
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class _Running:
    experiment: Experiment
    bots: LiveBot
    shadow: Shadow | None


class Arms:
    """Without a `registry` there are no experiments. `told` hears of each turn that was stored."""

    def __init__(
        self,
        *,
        bots: LiveBot,
        store: Store,
        redactor: Redactor,
        registry: Registry | None = None,
        threads: int = 0,
        told: tuple[Told, ...] = (),
    ) -> None:
        self.bots = bots
        self._store = store
        self._redactor = redactor
        self._registry = registry
        self._threads = threads
        self._told = told
        self._experiments = Experiments(store.database)
        self._now: _Running | None = None
        self._changing = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._judged_at = -JUDGED_EVERY
        self.state: State | None = None

    # --- Customers -----------------------------------------------------------------------------------------------

    def respond(self, message: Message, conversation: Conversation, standing: Standing | None = None) -> Exchange:
        """As `respond.respond`, by the version whose turn it is. A candidate that fails is gone, and its customer is
        answered by the active version."""
        running = self._now
        if running is not None and is_candidates(conversation, running.experiment):
            try:
                return self._respond(message, running.bots.current(), standing)
            except (NotFound, StoreError, Overloaded):
                raise
            except Exception as error:
                self._end(running, f"it failed on a message: {type(error).__name__}")
        return self._respond(message, self.bots.current(), standing)

    def _respond(self, message: Message, bot: Bot, standing: Standing | None) -> Exchange:
        return respond(message, bot=bot, store=self._store, redactor=self._redactor, standing=standing, told=self._tell)

    def _tell(self, turn: Turn, context: Context) -> None:
        running = self._now
        hearers = self._told if running is None or running.shadow is None else (*self._told, running.shadow.ask)
        for told in hearers:
            try:
                told(turn, context)
            except Exception as error:  # the customer has a reply, whatever becomes of our figures
                _log.error("turn %s was not counted: %s", turn.id, type(error).__name__)

    @property
    def shadow_waiting(self) -> int:
        running = self._now
        return 0 if running is None or running.shadow is None else running.shadow.waiting

    @property
    def running(self) -> Experiment | None:
        """The experiment that this process takes part in."""
        return None if self._now is None else self._now.experiment

    # --- The experiment ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look for experiments, beside the caller."""
        if self._registry is None or self._thread is not None:
            return
        self._stopped.clear()
        self._thread = threading.Thread(target=self._watch, name="arms", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_SECONDS)
            self._thread = None
        self._let_go(None)

    def __enter__(self) -> Arms:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _watch(self) -> None:
        while not self._stopped.is_set():
            try:
                self.look()
            except ChatbotError as error:  # a busy database, no model yet
                _log.warning("experiments were not looked at: %s", error)
            except Exception as error:
                _log.error("looking at experiments failed: %s", type(error).__name__)
            self._stopped.wait(LOOKED_EVERY)

    def look(self) -> None:
        """Take up or let go what was started or stopped, and judge from time to time."""
        wanted, running = self._experiments.running(), self._now
        if wanted is None:
            self._let_go(running)
        elif running is None or running.experiment.id != wanted.id:
            self._let_go(running)
            self._take_up(wanted)
        running = self._now
        if running is not None and self._is_current(running):
            now = time.monotonic()
            if now - self._judged_at >= JUDGED_EVERY:
                self._judged_at = now
                self._judge(running)

    def _take_up(self, experiment: Experiment) -> None:
        """Load the candidate beside the customers; one that cannot be loaded ends its experiment."""
        assert self._registry is not None, "there is an experiment"
        is_shadow = experiment.mode is Mode.SHADOW
        only = OneVersion(self._registry.root, self._store.versions, experiment.candidate)
        threads = 1 if is_shadow else self._threads
        bots = LiveBot(only, self._store.knowledge, threads=threads, patience=PATIENCE_SECONDS)
        running = _Running(experiment, bots, None)
        try:
            bots.current()
        except StoreError:
            raise
        except Exception as error:
            why = str(error) if isinstance(error, ChatbotError) else type(error).__name__
            self._end(running, f"it cannot be loaded: {why}")
            return
        if is_shadow:
            shadow = Shadow(
                experiment, bots=bots, experiments=self._experiments, gave_up=lambda why: self._end(running, why)
            )
            shadow.start()
            running = _Running(experiment, bots, shadow)
        self._judged_at = -JUDGED_EVERY
        with self._changing:
            self._now = running
        _log.info("experiment %d: %s with version %s", experiment.id, experiment.mode, experiment.candidate)

    def _is_current(self, running: _Running) -> bool:
        """An experiment is about two versions: with another active one it means nothing any more."""
        assert self._registry is not None, "there is an experiment"
        active, experiment = self._registry.active_name(), running.experiment
        if active == experiment.active:
            return True
        if active == experiment.candidate:
            self._end(running, "it is the active version now")
        else:
            self._end(running, f"the active version is {active} now and was {experiment.active}")
        return False

    def _judge(self, running: _Running) -> None:
        state = self.state = read_state(running.experiment, self._experiments)
        if state.comparison is not None and state.comparison.finding is Finding.WORSE:
            self._end(
                running,
                f"clearly worse: {state.candidate.bad} of {state.candidate.conversations} conversations went badly, "
                f"against {state.other.bad} of {state.other.conversations}",
            )

    def _end(self, running: _Running, why: str) -> None:
        """For every server: here at once, elsewhere at their next look."""
        experiment = running.experiment
        _log.warning("experiment %d with version %s ends: %s", experiment.id, experiment.candidate, why)
        self._let_go(running)
        try:
            self._experiments.end(experiment.id, why=why)
        except ChatbotError as error:  # the next look takes it up again, and it fails again
            _log.warning("the end of experiment %d was not recorded: %s", experiment.id, error)

    def _let_go(self, running: _Running | None) -> None:
        """The candidate's memory is free as soon as the last message that it answers is done."""
        with self._changing:
            gone, self._now = self._now, None
        self.state = None
        for one in {id(each): each for each in (running, gone) if each is not None}.values():
            if one.shadow is not None:
                one.shadow.stop()


def read_state(experiment: Experiment, experiments: Experiments) -> State:
    """Counted now."""
    if experiment.mode is Mode.SHADOW:
        fresh = experiments.newest()
        current = fresh if fresh is not None and fresh.id == experiment.id else experiment
        return State(current, Tally(), Tally(), experiments.disagreements(experiment), None)
    candidate, other = experiments.tallies(experiment)
    return State(experiment, candidate, other, 0, compare(candidate, other, share=experiment.share))
