"""Storing turns: several conversations' newest turns with three statements, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from chatbot.store.exchanges import choices_of, message_key, no_conversation, repeated
from chatbot.store.group import MOST_TOGETHER
from chatbot.store.prepared import Prepared, Values
from chatbot.store.tables import ConversationRow
from chatbot.types import Decision, Exchange, Hit, Reading, Reason, Redacted, StoredMessage, Turn


@lru_cache(maxsize=MOST_TOGETHER)
def _places(count: int) -> TextClause:
    """For each of `count` turns: how far its conversation has come, and the message that has its key already.

    As a join with the values: SQLite reads `(conversation_id, key) IN (...)` by going through the whole table.
    """
    asked = ", ".join(f"(:conversation{number}, :key{number})" for number in range(count))
    return text(
        f"WITH asked (conversation, key) AS (VALUES {asked}) "
        "SELECT asked.conversation, asked.key, "
        "(SELECT max(position) FROM messages WHERE conversation_id = conversations.id) AS position, "
        "(SELECT id FROM messages WHERE conversation_id = conversations.id AND messages.key = asked.key) AS message_id "
        "FROM asked JOIN conversations ON conversations.id = asked.conversation"
    )


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A turn to store, with all that can be worked out before the transaction. `lines` still lack their positions."""

    turn: Turn
    key: str | None
    lines: tuple[Values, Values]
    row: Values
    exchange: Exchange
    statements: tuple[Prepared, Prepared]


def new_turn(turn: Turn, statements: tuple[Prepared, Prepared]) -> NewTurn:
    """`statements` add rows of `messages` and of `turns`."""
    messages, turns = statements
    key = message_key(turn.conversation_id, turn.key)
    # The reply is stamped after the question even on a clock of coarse ticks.
    after = turn.created_at + timedelta(microseconds=1)
    lines = (
        messages.ready(_line(turn.message_id, turn, "customer", turn.query, key, turn.created_at)),
        messages.ready(_line(turn.reply_id, turn, "bot", turn.reply, None, after)),
    )
    row = _turn_row(turn)
    return NewTurn(turn, key, lines, turns.ready(row), _exchange(turn, row, after), statements)


def save_turns(session: Session, news: Sequence[NewTurn]) -> Sequence[Exchange | Exception]:
    """Store several turns with three statements; of those with one idempotency key only the first is new."""
    outcomes: list[Exchange | Exception | str] = []  # a string is the id of the message that has the key
    stored: list[NewTurn] = []
    last, known = _places_of(session, news)
    for new in news:
        conversation = new.turn.conversation_id
        if conversation not in last:
            outcomes.append(no_conversation(conversation))
        elif new.key is not None and new.key in known:
            outcomes.append(known[new.key])
        else:
            for line in new.lines:
                last[conversation] = line["position"] = last[conversation] + 1
            if new.key:
                known[new.key] = new.turn.message_id
            stored.append(new)
            outcomes.append(new.exchange)
    if stored:
        connection, (add_messages, add_turns) = session.connection(), stored[0].statements
        add_messages.add(connection, [line for new in stored for line in new.lines])
        add_turns.add(connection, [new.row for new in stored])
    return [repeated(session, outcome) if isinstance(outcome, str) else outcome for outcome in outcomes]


def _places_of(session: Session, news: Sequence[NewTurn]) -> tuple[dict[str, int], dict[str, str]]:
    """The last position of each conversation that is there, and the messages that have one of the turns' keys."""
    connection = session.connection()
    if connection.dialect.name != "sqlite":  # there others write at the same time: nobody else may take the same place
        here = ConversationRow.id.in_({new.turn.conversation_id for new in news})
        connection.execute(select(ConversationRow.id).where(here).order_by(ConversationRow.id).with_for_update())
    values: dict[str, str | None] = {}
    for number, new in enumerate(news):
        values[f"conversation{number}"] = new.turn.conversation_id
        values[f"key{number}"] = new.key
    found = connection.execute(_places(len(news)), values).all()
    last = {conversation: position or 0 for conversation, _, position, _ in found}
    return last, {key: message_id for _, key, _, message_id in found if message_id}


def _line(id: str, turn: Turn, role: str, text: Redacted, key: str | None, at: datetime) -> Values:
    return {
        "id": id,
        "conversation_id": turn.conversation_id,
        "position": 0,
        "role": role,
        "text": text.text,
        "key": key,
        "created_at": at,
    }


def _exchange(turn: Turn, row: dict[str, Any], after: datetime) -> Exchange:
    """The two lines as a transcript would read them."""
    return Exchange(
        StoredMessage(turn.message_id, "customer", turn.query.text, turn.created_at),
        StoredMessage(
            turn.reply_id,
            "bot",
            turn.reply.text,
            after,
            action=turn.answer.decision.action,
            choices=choices_of(row["choices"]),
            turn_id=turn.id,
        ),
    )


def _turn_row(turn: Turn) -> dict[str, Any]:
    """The values of a row of `turns`, by column."""
    decision = turn.answer.decision
    return {
        "id": turn.id,
        "conversation_id": turn.conversation_id,
        "message_id": turn.message_id,
        "reply_id": turn.reply_id,
        "action": decision.action,
        "reason": Reason(decision.reason),
        "probability": decision.probability,
        "intent": decision.intent,
        "template_key": decision.template.key if decision.template else None,
        "template_revision": decision.template.revision if decision.template else None,
        "asks_for": decision.asks_for,
        "choices": [
            {"intent": c.intent, "title": c.title, "probability": round(c.probability, 6)} for c in decision.choices
        ],
        "reading": _reading(turn.answer.reading),
        "hits": [_hit(hit) for hit in turn.answer.hits],
        "parts": [_part(part.decision) for part in turn.answer.parts],
        "follows_up": turn.answer.follows_up,
        "language": turn.answer.language,
        "model_version": turn.model_version,
        "knowledge_revision": turn.knowledge_revision,
        "latency_ms": turn.latency_ms,
        "created_at": turn.created_at,
    }


def _part(decision: Decision) -> dict[str, Any]:
    return {
        "action": decision.action,
        "reason": decision.reason,
        "intent": decision.intent,
        "template": decision.template.key if decision.template else None,
        "revision": decision.template.revision if decision.template else None,
        "asks_for": decision.asks_for,
        "probability": round(decision.probability, 6),
    }


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
