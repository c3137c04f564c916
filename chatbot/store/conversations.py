"""Conversations, their messages and turns, and the customer's feedback."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update
from sqlalchemy.orm import Session

from chatbot import stages
from chatbot.errors import NotFound
from chatbot.store.engine import Database
from chatbot.store.exchanges import message_key, message_of, no_conversation, repeated
from chatbot.store.past import newest_turns
from chatbot.store.prepared import Prepared
from chatbot.store.tables import ConversationRow, FeedbackRow, MessageRow, Row, TurnRow
from chatbot.store.turns import new_turn, save_turns
from chatbot.types import (
    Conversation,
    Exchange,
    Past,
    Redacted,
    StoredMessage,
    Turn,
    Verdict,
)

# Statements of the answer path are built once.
_ADD_CONVERSATIONS = insert(Row.metadata.tables["conversations"])
_HERE: BindParameter[str] = bindparam("conversation")
_BY_KEY = select(MessageRow.id).where(MessageRow.conversation_id == _HERE, MessageRow.key == bindparam("key"))
_STANDING = select(
    ConversationRow.visitor,
    ConversationRow.language,
    ConversationRow.channel,
    ConversationRow.created_at,
    ConversationRow.ended_at,
    _BY_KEY.scalar_subquery().label("message_id"),
).where(ConversationRow.id == _HERE)

_TURN = select(TurnRow.conversation_id, TurnRow.message_id).where(TurnRow.id == bindparam("turn"))


def new_id() -> str:
    """128 random bits: unguessable, so that knowing one is knowing only one's own."""
    return secrets.token_urlsafe(16)


