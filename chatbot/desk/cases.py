"""One item of the queue with all that an agent needs to judge it at a glance."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chatbot.bot import Bot
from chatbot.decide import Offer, evidence
from chatbot.redact import Redactor
from chatbot.respond import Context, answer
from chatbot.store import Store
from chatbot.store.explanations import Explanation, explain
from chatbot.store.queue import Item, Member, Queue
from chatbot.templates import choose_wording
from chatbot.types import OUT_OF_SCOPE, Answer, Hit, StoredMessage, Template

MOST_SUGGESTIONS = 9
"""As many as there are keys."""
NEAREST = 3
MOST_REMEMBERED = 64
BEFORE, AFTER = 6, 4
"""Messages of the conversation shown around the question and its reply."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A label that may be the right one. `template` is the answer that would be given with it, None: there is none."""

    intent: str
    title: str
    probability: float
    template: Template | None


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the conversation; `focus` marks the question that is to be judged and the reply to it."""

    message: StoredMessage
    focus: bool


@dataclass(frozen=True, slots=True)
class Case:
    """`why` is what was decided then; the rest is what the bot makes of the question now."""

    item: Item
    members: tuple[Member, ...]
    conversation: tuple[Said, ...]
    reply: str
    teaches: bool
    why: Explanation
    answered_with: Template | None
    action: str
    channels: tuple[tuple[str, str, float], ...]
    neighbours: tuple[Hit, ...]
    suggestions: tuple[Suggestion, ...]


def open_case(item: Item, *, store: Store, queue: Queue, bot: Bot, redactor: Redactor, reader: Reader) -> Case:
    why = explain(item.lead_turn_id, database=store.database)
    said, reply, action = _around(item, store)
    offer = bot.knowledge.offer(language=item.language, day=_today(), values={})
    now = reader.read(item, bot, redactor)
    reading = now.reading
    return Case(
        item=item,
        members=queue.members(item.id),
        conversation=said,
        reply=reply,
        teaches=not why.parts and not why.follows_up,
        why=why,
        answered_with=bot.knowledge.template(why.template_key),
        action=action,
        channels=() if reading is None else _favourites(now),
        neighbours=()
        if reading is None
        else tuple(hit for hit in reading.neighbours if hit.kind == "example")[:NEAREST],
        suggestions=_suggestions(now, why, offer),
    )


def _today() -> date:
    """The day by which customers are answered: that of the place where the server stands."""
    return date.today()


def _around(item: Item, store: Store) -> tuple[tuple[Said, ...], str, str]:
    """The messages around the item's question, its reply, and what kind of reply that was."""
    transcript, asked = store.conversations.around(item.lead_turn_id)
    at = next(number for number, message in enumerate(transcript) if message.id == asked)
    shown = transcript[max(at - BEFORE, 0) : at + 2 + AFTER]
    replied = transcript[at + 1]
    said = tuple(Said(message, message.id in (asked, replied.id)) for message in shown)
    return said, replied.text, replied.action.value if replied.action else ""


class Reader:
    """What a bot makes of questions now. Each is read once for a knowledge: the page fetches the next item ahead, and
    the answer to a verdict brings it again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: tuple[str, int] = ("", 0)
        self._given: dict[tuple[str, str, date], Answer] = {}

    def read(self, item: Item, bot: Bot, redactor: Redactor) -> Answer:
        place = item.text, item.language, _today()
        with self._lock:
            if self._of != (bot.version, bot.knowledge.revision) or len(self._given) >= MOST_REMEMBERED:
                self._of, self._given = (bot.version, bot.knowledge.revision), {}
            known = self._given.get(place)
        if known is None:
            known = _read_now(item, bot, redactor)
            with self._lock:
                if self._of == (bot.version, bot.knowledge.revision):
                    self._given[place] = known
        return known


def _read_now(item: Item, bot: Bot, redactor: Redactor) -> Answer:
    """By the encoder, so that there are neighbours to show."""
    query = redactor.redact(item.text)
    context = Context(language=item.language, day=_today())
    given = answer(query, bot, context)
    if given.reading is not None and given.reading.vector is not None:
        return given
    reading = bot.read_many([query], closely=True)[0]
    hits = bot.knowledge.search(reading.vector, language=item.language, day=context.day)
    return Answer(given.decision, given.reply, given.language, reading, hits)


def _favourites(now: Answer) -> tuple[tuple[str, str, float], ...]:
    """The favourite of each channel: (channel, intent, probability)."""
    reading = now.reading
    assert reading is not None, "it was read closely"
    return tuple(
        (name, reading.intents[int(scores.argmax())], float(scores.max())) for name, scores in reading.channels.items()
    )


def _suggestions(now: Answer, why: Explanation, offer: Offer) -> tuple[Suggestion, ...]:
    """The most probable labels; what the bot answered with is among them even if it has changed its mind."""
    if now.reading is None:
        return ()
    ranked = [(intent, probability) for intent, probability in now.reading.ranked(MOST_SUGGESTIONS + 1)]
    labels = [(intent, probability) for intent, probability in ranked if intent != OUT_OF_SCOPE][:MOST_SUGGESTIONS]
    if why.intent and why.intent != OUT_OF_SCOPE and why.intent not in dict(labels):
        labels[-1:] = [(why.intent, 0.0)]
    hits = (*now.hits, *now.reading.neighbours)
    return tuple(
        Suggestion(intent, offer.title(intent), probability, _wording(intent, hits, offer))
        for intent, probability in labels
    )


def _wording(intent: str, hits: Sequence[Hit], offer: Offer) -> Template | None:
    wording = choose_wording(offer.wordings(intent), values=offer.values, evidence=evidence(hits))
    return wording.template if wording else None
