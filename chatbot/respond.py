"""The answer path: read this file first.

`respond` is what a page or an API calls for each message. `answer` is pure: serving, evaluation and the gate of
retraining all call this one, so that what is measured is what is served.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from chatbot import stages
from chatbot.bot import Bot
from chatbot.continuing import Continuation, may_continue
from chatbot.decide import Offer, decide, settle
from chatbot.documents import or_quoted
from chatbot.errors import NotFound
from chatbot.follow_ups import may_lean_on_another, pending, question_before, says_that_it_goes_on
from chatbot.questions import is_courtesy, split
from chatbot.redact import Redactor, joined, piece_of
from chatbot.replies import needed, reply_to
from chatbot.several import joint_answer, together
from chatbot.store import Store
from chatbot.store.conversations import Standing, new_id
from chatbot.templates import choose_wording
from chatbot.text import language_of
from chatbot.types import (
    Action,
    Answer,
    Decision,
    Exchange,
    Hit,
    Message,
    Past,
    Reason,
    Redacted,
    Template,
    Turn,
)

FEW_WORDS = 3
"""So many words beside a value that was asked for say nothing new: "it is JP-482913"."""

MOST_CHARACTERS = 4_000
"""No channel reads more than this of a message (the encoder 256 word pieces): what was not read is not answered."""

_MASK = re.compile(r"\[[a-z]+\]")


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides the words: the customer's values in this message, clicks, and the turns before.

    `asked_templates` wait for the value of `asked_variable`. `previous` is the question that a short message may go on
    with, and `said` are the answers given since.
    """

    language: str
    day: date
    values: Mapping[str, str] = field(default_factory=dict)
    choice: str | None = None
    wants_person: bool = False
    asked_templates: tuple[str, ...] = ()
    asked_variable: str | None = None
    previous: Redacted | None = None
    said: frozenset[str] = frozenset()


Told = Callable[[Turn, Context], None]
"""Hears of each turn after it was stored, before the customer reads the reply: it may not fail and may not wait."""


@stages.timed
def respond(
    message: Message,
    *,
    bot: Bot,
    store: Store,
    redactor: Redactor,
    standing: Standing | None = None,
    told: Told | None = None,
) -> Exchange:
    """Answer one message and store the turn; raises NotFound for an unknown conversation or a choice never offered.

    A repeated idempotency key answers with what was stored the first time. `standing` is where the conversation stands,
    if the caller has read that already.
    """
    started = time.perf_counter()
    choosing = message.choice is not None
    if standing is None:
        standing = store.conversations.standing(message.conversation_id, key=message.key, choosing=choosing)
    if standing.repeated:
        return standing.repeated
    if choosing and message.choice not in standing.offered:
        raise NotFound(f'"{str(message.choice)[:64]}" was not offered in this conversation')
    facts = redactor.facts(message.text)
    context = _context(message, facts, standing, redactor)
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
    if told is not None and not stored.repeated:
        told(turn, context)
    # Live, the customer reads their own order number; what is kept of it is masked.
    return stored if stored.repeated else replace(stored, replied=replace(stored.replied, text=given.reply))


def answer(query: Redacted, bot: Bot, context: Context) -> Answer:
    """What to say to a message, with everything behind it. No clock, no store: the same input, the same answer."""
    offer = bot.knowledge.offer(language=context.language, day=context.day, values=context.values)
    if context.wants_person:
        return _said(Decision(Action.HANDOFF, Reason.ASKED_FOR_PERSON, 1.0), offer)
    if context.choice:
        # Of an intent with several answers the vector tells which is meant; a glance has none.
        reading = bot.read_many([query], closely=True)[0]
        hits = bot.knowledge.search(reading.vector, language=context.language, day=context.day)
        decision = settle(context.choice, 1.0, Reason.CHOSEN, hits=(*hits, *reading.neighbours), offer=offer)
        return _said(decision, offer, hits=hits)
    completed = _completed(query, bot, context, offer)
    if completed:
        return completed
    if not any(character.isalnum() for character in query.text):
        return _said(Decision(Action.CLARIFY, Reason.NOT_UNDERSTOOD, 0.0), offer)
    # Words that an agent has labelled mean what the label says.
    known = bot.knowledge.same_words(query.text) is not None
    if len(query.text) > MOST_CHARACTERS and not known:
        return _said(Decision(Action.HANDOFF, Reason.UNSURE, 0.0), offer)
    questions = () if known else split(query.text)
    whole, *parts = _read([query, *(piece_of(query, text) for text in questions)], bot, context, offer)
    given = together(questions, parts, whole, offer) or _going_on(query, whole, bot, context, offer) or whole
    return or_quoted(given, query, day=context.day, knowledge=bot.knowledge, policy=bot.policy)


