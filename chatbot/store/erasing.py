"""What an erasure reaches: whose words are meant, and where in the database they stand. `removing` takes them out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from chatbot.store.conversations import visitor_key
from chatbot.store.engine import Database
from chatbot.store.lessons import REVIEWED
from chatbot.store.tables import (
    AgentSessionRow,
    ConversationRow,
    ExampleRow,
    FactRow,
    FeedbackRow,
    IntentRow,
    MessageRow,
    ModelVersionRow,
    PassageRow,
    ReviewMemberRow,
    ReviewRow,
    TemplateDraftRow,
    TemplateRevisionRow,
    TemplateRow,
    TurnRow,
)
from chatbot.text import normalise, text_key
from chatbot.types import Status

LEAST_LETTERS = 3
"""Of a text to search for: a shorter one stands in nearly every conversation."""
_AT_ONCE = 500  # databases bound the number of values in one statement

Value = TypeVar("Value")


class By(StrEnum):
    CONVERSATION = "conversation"
    CUSTOMER = "customer"
    MATCHING = "matching"


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose words shall go. `value` is a conversation's id, a visitor's cookie (or its SHA-256), or a text.

    `also_imported`: examples that came from a file go too, where they hold the words.
    """

    by: By
    value: str
    also_imported: bool = False

    @property
    def needle(self) -> str | None:
        """The normal form of the text to search for."""
        return normalise(self.value) if self.by is By.MATCHING else None


@dataclass(frozen=True, slots=True)
class Traces:
    """How to tell erased words in a file: ids of conversations, keys of examples, a text in its normal form."""

    ids: frozenset[str]
    keys: frozenset[str] = frozenset()
    needle: str | None = None

    def are_in(self, value: str) -> bool:
        if value in self.ids or (self.needle is not None and self.needle in normalise(value)):
            return True
        return bool(self.keys) and text_key(value) in self.keys


@dataclass(frozen=True, slots=True)
class FoundExample:
    id: int
    text: str
    text_key: str
    intent: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What an erasure takes. `imported` are examples from files that hold the words and stay; `versions` are those that
    were trained since the oldest of `examples` came; `kept` names what the shop itself wrote with these words.
    """

    conversations: tuple[str, ...]
    messages: int
    turns: int
    feedback: int
    items: int
    examples: tuple[FoundExample, ...]
    imported: tuple[FoundExample, ...]
    versions: tuple[str, ...]
    kept: tuple[str, ...]
    keys: frozenset[str]
    needle: str | None = None

    def __bool__(self) -> bool:
        return bool(self.conversations or self.examples)

    @property
    def traces(self) -> Traces:
        return Traces(frozenset(self.conversations), frozenset(each.text_key for each in self.examples), self.needle)

    @property
    def counts(self) -> dict[str, int]:
        """What an audit row may say of it."""
        return {
            "conversations": len(self.conversations),
            "messages": self.messages,
            "turns": self.turns,
            "feedback": self.feedback,
            "review_items": self.items,
            "examples": len(self.examples),
            "versions": len(self.versions),
        }


def find(database: Database, wish: Wish) -> Found:
    """What a wish means now."""
    with database.read() as session:
        return look(session, conversations_of(session, wish), wish)


def expired(database: Database, before: datetime) -> list[str]:
    """Conversations in which nobody has said anything since `before`, the oldest first."""
    with database.read() as session:
        return expired_conversations(session, before)


def find_expired(database: Database, conversations: Sequence[str], before: datetime) -> Found:
    """What goes with those of some hundred conversations that are older."""
    with database.read() as session:
        return look(session, expired_conversations(session, before, among=conversations))


def old_sessions(database: Database, before: datetime) -> int:
    """How many sessions of agents were last used before."""
    with database.read() as session:
        return session.scalar(select(func.count(AgentSessionRow.token_hash)).where(last_used() < before)) or 0


def last_used() -> ColumnElement[datetime]:
    """When a session of an agent was."""
    return func.coalesce(AgentSessionRow.ended_at, AgentSessionRow.seen_at)


def conversations_of(session: Session, wish: Wish, *, since: datetime | None = None) -> set[str]:
    """The ids of the conversations that a wish means. `since` bounds the search for a text to what is newer."""
    if wish.by is By.CONVERSATION:
        return set(session.scalars(select(ConversationRow.id).where(ConversationRow.id == wish.value)))
    if wish.by is By.CUSTOMER:
        keys = (visitor_key(wish.value), wish.value.lower())
        return set(session.scalars(select(ConversationRow.id).where(ConversationRow.visitor.in_(keys))))
    said = select(MessageRow.conversation_id, MessageRow.text).where(MessageRow.role == "customer")
    noted = (
        select(MessageRow.conversation_id, FeedbackRow.comment)
        .join(FeedbackRow, FeedbackRow.message_id == MessageRow.id)
        .where(FeedbackRow.comment.is_not(None))
    )
    if since is not None:
        said, noted = said.where(MessageRow.created_at >= since), noted.where(FeedbackRow.updated_at >= since)
    needle = wish.needle or ""
    return {
        conversation
        for query in (said, noted)
        for conversation, words in session.execute(query.execution_options(yield_per=_AT_ONCE))
        if needle in normalise(words or "")
    }


def expired_conversations(session: Session, before: datetime, *, among: Sequence[str] | None = None) -> list[str]:
    """As `expired`; `among` some hundreds only."""
    newer = exists().where(MessageRow.conversation_id == ConversationRow.id, MessageRow.created_at >= before)
    query = select(ConversationRow.id).where(ConversationRow.created_at < before, ~newer)
    if among is not None:
        query = query.where(ConversationRow.id.in_(among))
    return list(session.scalars(query.order_by(ConversationRow.created_at)))


def look(session: Session, conversations: Collection[str], wish: Wish | None = None) -> Found:
    """All that goes with these conversations. Without a wish (their time is over) approved examples stay."""
    ids = tuple(sorted(conversations))
    said = list(_pieces(session, select(MessageRow.role, MessageRow.text), MessageRow.conversation_id, ids))
    keys = frozenset(text_key(words) for role, words in said if role == "customer")
    needle = wish.needle if wish else None
    derived, imported = _examples(session, ids, keys, needle)
    if wish is None:
        derived, imported = [row for row in derived if row.status != Status.APPROVED], []
    elif wish.also_imported:
        derived, imported = derived + imported, []
    return Found(
        conversations=ids,
        messages=len(said),
        turns=_count(session, select(func.count(TurnRow.id)), TurnRow.conversation_id, ids),
        feedback=_count(
            session,
            select(func.count(FeedbackRow.message_id)).join(MessageRow, MessageRow.id == FeedbackRow.message_id),
            MessageRow.conversation_id,
            ids,
        ),
        items=len(items_of(session, ids)),
        examples=tuple(_found(row) for row in derived),
        imported=tuple(_found(row) for row in imported),
        versions=_trained_since(session, derived),
        kept=tuple(_own_words(session, needle)) if needle else (),
        keys=keys | {row.text_key for row in derived},
        needle=needle,
    )


def chunks(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _pieces(
    session: Session, query: Select[*tuple[Any, ...]], column: InstrumentedAttribute[Any], values: Sequence[Any]
) -> Iterator[Any]:
    for part in chunks(values):
        yield from session.execute(query.where(column.in_(part)))


def _count(
    session: Session, query: Select[*tuple[Any, ...]], column: InstrumentedAttribute[Any], values: Sequence[Any]
) -> int:
    return sum(count for (count,) in _pieces(session, query, column, values))


def items_of(session: Session, conversations: Sequence[str]) -> list[int]:
    query = select(ReviewMemberRow.item_id).join(TurnRow, TurnRow.id == ReviewMemberRow.turn_id)
    return sorted({item for (item,) in _pieces(session, query.distinct(), TurnRow.conversation_id, conversations)})


def _examples(
    session: Session, conversations: Sequence[str], keys: Collection[str], needle: str | None
) -> tuple[list[ExampleRow], list[ExampleRow]]:
    """Examples in these words: those that a review made of them, and those that came from files.

    What another customer's reviewed question says as well is not derived from this one alone, and stays.
    """
    same = [row for (row,) in _pieces(session, select(ExampleRow), ExampleRow.text_key, sorted(keys))]
    elsewhere = _said_by_others(session, conversations, [row.text_key for row in same])
    found = {row.id: row for row in same if row.text_key not in elsewhere}
    if needle is not None:
        every = session.execute(select(ExampleRow.id, ExampleRow.text))
        numbers = [number for number, words in every if needle in normalise(words)]
        found |= {row.id: row for (row,) in _pieces(session, select(ExampleRow), ExampleRow.id, numbers)}
    derived = [row for row in found.values() if not _came_from_a_file(session, row)]
    return derived, [row for row in found.values() if row not in derived]


def _came_from_a_file(session: Session, row: ExampleRow) -> bool:
    """Also when a review has relabelled it since: the words were there before the customer's."""
    source, review_id = row.source, row.review_id
    while source == REVIEWED and review_id is not None:
        review = session.get(ReviewRow, review_id)
        steps = review.undo if review else []
        before = next((step["before"] for step in steps if step.get("example") == row.text_key), None)
        if before is None:
            return False
        source, review_id = before["source"], before["review_id"]
    return bool(source != REVIEWED)


