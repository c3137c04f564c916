"""The newest turns of a conversation, as far as the next message may lean on them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from chatbot.store.tables import MessageRow, TurnRow
from chatbot.types import Action, Past, Reason

PAST_TURNS = 4

_NEWEST = (
    select(
        MessageRow.text,
        TurnRow.action,
        TurnRow.reason,
        TurnRow.created_at,
        TurnRow.template_key,
        TurnRow.asks_for,
        TurnRow.parts,
        TurnRow.follows_up,
    )
    .join(MessageRow, MessageRow.id == TurnRow.message_id)
    .where(MessageRow.conversation_id == bindparam("conversation"))
    .order_by(MessageRow.position.desc())
    .limit(PAST_TURNS)
)


def newest_turns(connection: Connection, conversation_id: str) -> tuple[Past, ...]:
    """At most PAST_TURNS of them, the newest first."""
    return tuple(_past(row) for row in connection.execute(_NEWEST, {"conversation": conversation_id}))


def _past(row: Row[Any]) -> Past:
    told = row.parts or [{"action": row.action, "template": row.template_key, "asks_for": row.asks_for}]
    return Past(
        row.text,
        Action(row.action),
        Reason(row.reason),
        row.created_at,
        answered=tuple(one["template"] for one in told if one["template"] and one["action"] == Action.ANSWER),
        asked=tuple(one["template"] for one in told if one["template"] and one["asks_for"]),
        asks_for=row.asks_for,
        follows_up=row.follows_up,
    )
