"""What customers asked lately, and which approved answers they read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from chatbot.store.engine import Database
from chatbot.store.tables import FeedbackRow, MessageRow, TurnRow
from chatbot.text import normalise
from chatbot.types import Action, Reason, Verdict

_NOT_ALONE = (Reason.CHOSEN, Reason.COMPLETED, Reason.ASKED_FOR_PERSON, Reason.NOT_UNDERSTOOD)
"""Turns whose words mean nothing by themselves: clicks, values that were asked for, wishes for a person, no words."""

VARIANTS = 4
"""Spellings read for each question that is wanted: what differs in case and end marks alone is one question."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question in its newest spelling, the language that it was answered in, and how often it was asked."""

    text: str
    language: str
    count: int


@dataclass(frozen=True, slots=True)
class Use:
    """How often an answer was shown, and how often with a thumb down."""

    shown: int = 0
    down: int = 0


def questions_since(since: datetime, *, database: Database, most: int) -> list[Question]:
    """The distinct questions asked since then that can be asked again by themselves, the newest first."""
    query = (
        select(MessageRow.text, TurnRow.language, func.count())
        .join(MessageRow, MessageRow.id == TurnRow.message_id)
        .where(TurnRow.action.in_(list(Action)))  # all of them: it lets the index on action and time be used
        .where(TurnRow.created_at >= since, ~TurnRow.follows_up, TurnRow.reason.not_in(_NOT_ALONE))
        .group_by(MessageRow.text, TurnRow.language)
        .order_by(func.max(TurnRow.created_at).desc(), MessageRow.text)
        .limit(VARIANTS * most)
    )
    with database.look() as connection:
        return _distinct((text, language, count) for text, language, count in connection.execute(query))[:most]


def uses_since(since: datetime, *, database: Database) -> dict[str, Use]:
    """By template key; an answer to one of several questions in a message counts as shown too."""
    shown: Counter[str] = Counter()
    down: Counter[str] = Counter()
    disliked = FeedbackRow.verdict == Verdict.DOWN
    alone = (
        select(TurnRow.template_key, func.count(), func.sum(case((disliked, 1), else_=0)))
        .outerjoin(FeedbackRow, FeedbackRow.message_id == TurnRow.reply_id)
        .where(TurnRow.action == Action.ANSWER, TurnRow.created_at >= since, TurnRow.reason != Reason.SEVERAL)
        .where(TurnRow.template_key.is_not(None))
        .group_by(TurnRow.template_key)
    )
    among = (
        select(TurnRow.parts, FeedbackRow.verdict)
        .outerjoin(FeedbackRow, FeedbackRow.message_id == TurnRow.reply_id)
        .where(TurnRow.action.in_(list(Action)), TurnRow.created_at >= since, TurnRow.reason == Reason.SEVERAL)
    )
    with database.look() as connection:
        for key, count, thumbs in connection.execute(alone):
            shown[key] += count
            down[key] += thumbs
        for parts, verdict in connection.execute(among):
            keys = answered_by(parts)
            shown.update(keys)
            if verdict == Verdict.DOWN:
                down.update(keys)
    return {key: Use(count, down[key]) for key, count in shown.items()}


def questions_answered_by(key: str, *, database: Database, most: int = 20) -> list[Question]:
    """What a template was the answer to, the most frequent first."""
    query = (
        select(MessageRow.text, TurnRow.language, func.count())
        .join(MessageRow, MessageRow.id == TurnRow.message_id)
        .where(TurnRow.action == Action.ANSWER, TurnRow.template_key == key, TurnRow.reason != Reason.COMPLETED)
        .group_by(MessageRow.text, TurnRow.language)
        .order_by(func.count().desc(), MessageRow.text)
        .limit(VARIANTS * most)
    )
    with database.look() as connection:
        found = _distinct((text, language, count) for text, language, count in connection.execute(query))
    return sorted(found, key=lambda question: (-question.count, question.text))[:most]


def answered_by(parts: Iterable[Mapping[str, str | None]]) -> list[str]:
    """The templates shown in a reply to several questions."""
    return [key for part in parts if part["action"] == Action.ANSWER and (key := part["template"])]


def _distinct(rows: Iterable[tuple[str, str, int]]) -> list[Question]:
    """One question for all spellings of it, each in the place of its first."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for text, language, count in rows:
        question = normalise(text), language
        counts[question] += count
        first.setdefault(question, text)
    return [Question(text, language, counts[words, language]) for (words, language), text in first.items()]
