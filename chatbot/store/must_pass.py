"""Questions that every version has to get right, as the desk keeps them: examples that are never learned from.

They answer customers like any other example; training only asks them. What is erased is gone from here too.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from chatbot.errors import NotFound
from chatbot.store.audit import append
from chatbot.store.engine import Database
from chatbot.store.knowledge import Changes, apply_in
from chatbot.store.tables import ExampleRow, IntentRow
from chatbot.text import text_key
from chatbot.types import OUT_OF_SCOPE, Agent, Example, Side, Status

SOURCE = "must_pass"


@dataclass(frozen=True, slots=True)
class MustPass:
    database: Database

    def all(self) -> list[Example]:
        """Newest first."""
        query = (
            select(ExampleRow)
            .where(ExampleRow.side == Side.MUST_PASS.value, ExampleRow.status == Status.APPROVED.value)
            .order_by(ExampleRow.id.desc())
        )
        with self.database.read() as session:
            return [Example(row.text, row.intent, row.language, id=row.id) for row in session.scalars(query)]

    def add(self, text: str, intent: str, *, language: str, by: Agent) -> int:
        """Its number. A text that is an example already is one no more for training. Raises NotFound."""
        with self.database.write() as session:
            if intent != OUT_OF_SCOPE and session.get(IntentRow, intent) is None:
                raise NotFound(f'no intent "{intent}"; choose one of the list')
            known = session.scalar(select(ExampleRow).where(ExampleRow.text_key == text_key(text)))
            if known is None or known.intent != intent or known.status != Status.APPROVED.value:
                apply_in(session, Changes(examples=(Example(text, intent, language, source=SOURCE),)))
            row = session.scalars(select(ExampleRow).where(ExampleRow.text_key == text_key(text))).one()
            row.side = Side.MUST_PASS.value
            append(session, who=by.name, what="must_pass.added", after={"example": row.id, "intent": intent})
            return row.id

    def remove(self, example_id: int, *, by: Agent) -> None:
        """It stays an example; the next training run decides on which side. Raises NotFound."""
        with self.database.write() as session:
            row = session.get(ExampleRow, example_id)
            if row is None or row.side != Side.MUST_PASS.value:
                raise NotFound("that question is none of those any more; load the page again")
            row.side = None
            append(session, who=by.name, what="must_pass.removed", before={"example": example_id, "intent": row.intent})
