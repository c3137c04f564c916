"""Why a turn was answered as it was: what a programmer or an agent asks first."""

from __future__ import annotations

from dataclasses import dataclass

from chatbot.errors import NotFound
from chatbot.store.engine import Database
from chatbot.store.tables import TurnRow
from chatbot.types import Reason


@dataclass(frozen=True, slots=True)
class Explanation:
    """`template_key` and `template_revision` name the approved answer, if one was given or asked a value for."""

    reason: Reason
    probability: float
    intent: str | None
    template_key: str | None
    template_revision: int | None
    model_version: str
    knowledge_revision: int


def explain(turn_id: str, *, database: Database) -> Explanation:
    with database.read() as session:
        row = session.get(TurnRow, turn_id)
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
        )
