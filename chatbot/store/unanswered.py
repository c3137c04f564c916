"""Open questions of the review queue that the bot had no answer to, for whoever looks for what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from chatbot.store.engine import Database
from chatbot.store.knowledge import KEYS_PER_QUERY
from chatbot.store.queue import OPEN
from chatbot.store.tables import MessageRow, ReviewItemRow, ReviewMemberRow, TurnRow
from chatbot.types import Source

_UNANSWERED = frozenset({Source.HANDED_OFF, Source.CLARIFIED})


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """An item of the queue: its words, and when each of those who ask nearly the same asked it."""

    item_id: int
    text: str
    language: str
    asked_at: tuple[datetime, ...]


def unanswered_since(since: datetime, *, database: Database, most: int) -> list[OpenQuestion]:
    """The items with the most questions since then, at most so many; what means nothing alone is left out."""
    query = (
        select(ReviewItemRow.id, ReviewItemRow.sources, MessageRow.text, ReviewItemRow.language)
        .join(TurnRow, TurnRow.id == ReviewItemRow.lead_turn_id)
        .join(MessageRow, MessageRow.id == TurnRow.message_id)
        .where(ReviewItemRow.status == OPEN, ReviewItemRow.last_at >= since, ~TurnRow.follows_up)
        .order_by(ReviewItemRow.size.desc(), ReviewItemRow.id)
    )
    found = []
    with database.look() as connection:
        for number, sources, text, language in connection.execute(query):
            if _UNANSWERED.intersection(sources):
                found.append((number, text, language))
                if len(found) == most:
                    break
    times = _times([number for number, _, _ in found], since, database)
    return [
        OpenQuestion(number, text, language, tuple(times[number])) for number, text, language in found if times[number]
    ]


def said_in(items: Sequence[int], since: datetime, *, database: Database) -> list[tuple[str, str]]:
    """Who asked these items since then, and in which words: a conversation and a message, each pair once."""
    found: set[tuple[str, str]] = set()
    with database.look() as connection:
        for start in range(0, len(items), KEYS_PER_QUERY):
            here = ReviewMemberRow.item_id.in_(items[start : start + KEYS_PER_QUERY])
            query = (
                select(TurnRow.conversation_id, MessageRow.text)
                .join(ReviewMemberRow, ReviewMemberRow.turn_id == TurnRow.id)
                .join(MessageRow, MessageRow.id == TurnRow.message_id)
                .where(here, ReviewMemberRow.created_at >= since)
            )
            found.update((conversation, text) for conversation, text in connection.execute(query))
    return sorted(found)


def _times(items: Sequence[int], since: datetime, database: Database) -> dict[int, list[datetime]]:
    found: dict[int, list[datetime]] = defaultdict(list)
    with database.look() as connection:
        for start in range(0, len(items), KEYS_PER_QUERY):
            here = ReviewMemberRow.item_id.in_(items[start : start + KEYS_PER_QUERY])
            query = select(ReviewMemberRow.item_id, ReviewMemberRow.created_at)
            for number, at in connection.execute(
                query.where(here, ReviewMemberRow.created_at >= since).order_by(ReviewMemberRow.created_at)
            ):
                found[number].append(at)
    return found