def _read(
    queries: Sequence[Redacted], bot: Bot, context: Context, offer: Offer, *, closely: bool = False
) -> list[Answer]:
    """What would be said to each by itself, from one batch through the model."""
    answers = []
    for reading in bot.read_many(queries, closely=closely or len(queries) > 1):
        hits = bot.knowledge.search(reading.vector, language=context.language, day=context.day)
        decision = decide(reading, hits, policy=bot.policy, offer=offer)
        answers.append(replace(_said(decision, offer, hits=hits), reading=reading))
    # What has no valid answer may stand in a document, and that is found by the encoder's vector.
    if bot.knowledge.passages and any(_was_glanced(each) and each.decision.template is None for each in answers):
        return _read(queries, bot, context, offer, closely=True)
    return answers


def _was_glanced(given: Answer) -> bool:
    return given.reading is not None and given.reading.vector is None


def _going_on(query: Redacted, own: Answer, bot: Bot, context: Context, offer: Offer) -> Answer | None:
    """What would be said to a message as the continuation of the question before it, where that is better."""
    if context.previous is None or not may_continue(own.decision):
        return None
    if is_courtesy(query.text) or not may_lean_on_another(query.text):
        return None
    whole, before = _read([joined(context.previous, query), context.previous], bot, context, offer)
    return Continuation(own, whole, before, context.said, says_that_it_goes_on(query.text), offer).answer()


def _context(message: Message, facts: Mapping[str, str], standing: Standing, redactor: Redactor) -> Context:
    asked = pending(standing.past)
    before = question_before(standing.past, datetime.now(UTC))
    return Context(
        language=language_of(message.text, standing.conversation.language),
        day=date.today(),
        values=facts,
        choice=message.choice,
        wants_person=message.wants_person,
        asked_templates=asked.templates,
        asked_variable=asked.variable,
        previous=redactor.redact(before.text) if before else None,
        said=_said_since(before, standing.past),
    )


def _said_since(question: Past | None, past: Sequence[Past]) -> frozenset[str]:
    """The answers that the customer has read since that question, by the name that all their wordings share."""
    if question is None:
        return frozenset()
    turns = past[: past.index(question) + 1]
    return frozenset(key.split(".", 1)[0] for turn in turns for key in turn.answered)


def _completed(query: Redacted, bot: Bot, context: Context, offer: Offer) -> Answer | None:
    """The answers whose missing value was asked for and has just been given, unless the customer now wants another."""
    templates = [
        template
        for template in map(bot.knowledge.template, context.asked_templates)
        if template is not None and template.valid_on(context.day)
    ]
    wanted = {name for template in templates for name in needed(template)}
    if not any(context.values.get(name) for name in wanted) or _changes_topic(query, bot, templates):
        return None
    decisions = [_with_values(template, offer) for template in templates]
    if len(decisions) == 1:
        return _said(decisions[0], offer)
    titles = [offer.title(template.intent) for template in templates]
    parts = [_said(decision, offer) for decision in decisions]
    return joint_answer(titles, parts, offer, base=parts[0])


def _changes_topic(query: Redacted, bot: Bot, templates: Sequence[Template]) -> bool:
    if len(_MASK.sub(" ", query.text).split()) <= FEW_WORDS:
        return False
    intent, probability = bot.read(query).ranked(1)[0]
    return probability >= 0.5 and intent not in {template.intent for template in templates}


def _with_values(template: Template, offer: Offer) -> Decision:
    """The answer, or the question for what is still missing."""
    wording = choose_wording([template], values=offer.values, evidence={})
    if wording is None:
        return Decision(Action.HANDOFF, Reason.NO_TEMPLATE, 1.0, template.intent)
    if wording.missing:
        return Decision(
            Action.CLARIFY, Reason.NEEDS_VARIABLE, 1.0, template.intent, template, asks_for=wording.missing[0]
        )
    return Decision(Action.ANSWER, Reason.COMPLETED, 1.0, template.intent, template)


def _said(decision: Decision, offer: Offer, hits: tuple[Hit, ...] = ()) -> Answer:
    return Answer(decision, reply=reply_to(decision, offer), language=offer.language, hits=hits)