def _said_by_others(session: Session, conversations: Collection[str], keys: Sequence[str]) -> set[str]:
    query = select(ReviewMemberRow.text_key, TurnRow.conversation_id).join(TurnRow)
    gone = set(conversations)
    found = _pieces(session, query, ReviewMemberRow.text_key, keys)
    return {key for key, conversation in found if conversation not in gone}


def _found(row: ExampleRow) -> FoundExample:
    return FoundExample(row.id, row.text, row.text_key, row.intent, row.created_at)


def _trained_since(session: Session, examples: Sequence[ExampleRow]) -> tuple[str, ...]:
    if not examples:
        return ()
    first = min(row.created_at for row in examples)
    since = select(ModelVersionRow.version).where(ModelVersionRow.created_at >= first)
    return tuple(session.scalars(since.order_by(ModelVersionRow.created_at)))


def _own_words(session: Session, needle: str) -> Iterator[str]:
    """What the shop wrote itself is nobody's personal data by default, so it is only named."""
    written: tuple[tuple[str, Select[*tuple[Any, ...]]], ...] = (
        ("template", select(TemplateRow.key, TemplateRow.body)),
        ("earlier wording of template", select(TemplateRow.key, TemplateRevisionRow.body).join(TemplateRow)),
        ("draft of template", select(TemplateDraftRow.key, TemplateDraftRow.body)),
        ("fact", select(FactRow.name, FactRow.value)),
        ("document", select(PassageRow.document, PassageRow.title + " " + PassageRow.body)),
    )
    for kind, query in written:
        yield from _named(kind, session.execute(query), needle, str)
    titles = session.execute(select(IntentRow.name, IntentRow.titles))
    yield from _named("intent", titles, needle, lambda titles: " ".join(titles.values()))


def _named(kind: str, rows: Iterable[Any], needle: str, words: Callable[[Any], str]) -> list[str]:
    return sorted({f"{kind} {name}" for name, held in rows if needle in normalise(f"{name} {words(held)}")})
