"""Settling conflicts of the knowledge: labels moved, intents split and merged, answers merged, or all of it kept.

What moves examples one by one is written as a review, so that it can be undone at the desk like any other decision.
Every change stands in one transaction with its row of the audit log.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from chatbot.errors import NotFound, NotNow
from chatbot.store.audit import append
from chatbot.store.drafts import free_key
from chatbot.store.engine import Database
from chatbot.store.knowledge import Changes, apply_in, bump
from chatbot.store.lessons import REVIEWED, Step, teach
from chatbot.store.tables import (
    ExampleRow,
    IntentRow,
    KeptConflictRow,
    ReviewRow,
    TemplateDraftRow,
    TemplateRevisionRow,
    TemplateRow,
)
from chatbot.types import OUT_OF_SCOPE, Agent, Example, Judgement, Status, Template

_AT_ONCE = 500  # reviews in memory


@dataclass(frozen=True, slots=True)
class Settling:
    database: Database

    def kept(self) -> frozenset[str]:
        with self.database.look() as connection:
            return frozenset(connection.scalars(select(KeptConflictRow.key)))

    def keep(self, key: str, *, by: Agent) -> None:
        """Leave a conflict as it is; twice is harmless."""
        with self.database.write() as session:
            if session.get(KeptConflictRow, key) is None:
                session.add(KeptConflictRow(key=key, agent_id=by.id, created_at=datetime.now(UTC)))
                append(session, who=by.name, what="conflict.kept", after={"conflict": key})

    def move(self, example_id: int, intent: str, *, by: Agent) -> str:
        """Give one example another label; its text. Raises NotFound."""
        with self.database.write() as session:
            if intent != OUT_OF_SCOPE and session.get(IntentRow, intent) is None:
                raise NotFound(f'no intent "{intent}"; choose one of the list')
            rows = _examples(session, [example_id])
            before = {"example": example_id, "intent": rows[0].intent}
            review = _teach(session, rows, intent, Judgement.RELABEL, by, titles=None)
            append(
                session,
                who=by.name,
                what="example.moved",
                before=before,
                after={"example": example_id, "intent": intent, "review": review.id},
            )
            return rows[0].text

    def split(self, example_ids: Sequence[int], intent: str, *, title: str, language: str, by: Agent) -> list[str]:
        """Make a new intent of some examples; their texts. Raises NotFound, or NotNow for an intent that is there."""
        with self.database.write() as session:
            if session.get(IntentRow, intent) is not None:
                raise NotNow(f'there is an intent "{intent}" already; choose another name')
            rows = _examples(session, example_ids)
            titles = {language: title} if title else {}
            before = {"intents": sorted({row.intent for row in rows})}
            review = _teach(session, rows, intent, Judgement.NEW_INTENT, by, titles=titles)
            # What a new intent is called may be made of a customer's words, and what stands here stays for ever.
            after = {"examples": len(rows), "review": review.id}
            append(session, who=by.name, what="intent.split", before=before, after=after)
            return [row.text for row in rows]

    def merge_intents(self, gone: str, into: str, *, by: Agent) -> list[str]:
        """All examples of one intent become another's; the texts that moved. Raises NotFound.

        The model of today still takes questions for the intent that is gone, until the next training. So its answers
        stay live, and where the other intent has none, it gets a copy of them.
        """
        with self.database.write() as session:
            old = session.get(IntentRow, gone)
            if old is None or session.get(IntentRow, into) is None:
                raise NotFound(f'no intent "{into if old else gone}"; it may have been merged already')
            examples = list(
                session.scalars(select(ExampleRow).where(ExampleRow.intent == gone).order_by(ExampleRow.id))
            )
            copies = {} if _answers(session, into) else _copy_answers(session, gone, into, by)
            for example in examples:
                example.intent, example.template = into, copies.get(example.template or "", example.template)

            def merged(was: Mapping[str, Any]) -> dict[str, Any]:
                if was["intent"] != gone:
                    return {}
                return {"intent": into, "template": copies.get(was["template"] or "", was["template"])}

            _amend_undo(session, merged)
            session.execute(update(TemplateDraftRow).where(TemplateDraftRow.intent == gone).values(intent=into))
            session.delete(old)
            bump(session)
            before = {"intent": gone, "examples": [row.id for row in examples]}
            after = {"intent": into, "copied": sorted(copies.values())}
            append(session, who=by.name, what="intent.merged", before=before, after=after)
            return [row.text for row in examples]

    def merge_templates(self, gone: str, into: str, *, by: Agent) -> None:
        """Retire one answer for another of the same intent, which then answers its examples.

        Raises NotFound, or NotNow where the two belong to different intents: one of them would be left without.
        """
        with self.database.write() as session:
            old, new = (_template(session, key) for key in (gone, into))
            asked = session.scalar(select(ExampleRow.id).where(ExampleRow.intent == old.intent).limit(1))
            if old.intent != new.intent and asked is not None:
                raise NotNow(
                    f'these answer two intents, "{old.intent}" and "{new.intent}"; merge the intents first, '
                    "or one of them would have no answer left"
                )
            old.status = Status.RETIRED
            _revise(session, old, by)
            moved = select(ExampleRow.id).where(ExampleRow.template == gone)
            examples = list(session.scalars(moved.order_by(ExampleRow.id)))
            session.execute(update(ExampleRow).where(ExampleRow.template == gone).values(template=into))
            _amend_undo(session, lambda was: {"template": into} if was["template"] == gone else {})
            bump(session)
            before = {"key": gone, "examples": examples}
            append(session, who=by.name, what="template.merged", before=before, after={"key": into})


def _examples(session: Session, ids: Sequence[int]) -> list[ExampleRow]:
    rows = [session.get(ExampleRow, number) for number in dict.fromkeys(ids)]
    found = [row for row in rows if row is not None and row.status == Status.APPROVED]
    if not found or len(found) < len(rows):
        raise NotFound("one of these examples is not there any more; load the page again")
    return found


def _teach(
    session: Session,
    rows: Sequence[ExampleRow],
    intent: str,
    judgement: Judgement,
    by: Agent,
    *,
    titles: dict[str, str] | None,
) -> ReviewRow:
    review = ReviewRow(
        agent_id=by.id,
        verdict=judgement,
        intent=intent,
        batch=secrets.token_urlsafe(12),
        undo=[],
        created_at=datetime.now(UTC),
    )
    session.add(review)
    session.flush()
    examples = [Example(row.text, intent, language=row.language, source=REVIEWED) for row in rows]
    review.undo = teach(session, review, examples, titles=titles)
    return review


def _amend_undo(session: Session, merged: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Undoing a decision of before a merge puts an example where the merge would have put it.

    `merged` gives what is different in such an earlier state.
    """
    standing = select(ReviewRow.id, ReviewRow.undo).where(ReviewRow.undone_at.is_(None))
    changed = []
    for number, undo in session.execute(standing.execution_options(yield_per=_AT_ONCE)):
        steps = [_amended(step, merged) for step in undo]
        if steps != undo:
            changed.append({"id": number, "undo": steps})
    if changed:
        session.execute(update(ReviewRow), changed)


