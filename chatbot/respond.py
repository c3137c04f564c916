"""The answer path: read this file first.

`respond` is what a page or an API calls for each message. `answer` is pure: serving, evaluation and the gate of
retraining all call this one, so that what is measured is what is served.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from chatbot.bot import Bot
from chatbot.decide import Offer, decide, settle
from chatbot.errors import NotFound
from chatbot.phrases import handoff_phrase, phrase
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.conversations import new_id
from chatbot.templates import choose_wording, render
from chatbot.text import language_of
from chatbot.types import (
    HANDOFF_INTENT,
    Action,
    Answer,
    Decision,
    Exchange,
    Hit,
    Message,
    Reason,
    Redacted,
    Turn,
)

FEW_WORDS = 3
"""So many words beside a value that was asked for say nothing new: "it is JP-482913"."""

_MASK = re.compile(r"\[[a-z]+\]")


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides the words: the customer's values in this message, clicks, and the turn before.

    `asked_template` and `asked_variable` are set when the bot's last reply asked for a value.
    """

    language: str
    day: date
    values: Mapping[str, str] = field(default_factory=dict)
    choice: str | None = None
    wants_person: bool = False
    asked_template: str | None = None
    asked_variable: str | None = None


def respond(message: Message, *, bot: Bot, store: Store, redactor: Redactor) -> Exchange:
    """Answer one message and store the turn; raises NotFound for an unknown conversation or a choice never offered.

    A repeated idempotency key answers with what was stored the first time.
    """
    started = time.perf_counter()
    repeated = store.conversations.by_key(message.conversation_id, message.key)
    if repeated:
        return repeated
    facts = redactor.facts(message.text)
    context = _context(message, facts, store=store)
    query = redactor.redact(message.text)
    given = answer(query, bot, context)
    turn = Turn(
        id=new_id(),
        conversation_id=message.conversation_id,
        message_id=new_id(),
        reply_id=new_id(),
        query=query,
        answer=given,
        reply=redactor.kept(given.reply, facts),
        model_version=bot.version,
        knowledge_revision=bot.knowledge.revision,
        latency_ms=(time.perf_counter() - started) * 1000,
        created_at=datetime.now(UTC),
        key=message.key,
    )
    stored = store.save_turn(turn)
    # Live, the customer reads their own order number; what is kept of it is masked.
    return stored if stored.repeated else replace(stored, replied=replace(stored.replied, text=given.reply))


def answer(query: Redacted, bot: Bot, context: Context) -> Answer:
    """What to say to a message, with everything behind it. No clock, no store: the same input, the same answer."""
    offer = bot.knowledge.offer(language=context.language, day=context.day, values=context.values)
    if context.wants_person:
        return _said(Decision(Action.HANDOFF, Reason.ASKED_FOR_PERSON, 1.0), offer)
    if context.choice:
        reading = bot.read(query)
        hits = bot.knowledge.search(reading.vector, language=context.language, day=context.day)
        decision = settle(context.choice, 1.0, Reason.CHOSEN, hits=(*hits, *reading.neighbours), offer=offer)
        return _said(decision, offer, hits=hits)
    completed = _completed(query, bot, context, offer)
    if completed:
        return _said(completed, offer)
    if not any(character.isalnum() for character in query.text):
        return _said(Decision(Action.CLARIFY, Reason.NOT_UNDERSTOOD, 0.0), offer)
    reading = bot.read(query)
    hits = bot.knowledge.search(reading.vector, language=context.language, day=context.day)
    decision = decide(reading, hits, policy=bot.policy, offer=offer)
    return replace(_said(decision, offer, hits=hits), reading=reading)


def _context(message: Message, facts: Mapping[str, str], *, store: Store) -> Context:
    asked = store.conversations.last_asked(message.conversation_id)
    conversation = store.conversations.get(message.conversation_id)
    if message.choice is not None and not store.conversations.offered(message.conversation_id, message.choice):
        raise NotFound(f'"{message.choice[:64]}" was not offered in this conversation')
    return Context(
        language=language_of(message.text, conversation.language),
        day=date.today(),
        values=facts,
        choice=message.choice,
        wants_person=message.wants_person,
        asked_template=asked.template_key,
        asked_variable=asked.variable,
    )


def _completed(query: Redacted, bot: Bot, context: Context, offer: Offer) -> Decision | None:
    """The answer whose missing value was asked for and has just been given, unless the customer now wants another."""
    if context.asked_variable is None or not context.values.get(context.asked_variable):
        return None
    template = bot.knowledge.template(context.asked_template)
    if template is None:
        return None
    wording = choose_wording([template], values=offer.values, evidence={})
    if wording is None or wording.missing or not template.valid_on(context.day):
        return None
    if len(_MASK.sub(" ", query.text).split()) > FEW_WORDS:
        intent, probability = bot.read(query).ranked(1)[0]
        if intent != template.intent and probability >= 0.5:
            return None
    return Decision(Action.ANSWER, Reason.COMPLETED, 1.0, template.intent, template)


def _said(decision: Decision, offer: Offer, hits: tuple[Hit, ...] = ()) -> Answer:
    return Answer(decision, reply=_reply(decision, offer), language=offer.language, hits=hits)


def _reply(decision: Decision, offer: Offer) -> str:
    """The words for a decision; those of an answer come from its template alone."""
    if decision.action is Action.ANSWER and decision.template:
        return render(decision.template, offer.values)
    if decision.asks_for:
        return phrase(f"ask.{decision.asks_for}", offer.language)
    if decision.reason is Reason.NOT_UNDERSTOOD:
        return phrase("not_understood", offer.language)
    if decision.action is Action.CLARIFY:
        return phrase("clarify" if len(decision.choices) > 1 else "clarify.one", offer.language)
    wording = choose_wording(offer.wordings(HANDOFF_INTENT), values=offer.values, evidence={})
    if wording and not wording.missing and decision.reason is not Reason.ASKED_FOR_PERSON:
        return render(wording.template, offer.values)
    return handoff_phrase(decision.reason, offer.language)
