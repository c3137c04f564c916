"""A review desk with an agent who is always right: one bot, one queue in a real database, and nobody's page."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.draws import Labelled
from benchmarks.trained import first_message
from chatbot.bot import Bot, LiveBot
from chatbot.desk.intake import Intake
from chatbot.encoder import Encoder
from chatbot.respond import answer
from chatbot.store.conversations import new_id
from chatbot.store.queue import Filters, Item, Queue
from chatbot.store.reviews import Reviews, Verdict
from chatbot.text import text_key
from chatbot.types import OUT_OF_SCOPE, Agent, Judgement, Role, Turn, Vector
from chatbot.types import Verdict as Thumb
from chatbot.wiring import House

WEEK = timedelta(days=7)
MOST_ITEMS = 1_000_000
PATIENCE = 60.0
"""Seconds for like questions to be read again."""


class Remembering:
    """An encoder that reads no text twice."""

    def __init__(self, encoder: Encoder, memory: dict[str, Vector]) -> None:
        self._encoder = encoder
        self._memory = memory
        self.fingerprint = encoder.fingerprint
        self.dimension = encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vector:
        new = [text for text in dict.fromkeys(texts) if self._key(text) not in self._memory]
        if new:
            self._memory.update(zip(map(self._key, new), self._encoder.encode(new), strict=True))
        found = [self._memory[self._key(text)] for text in texts]
        return np.stack(found) if found else np.empty((0, self.dimension), np.float32)

    def _key(self, text: str) -> str:
        return f"{self.fingerprint} {text}"


class RememberingBots(LiveBot):
    """Bots that share what was read; else as they serve."""

    def __init__(self, house: House, memory: dict[str, Vector]) -> None:
        super().__init__(house.registry, house.store.knowledge, threads=house.settings.threads)
        self._memory = memory

    def current(self) -> Bot:
        bot = super().current()
        return replace(bot, encoder=Remembering(bot.encoder, self._memory))


@dataclass(frozen=True, slots=True)
class Desk:
    """`truth` is the intent of each question by its text key."""

    house: House
    bots: RememberingBots
    intake: Intake
    queue: Queue
    reviews: Reviews
    agent: Agent
    truth: Mapping[str, str]

    @classmethod
    def of(cls, house: House, memory: dict[str, Vector], asked: Iterable[Labelled]) -> Desk:
        store, bots = house.store, RememberingBots(house, memory)
        found = store.agents.by_name("Oracle")
        agent = found or store.agents.add("Oracle", role=Role.AGENT, password_hash="-", by="benchmark")
        intake = Intake(
            store=store, bots=bots, redactor=house.redactor, audit_share=house.settings.audit_share, second_share=0.0
        )
        truth = {text_key(house.redactor.redact(row.text).text): row.intent for row in asked}
        return cls(house, bots, intake, Queue(store.database), Reviews(store.database), agent, truth)

    def take_in(self, asked: Sequence[Labelled], *, complain: bool = False) -> None:
        """All messages, spread over the week before now; with `complain` each has a thumb down."""
        store, bot, start = self.house.store, self.bots.current(), datetime.now(UTC) - WEEK
        conversation = store.conversations.create(language="en", channel="benchmark").id
        for number, row in enumerate(asked):
            query = self.house.redactor.redact(row.text)
            given = answer(query, bot, first_message())
            exchange = store.save_turn(
                Turn(
                    id=new_id(),
                    conversation_id=conversation,
                    message_id=new_id(),
                    reply_id=new_id(),
                    query=query,
                    answer=given,
                    reply=self.house.redactor.redact(given.reply),
                    model_version=bot.version,
                    knowledge_revision=bot.knowledge.revision,
                    latency_ms=0.0,
                    created_at=start + WEEK * (number / len(asked)),
                )
            )
            if complain:
                store.conversations.give_feedback(exchange.replied.id, conversation_id=conversation, verdict=Thumb.DOWN)
        self.intake.run()

    def by_value(self) -> Iterator[Item]:
        while (item := self.queue.lease_next(self.agent, Filters())) is not None:
            yield item

    def open_items(self) -> list[Item]:
        return list(self.queue.page(self.agent, Filters(), limit=MOST_ITEMS).items)

    def at_random(self, seed: int) -> Iterator[Item]:
        items = self.open_items()
        random.Random(seed).shuffle(items)
        for item in items:
            yield self.queue.lease(self.agent, item.id)

    def decide(self, item: Item, *, rereads: bool) -> str:
        """The right label, to those of the group that have it; `rereads` is for whom the order depends on it."""
        intent = self.truth[item.text_key]
        others = [member.turn_id for member in self.queue.members(item.id) if self.truth[member.text_key] != intent]
        judgement = Judgement.OUT_OF_SCOPE if intent == OUT_OF_SCOPE else Judgement.RELABEL
        reviewed = self.reviews.decide(self.agent, item.id, Verdict(judgement, intent), without=others)
        if rereads:
            self.intake.wake(reviewed.taught)
            self.intake.settled(PATIENCE)
        return intent