def _amended(step: Step, merged: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Step:
    was = step.get("before")
    return step | {"before": was | merged(was)} if was else step


def _answers(session: Session, intent: str) -> list[TemplateRow]:
    live = select(TemplateRow).where(TemplateRow.intent == intent, TemplateRow.status == Status.APPROVED)
    return list(session.scalars(live.order_by(TemplateRow.key)))


def _copy_answers(session: Session, gone: str, into: str, by: Agent) -> dict[str, str]:
    """The keys of the copies by those of the answers; wordings of one answer stay together."""
    names: dict[str, str] = {}
    copies = []
    for row in _answers(session, gone):
        answer, mark, wording = row.key.partition(".")
        if answer not in names:
            names[answer] = free_key(session, into if not names else f"{into}-{len(names) + 1}")
        copies.append((row, f"{names[answer]}{mark}{wording}"))
    made = tuple(
        Template(
            key,
            into,
            row.body,
            row.language,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            owner=row.owner,
            source=row.source,
        )
        for row, key in copies
    )
    apply_in(session, Changes(templates=made), by=by.name)
    return {row.key: key for row, key in copies}


def _template(session: Session, key: str) -> TemplateRow:
    row = session.scalars(select(TemplateRow).where(TemplateRow.key == key)).first()
    if row is None or row.status != Status.APPROVED:
        raise NotFound(f'no answer "{key}" is live; it may have been merged already')
    return row


def _revise(session: Session, row: TemplateRow, by: Agent) -> None:
    """A new revision of a template that has changed but for its words."""
    now = datetime.now(UTC)
    row.revision += 1
    row.updated_at = now
    session.add(
        TemplateRevisionRow(
            template_id=row.id,
            revision=row.revision,
            body=row.body,
            status=row.status,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            created_at=now,
            by=by.name,
        )
    )
