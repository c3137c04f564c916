"""Conversations, their messages and turns, and the customer's feedback."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from chatbot.errors import NotFound
from chatbot.store.engine import Database
from chatbot.store.tables import ConversationRow, FeedbackRow, MessageRow, TurnRow
from chatbot.types import (
    Action,
    Choice,
    Conversation,
    Exchange,
    Hit,
    Reading,
    Reason,
    Redacted,
    StoredMessage,
    Turn,
    Verdict,
)


def new_id() -> str:
    """128 random bits: unguessable, so that knowing one is knowing only one's own."""
    return secrets.token_urlsafe(16)


def visitor_key(cookie: str) -> str:
    """What is stored of a visitor's cookie: its SHA-256, useless to whoever reads the database."""
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Asked:
    """The template whose variable is still to be given by the customer."""

    template_key: str | None = None
    variable: str | None = None


class Conversations:
    """`visitor` is the raw cookie; where it is given, a conversation of another visitor is NotFound."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, *, language: str, channel: str, visitor: str | None = None) -> Conversation:
        row = ConversationRow(
            id=new_id(),
            visitor=visitor_key(visitor) if visitor else None,
            language=language,
            channel=channel,
            created_at=datetime.now(UTC),
            ended_at=None,
        )
        with self._database.write() as session:
            session.add(row)
        return _conversation(row)

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
        with self._database.write() as session:
            _find(session, conversation_id, visitor).ended_at = datetime.now(UTC)

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
            return [_message(*row) for row in session.execute(query)]

    def save_turn(self, turn: Turn) -> Exchange:
        """Store the customer's message, the reply and the turn in one transaction.

        A repeated idempotency key changes nothing and returns what was stored the first time.
        """
        with self._database.write() as session:
            earlier = self._by_key(session, turn.conversation_id, turn.key)
            if earlier:
                return earlier
            conversation = _find(session, turn.conversation_id, None)
            position = (
                session.scalar(
                    select(func.max(MessageRow.position)).where(MessageRow.conversation_id == conversation.id)
                )
                or 0
            )
            asked = _line(turn.message_id, turn, position + 1, "customer", turn.query, turn.key, turn.created_at)
            # The reply is stamped after the question even on a clock of coarse ticks.
            after = turn.created_at + timedelta(microseconds=1)
            replied = _line(turn.reply_id, turn, position + 2, "bot", turn.reply, None, after)
            session.add_all([asked, replied])
            session.flush()
            row = _turn_row(turn, asked.id, replied.id)
            session.add(row)
            return Exchange(_message(asked, None, None), _message(replied, row, None))

    def by_key(self, conversation_id: str, key: str | None) -> Exchange | None:
        """The message and reply that an idempotency key already made, if any."""
        with self._database.read() as session:
            return self._by_key(session, conversation_id, key)

    def last_asked(self, conversation_id: str) -> Asked:
        """What the newest turn asked the customer for, if it asked for a value."""
        query = (
            select(TurnRow)
            .join(MessageRow, MessageRow.id == TurnRow.reply_id)
            .where(TurnRow.conversation_id == conversation_id)
            .order_by(MessageRow.position.desc())
            .limit(1)
        )
        with self._database.read() as session:
            row = session.scalars(query).first()
            return Asked(row.template_key, row.asks_for) if row and row.asks_for else Asked()

    def offered(self, conversation_id: str, intent: str) -> bool:
        """Whether any turn of the conversation offered this intent as a choice."""
        with self._database.read() as session:
            rows = session.scalars(select(TurnRow).where(TurnRow.conversation_id == conversation_id))
            return any(choice.intent == intent for row in rows for choice in _choices(row))

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
        with self._database.write() as session:
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

    def set_language(self, conversation_id: str, language: str) -> None:
        with self._database.write() as session:
            session.execute(
                update(ConversationRow).where(ConversationRow.id == conversation_id).values(language=language)
            )

    @staticmethod
    def _by_key(session: Session, conversation_id: str, key: str | None) -> Exchange | None:
        if key is None:
            return None
        asked = session.scalars(
            select(MessageRow).where(MessageRow.conversation_id == conversation_id, MessageRow.key == key)
        ).first()
        if asked is None:
            return None
        row = session.scalars(select(TurnRow).where(TurnRow.message_id == asked.id)).one()
        replied = session.get_one(MessageRow, row.reply_id)
        feedback = session.get(FeedbackRow, replied.id)
        return Exchange(_message(asked, None, None), _message(replied, row, feedback), repeated=True)


def _find(session: Session, conversation_id: str, visitor: str | None) -> ConversationRow:
    row = session.get(ConversationRow, conversation_id)
    if row is None or (visitor is not None and row.visitor != visitor_key(visitor)):
        raise NotFound(f'no conversation "{conversation_id[:64]}"; start a new one')
    return row


def _conversation(row: ConversationRow) -> Conversation:
    return Conversation(
        id=row.id,
        language=row.language,
        channel=row.channel,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _line(id: str, turn: Turn, position: int, role: str, text: Redacted, key: str | None, at: datetime) -> MessageRow:
    return MessageRow(
        id=id,
        conversation_id=turn.conversation_id,
        position=position,
        role=role,
        text=text.text,
        key=key,
        created_at=at,
    )


def _message(row: MessageRow, turn: TurnRow | None, feedback: FeedbackRow | None) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        role=row.role,
        text=row.text,
        created_at=row.created_at,
        action=Action(turn.action) if turn else None,
        choices=_choices(turn) if turn else (),
        verdict=Verdict(feedback.verdict) if feedback else None,
        reason=feedback.reason if feedback else None,
        comment=feedback.comment if feedback else None,
        turn_id=turn.id if turn else None,
    )


def _choices(row: TurnRow) -> tuple[Choice, ...]:
    return tuple(Choice(**choice) for choice in row.choices)


def _turn_row(turn: Turn, message_id: str, reply_id: str) -> TurnRow:
    decision = turn.answer.decision
    return TurnRow(
        id=turn.id,
        conversation_id=turn.conversation_id,
        message_id=message_id,
        reply_id=reply_id,
        action=decision.action,
        reason=Reason(decision.reason),
        probability=decision.probability,
        intent=decision.intent,
        template_key=decision.template.key if decision.template else None,
        template_revision=decision.template.revision if decision.template else None,
        asks_for=decision.asks_for,
        choices=[
            {"intent": c.intent, "title": c.title, "probability": round(c.probability, 6)} for c in decision.choices
        ],
        reading=_reading(turn.answer.reading),
        hits=[_hit(hit) for hit in turn.answer.hits],
        language=turn.answer.language,
        model_version=turn.model_version,
        knowledge_revision=turn.knowledge_revision,
        latency_ms=turn.latency_ms,
        created_at=turn.created_at,
    )


def _reading(reading: Reading | None) -> dict[str, Any]:
    """The top alternatives with each channel's own view of them: enough to explain, small enough to keep for ever."""
    if reading is None:
        return {}
    top = reading.ranked(5)
    places = [reading.intents.index(intent) for intent, _ in top]
    return {
        "alternatives": [[intent, round(probability, 6)] for intent, probability in top],
        "channels": {
            name: [round(float(scores[place]), 6) for place in places] for name, scores in reading.channels.items()
        },
    }


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "kind": hit.kind,
        "text": hit.text,
        "intent": hit.intent,
        "similarity": round(hit.similarity, 6),
        "key": hit.key,
    }