def visitor_key(cookie: str) -> str:
    """What is stored of a visitor's cookie: its SHA-256, useless to whoever reads the database."""
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a conversation stands when a message arrives: all that answering it needs, from one read.

    `repeated` is what the message's idempotency key already made. `offered` are the intents of all choices so far; they
    are looked up for a message that chooses only. `past` are the newest turns, newest first.
    """

    conversation: Conversation
    repeated: Exchange | None = None
    offered: frozenset[str] = frozenset()
    past: tuple[Past, ...] = ()


class Conversations:
    """`visitor` is the raw cookie, empty for one who has none: what is not theirs is NotFound. None asks for the house
    itself, to which all conversations are open.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.engine.dialect
        tables = Row.metadata.tables
        self._statements = Prepared(tables["messages"], dialect), Prepared(tables["turns"], dialect)

    def create(self, *, language: str, channel: str, visitor: str | None = None) -> Conversation:
        made = Conversation(new_id(), language, channel, datetime.now(UTC))
        row = {
            "id": made.id,
            "visitor": visitor_key(visitor) if visitor else None,
            "language": language,
            "channel": channel,
            "created_at": made.created_at,
        }
        self._database.together(_add_conversations, row)
        return made

    def get(self, conversation_id: str, *, visitor: str | None = None) -> Conversation:
        """Raises NotFound for an unknown id, and alike for somebody else's when `visitor` is given."""
        with self._database.read() as session:
            return _conversation(_find(session, conversation_id, visitor))

    def latest_open(self, visitor: str) -> Conversation | None:
        """The visitor's newest conversation that was not ended: what a reload goes on with."""
        query = (
            select(ConversationRow)
            .where(ConversationRow.visitor == visitor_key(visitor), ConversationRow.ended_at.is_(None))
            .order_by(ConversationRow.created_at.desc())
            .limit(1)
        )
        with self._database.read() as session:
            row = session.scalars(query).first()
            return _conversation(row) if row else None

    def end(self, conversation_id: str, *, visitor: str | None = None) -> None:
        def close(session: Session) -> None:
            _find(session, conversation_id, visitor).ended_at = datetime.now(UTC)

        self._database.join(close)

    def transcript(self, conversation_id: str) -> list[StoredMessage]:
        """All messages, oldest first, with choices and feedback on those of the bot."""
        query = (
            select(MessageRow, TurnRow, FeedbackRow)
            .outerjoin(TurnRow, TurnRow.reply_id == MessageRow.id)
            .outerjoin(FeedbackRow, FeedbackRow.message_id == MessageRow.id)
            .where(MessageRow.conversation_id == conversation_id)
            .order_by(MessageRow.position)
        )
        with self._database.read() as session:
            return [message_of(*row) for row in session.execute(query)]

    def around(self, turn_id: str) -> tuple[list[StoredMessage], str]:
        """The transcript that a turn belongs to, and the id of the message that it answered."""
        turn = self._database.first(_TURN, {"turn": turn_id})
        if turn is None:
            raise NotFound(f'no turn "{turn_id[:64]}"')
        return self.transcript(turn.conversation_id), turn.message_id

    @stages.stage(stages.STORE)
    def save_turn(self, turn: Turn) -> Exchange:
        """Store the customer's message, the reply and the turn in one transaction.

        A repeated idempotency key changes nothing and returns what was stored the first time.
        """
        return self._database.together(save_turns, new_turn(turn, self._statements))

    @stages.stage(stages.STORE)
    def standing(
        self, conversation_id: str, *, key: str | None = None, visitor: str | None = None, choosing: bool = False
    ) -> Standing:
        """Raises NotFound as `get` does. `key` and `choosing` are those of the message that has come."""
        with self._database.look() as connection:
            found = connection.execute(
                _STANDING, {"conversation": conversation_id, "key": message_key(conversation_id, key)}
            ).first()
            if found is None or not _is_theirs(found.visitor, visitor):
                raise no_conversation(conversation_id)
            return Standing(
                Conversation(conversation_id, found.language, found.channel, found.created_at, found.ended_at),
                repeated(Session(connection), found.message_id) if found.message_id else None,
                frozenset(_offers(connection, conversation_id)) if choosing else frozenset(),
                newest_turns(connection, conversation_id),
            )

    def by_key(self, conversation_id: str, key: str | None) -> Exchange | None:
        """The message and reply that an idempotency key already made, if any."""
        if key is None:
            return None
        with self._database.read() as session:
            found = session.scalar(_BY_KEY, {"conversation": conversation_id, "key": message_key(conversation_id, key)})
            return repeated(session, found) if found else None

    def offered(self, conversation_id: str, intent: str) -> bool:
        """Whether any turn of the conversation offered this intent as a choice."""
        with self._database.look() as connection:
            return intent in _offers(connection, conversation_id)

    def give_feedback(
        self,
        message_id: str,
        *,
        conversation_id: str,
        verdict: Verdict,
        reason: str | None = None,
        comment: Redacted | None = None,
    ) -> None:
        """One verdict a message; a second replaces the first. NotFound for what the bot did not say here."""

        def keep(session: Session) -> None:
            message = session.get(MessageRow, message_id)
            if message is None or message.conversation_id != conversation_id or message.role != "bot":
                raise NotFound(f'no reply "{message_id[:64]}" in this conversation')
            now = datetime.now(UTC)
            row = session.get(FeedbackRow, message_id)
            if row is None:
                row = FeedbackRow(message_id=message_id, created_at=now)
                session.add(row)
            row.verdict, row.reason, row.updated_at = verdict, reason, now
            row.comment = comment.text if comment else None
            row.taken_in = False

        self._database.join(keep)

    def set_language(self, conversation_id: str, language: str) -> None:
        change = update(ConversationRow).where(ConversationRow.id == conversation_id).values(language=language)
        self._database.join(lambda session: session.execute(change))


def _find(session: Session, conversation_id: str, visitor: str | None) -> ConversationRow:
    row = session.get(ConversationRow, conversation_id)
    if row is None or not _is_theirs(row.visitor, visitor):
        raise no_conversation(conversation_id)
    return row


def _is_theirs(owner: str | None, visitor: str | None) -> bool:
    """Whoever leaves the cookie out gets at what programs began without one, and at nobody else's."""
    return visitor is None or owner == (visitor_key(visitor) if visitor else None)


def _conversation(row: ConversationRow) -> Conversation:
    return Conversation(
        id=row.id,
        language=row.language,
        channel=row.channel,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _offers(connection: Connection, conversation_id: str) -> set[str]:
    """The intents that any turn of the conversation offered as a choice."""
    stored = connection.scalars(select(TurnRow.choices).where(TurnRow.conversation_id == conversation_id))
    return {choice["intent"] for choices in stored for choice in choices}


def _add_conversations(session: Session, rows: Sequence[dict[str, Any]]) -> Sequence[None]:
    session.connection().execute(_ADD_CONVERSATIONS, list(rows))
    return [None] * len(rows)
