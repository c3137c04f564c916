"""Why a turn was answered as it was: what a programmer or an agent asks first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from chatbot.errors import NotFound
from chatbot.store.engine import Database
from chatbot.store.passages import read_passage
from chatbot.store.tables import TurnRow
from chatbot.types import Action, Passage, Reason

_EXPLAINED = select(
    TurnRow.reason,
    TurnRow.probability,
    TurnRow.intent,
    TurnRow.template_key,
    TurnRow.template_revision,
    TurnRow.model_version,
    TurnRow.knowledge_revision,
    TurnRow.parts,
    TurnRow.follows_up,
    TurnRow.hits,
).where(TurnRow.id == bindparam("turn"))


@dataclass(frozen=True, slots=True)
class Part:
    """One of several questions in a message, and why it was answered as it was."""

    action: Action
    reason: Reason
    probability: float
    intent: str | None
    template_key: str | None
    template_revision: int | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`template_key` and `template_revision` name the approved answer, if one was given or asked a value for.

    `parts` are there for a message with several questions, in their order. `follows_up` says that the message was read
    together with the question before it. `passage` is what was quoted from a document.
    """

    reason: Reason
    probability: float
    intent: str | None
    template_key: str | None
    template_revision: int | None
    model_version: str
    knowledge_revision: int
    parts: tuple[Part, ...] = ()
    follows_up: bool = False
    passage: Passage | None = None


def explain(turn_id: str, *, database: Database) -> Explanation:
    row = database.first(_EXPLAINED, {"turn": turn_id})
    if row is None:
        raise NotFound(f'no turn "{turn_id[:64]}"')
    return Explanation(
        reason=Reason(row.reason),
        probability=row.probability,
        intent=row.intent,
        template_key=row.template_key,
        template_revision=row.template_revision,
        model_version=row.model_version,
        knowledge_revision=row.knowledge_revision,
        parts=tuple(_part(part) for part in row.parts),
        follows_up=row.follows_up,
        passage=_quoted(database, row) if row.reason == Reason.DOCUMENT else None,
    )


def _quoted(database: Database, row: Row[Any]) -> Passage | None:
    """The passage is the last hit of a turn that was answered from a document. It is never deleted."""
    key = next((hit["key"] for hit in reversed(row.hits) if hit["kind"] == "passage"), "")
    number = key.rpartition("#")[2]
    if not number.isdecimal():
        return None
    with database.read() as session:
        return read_passage(session, int(number))


def _part(stored: Mapping[str, Any]) -> Part:
    return Part(
        action=Action(stored["action"]),
        reason=Reason(stored["reason"]),
        probability=stored["probability"],
        intent=stored["intent"],
        template_key=stored["template"],
        template_revision=stored["revision"],
    )
