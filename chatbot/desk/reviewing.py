"""What an agent does at the desk, and what follows: the bots learn at once, and like questions are read again."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chatbot.bot import LiveBot
from chatbot.desk.agreement import interval, kappa, kappa_of
from chatbot.desk.intake import Intake
from chatbot.desk.replaying import Replay, Replays
from chatbot.errors import ChatbotError
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.store.oversight import Oversight, Sample, Work, this_week, today
from chatbot.store.reviews import Reviewed, Reviews, Undone, Verdict
from chatbot.types import Agent

SAMPLE_DAYS = 30
"""The wrong-answer rate is that of the last so many days."""

EFFECT_SECONDS = 20.0
"""Between two looks at what today's corrections change: each asks a thousand questions again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Effect:
    """What today's corrections do to the questions of the last days."""

    corrections: int
    different: int
    better: int


@dataclass(frozen=True, slots=True)
class Progress:
    mine_today: int
    team_today: int
    taught_today: int
    open: int
    effect: Effect | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """`intents` are (label, items, kappa), those with the most items first."""

    n: int
    kappa: float | None
    intents: tuple[tuple[str, int, float | None], ...]


@dataclass(frozen=True, slots=True)
class Team:
    agents: tuple[Work, ...]
    agreement: Agreement
    disputed: int
    drafts: int
    sample: Sample
    interval: tuple[float, float] | None


class Reviewing:
    def __init__(self, *, store: Store, bots: LiveBot, intake: Intake, replays: Replays) -> None:
        self._bots = bots
        self._intake = intake
        self._replays = replays
        self.reviews = Reviews(store.database)
        self._oversight = Oversight(store.database)
        self._effect: tuple[int, Effect] | None = None  # of a revision of the knowledge
        self._looking = threading.Lock()
        self._looked_at = -EFFECT_SECONDS  # of a clock that nobody puts back

    def decide(
        self,
        agent: Agent,
        item_id: int,
        verdict: Verdict,
        *,
        without: Collection[str] = (),
        seen: Collection[str] | None = None,
        key: str | None = None,
    ) -> Reviewed:
        """As Reviews.decide, and the bot learns it."""
        reviewed = self.reviews.decide(agent, item_id, verdict, without=without, seen=seen, key=key)
        self.learned(reviewed.taught)
        return reviewed

    def decide_many(
        self, agent: Agent, item_ids: Sequence[int], verdict: Verdict, *, key: str | None = None
    ) -> tuple[str, list[Reviewed], list[tuple[int, str]]]:
        """The batch's name, what was decided, and what was refused with the reason; `key` as Reviews.decide has it."""
        batch = secrets.token_urlsafe(12)
        done, refused = self.reviews.decide_many(agent, item_ids, verdict, batch=batch, key=key)
        self.learned([text for reviewed in done for text in reviewed.taught])
        return (done[0].batch if done else None) or batch, done, refused

    def undo(self, agent: Agent, *, key: str | None = None) -> Undone:
        """`key` as Reviews.undo has it."""
        undone = self.reviews.undo(agent, key=key)
        self.learned(undone.texts)
        return undone

    def preview(self, item_ids: Sequence[int], verdict: Verdict) -> Replay:
        """What a verdict on these items would change in the answers of the last days."""
        examples = self.reviews.lessons_of(item_ids, verdict)
        return self._replays.replay(Changes(examples=examples), bot=self._bots.current())

    def progress(self, agent: Agent) -> Progress:
        since = today()
        return Progress(
            mine_today=self._oversight.decided(since=since, agent_id=agent.id),
            team_today=self._oversight.decided(since=since),
            taught_today=self._oversight.taught(since=since),
            open=self._oversight.open(),
            effect=self._newest_effect(),
        )

    def team(self) -> Team:
        now = today()
        sample = self._oversight.sample(since=now - timedelta(days=SAMPLE_DAYS))
        return Team(
            agents=self._oversight.work(day=now, week=this_week()),
            agreement=agreement(self._oversight.pairs()),
            disputed=self._oversight.disputed(),
            drafts=self._oversight.drafts(),
            sample=sample,
            interval=interval(sample.wrong, sample.reviewed),
        )

    def learned(self, texts: Sequence[str]) -> None:
        """Take up what was taught: nobody waits for it here, and the next customer hardly does."""
        self._bots.renew()
        self._intake.wake(texts)

    def _newest_effect(self) -> Effect | None:
        """What was found last; a newer look is begun beside the caller when the knowledge has changed since."""
        bot = self._bots.current()
        known = self._effect
        if known is not None and known[0] == bot.knowledge.revision:
            return known[1]
        waited = time.monotonic() - self._looked_at >= EFFECT_SECONDS
        if waited and self._looking.acquire(blocking=False):
            try:
                threading.Thread(target=self._look, name="effect", daemon=True).start()
            except RuntimeError:  # no more threads now
                self._looking.release()
        return known[1] if known is not None else None

    def _look(self) -> None:
        try:
            bot, since = self._bots.current(), today()
            before = self.reviews.taught_since(since)
            found = Effect(0, 0, 0)
            if before:
                self._looked_at = time.monotonic()
                # Supposing that they had not been made: what that would make worse is what they made better.
                replay = self._replays.replay(Changes(examples=before), bot=bot, taking_back=True)
                found = Effect(self._oversight.decided(since=since), replay.different, replay.worse)
            self._effect = bot.knowledge.revision, found
        except ChatbotError as error:  # the next to ask begins anew
            _log.warning("the effect of the corrections was not worked out: %s", error)
        finally:
            self._looking.release()


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    labels = {label for pair in pairs for label in pair}
    counted = [(label, sum(label in pair for pair in pairs), kappa_of(label, pairs)) for label in labels]
    counted.sort(key=lambda entry: (-entry[1], entry[0]))
    return Agreement(len(pairs), kappa(pairs), tuple(counted))
