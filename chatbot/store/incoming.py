"""Questions as they came in, with what was made of them then: what drift is found in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from chatbot.store.engine import Database
from chatbot.store.tables import MessageRow, TurnRow
from chatbot.types import Action, Reason

_NOT_ALONE = (Reason.CHOSEN, Reason.COMPLETED, Reason.ASKED_FOR_PERSON, Reason.NOT_UNDERSTOOD)


@dataclass(frozen=True, slots=True)
class Incoming:
    """`probability` is the calibrated one that was believed then; None for quotations of documents, which have none of
    the same kind."""

    text: str
    language: str
    at: datetime
    action: Action
    intent: str | None
    probability: float | None


def incoming_since(since: datetime, *, database: Database, most: int) -> list[Incoming]:
    """Questions that mean something by themselves, the newest first, at most so many."""
    query = (
        select(
            MessageRow.text,
            TurnRow.language,
            TurnRow.created_at,
            TurnRow.action,
            TurnRow.intent,
            TurnRow.probability,
            TurnRow.reason,
        )
        .join(MessageRow, MessageRow.id == TurnRow.message_id)
        .where(TurnRow.action.in_(list(Action)))  # all of them: it lets the index on action and time be used
        .where(TurnRow.created_at >= since, ~TurnRow.follows_up, TurnRow.reason.not_in(_NOT_ALONE))
        .order_by(TurnRow.created_at.desc(), TurnRow.id)
        .limit(most)
    )
    with database.look() as connection:
        return [
            Incoming(text, language, at, Action(action), intent, None if reason == Reason.DOCUMENT else probability)
            for text, language, at, action, intent, probability, reason in connection.execute(query)
        ]
