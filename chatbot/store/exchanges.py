"""What was said, as it is stored: read back as the customer may see it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from chatbot.errors import NotFound
from chatbot.store.tables import FeedbackRow, MessageRow, TurnRow
from chatbot.types import Action, Choice, Exchange, StoredMessage, Verdict


def message_key(conversation_id: str, key: str | None) -> str | None:
    """What is stored of an idempotency key: a SHA-256 with its conversation, for clients put anything into a key."""
    if key is None:
        return None
    return hashlib.sha256(f"{conversation_id}\0{key}".encode("utf-8", "replace")).hexdigest()


def no_conversation(conversation_id: str) -> NotFound:
    return NotFound(f'no conversation "{conversation_id[:64]}"; start a new one')


def message_of(row: MessageRow, turn: TurnRow | None, feedback: FeedbackRow | None) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        role=row.role,
        text=row.text,
        created_at=row.created_at,
        action=Action(turn.action) if turn else None,
        choices=choices_of(turn.choices) if turn else (),
        verdict=Verdict(feedback.verdict) if feedback else None,
        reason=feedback.reason if feedback else None,
        comment=feedback.comment if feedback else None,
        turn_id=turn.id if turn else None,
    )


def choices_of(stored: Iterable[dict[str, Any]]) -> tuple[Choice, ...]:
    return tuple(Choice(**choice) for choice in stored)


def repeated(session: Session, message_id: str) -> Exchange:
    """The exchange that a customer's message began."""
    asked = session.get_one(MessageRow, message_id)
    row = session.scalars(select(TurnRow).where(TurnRow.message_id == message_id)).one()
    replied = session.get_one(MessageRow, row.reply_id)
    feedback = session.get(FeedbackRow, replied.id)
    return Exchange(message_of(asked, None, None), message_of(replied, row, feedback), repeated=True)
