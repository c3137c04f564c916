"""Drift of a running shop: the questions of the last weeks beside the examples, found for whoever looks and kept."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from chatbot.bot import Bot, LiveBot
from chatbot.desk.drift import (
    CHANCE,
    MOST_ROWS,
    WEEK,
    Drift,
    Topic,
    answers_less,
    at_least,
    exposure,
    less_sure,
    lot,
    rising,
    samples_of,
    weekly,
)
from chatbot.desk.gaps import heaped
from chatbot.desk.intake import vectors_by_key
from chatbot.errors import ChatbotError
from chatbot.store import Store
from chatbot.store.incoming import Incoming, incoming_since
from chatbot.store.unanswered import OpenQuestion
from chatbot.text import text_key
from chatbot.types import Vector

DEFAULT_WEEKS = 8
MOST_TURNS = 60_000
MOST_READ = 500
"""Distinct questions of the week, and as many of before, that are compared with the examples: drawn at random."""

FAR = 0.6
"""Cosine to the nearest example below which a question is far from all of them."""

LEAST_OF_TOPIC = 3
KEPT_SECONDS = 600.0
RENEWED_SECONDS = 3600.0

_log = logging.getLogger(__name__)


def find_drift(bot: Bot, *, store: Store, weeks: int, now: datetime | None = None) -> Drift:
    now = now or datetime.now(UTC)
    asked = incoming_since(now - weeks * WEEK, database=store.database, most=MOST_TURNS)
    recent = [one for one in asked if one.at > now - WEEK]
    earlier = asked[len(recent) :]
    background = [example.text for example in bot.knowledge.examples.values()]
    mine, theirs = far_from_examples(recent, bot, store), far_from_examples(earlier, bot, store)
    return Drift(
        weeks=weekly(asked, weeks=weeks, now=now),
        rising=rising(recent, earlier),
        topics=topics(mine, theirs, background, share=exposure(len(recent), len(earlier))),
        far=mine.share,
        far_before=theirs.share,
        far_samples=samples_of(mine.far),
        answers_less=answers_less(recent, earlier),
        less_sure=less_sure(recent, earlier),
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """`far` of those that were compared, each as often as it was asked, with their vectors by text key; `share` counts
    distinct ones. The vectors are kept nowhere: what was said to the bot may have to be erased."""

    far: tuple[Incoming, ...]
    share: float | None
    vectors: Mapping[str, Vector]


def far_from_examples(asked: Sequence[Incoming], bot: Bot, store: Store) -> Compared:
    by_key: dict[str, list[Incoming]] = defaultdict(list)
    for one in asked:
        by_key[text_key(one.text)].append(one)
    drawn = sorted(by_key, key=lot)[:MOST_READ]
    if not drawn or not bot.knowledge.examples:
        return Compared((), None, {})
    texts = [by_key[key][0].text for key in drawn]
    vectors = vectors_by_key(texts, store=store, encoder=bot.encoder)
    nearest = bot.knowledge.neighbours(texts, np.stack([vectors[key] for key in drawn]), 1)
    far = [key for key, hits in zip(drawn, nearest, strict=True) if not hits or hits[0].similarity < FAR]
    found = tuple(one for key in far for one in by_key[key])
    return Compared(found, len(far) / len(drawn), {key: vectors[key] for key in far})


def topics(mine: Compared, theirs: Compared, background: Sequence[str], *, share: float) -> tuple[Topic, ...]:
    """Heaps of far questions that are new or have clearly grown, the largest first. `share` of all questions are of
    this week; `background` tells which letters are common."""
    if not mine.far:
        return ()
    grouped: dict[str, list[Incoming]] = defaultdict(list)
    for one in (*mine.far, *theirs.far):
        grouped[text_key(one.text)].append(one)
    groups = list(grouped.values())
    questions = [
        OpenQuestion(place, group[0].text, group[0].language, tuple(one.at for one in group))
        for place, group in enumerate(groups)
    ]
    vectors = np.stack([mine.vectors[key] if key in mine.vectors else theirs.vectors[key] for key in grouped])
    recent = {id(one) for one in mine.far}
    found = []
    for heap in heaped(questions, vectors, background):
        members = [one for place in heap for one in groups[place]]
        new = [one for one in members if id(one) in recent]
        if len(new) >= LEAST_OF_TOPIC and at_least(len(new), len(members), share) < CHANCE:
            found.append(Topic(len(new), len(members) - len(new), samples_of(new)))
    return tuple(sorted(found, key=lambda topic: (-topic.now, topic.samples))[:MOST_ROWS])


class Drifts:
    """What was found, for ten minutes. `clock` gives seconds that only grow."""

    def __init__(self, *, bots: LiveBot, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._bots = bots
        self._store = store
        self._clock = clock
        self._finding = threading.Lock()
        self._found: dict[int, tuple[float, Drift]] = {}
        self._newest: Drift | None = None
        self._renewed_at = -math.inf

    def of(self, weeks: int) -> Drift:
        with self._finding:
            known = self._found.get(weeks)
            if known is not None and self._clock() - known[0] < KEPT_SECONDS:
                return known[1]
            found = find_drift(self._bots.current(), store=self._store, weeks=weeks)
            self._found = {weeks: (self._clock(), found)}  # one of them: questions are not kept for long
            self._newest = found
            return found

    def newest(self) -> Drift | None:
        """What was found last; found anew beside the caller where that is an hour old."""
        now = self._clock()
        if now - self._renewed_at >= RENEWED_SECONDS:
            self._renewed_at = now
            threading.Thread(target=self._renew, name="drift", daemon=True).start()
        return self._newest

    def _renew(self) -> None:
        try:
            self.of(DEFAULT_WEEKS)
        except ChatbotError as error:
            self._renewed_at = -math.inf  # no model yet, a busy database: at the next look
            _log.warning("drift was not found: %s", error)
        except Exception as error:
            _log.error("drift was not found: %s", type(error).__name__)
