"""Templates as people write them: drafts that wait for a lead, revisions, and who wrote each.

Every change stands in one transaction with its row of the audit log, which holds keys and numbers and no words.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from chatbot.errors import NotFound, NotNow
from chatbot.store.audit import append
from chatbot.store.engine import Database
from chatbot.store.knowledge import Changes, apply_in, template_of
from chatbot.store.tables import AgentRow, TemplateDraftRow, TemplateRevisionRow, TemplateRow
from chatbot.types import Agent, Role, Status, Template

SOURCE = "desk"
OPEN, APPROVED, REJECTED = "open", "approved", "rejected"

_AUTHOR = aliased(AgentRow)


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed wording. It is stale where the live one was changed after it was written; `live_body` and
    `live_revision` are None where there is none yet. `digest` is of all that approving would put live."""

    id: int
    template: Template
    by: str
    at: datetime
    live_body: str | None
    live_revision: int | None
    stale: bool
    digest: str


@dataclass(frozen=True, slots=True)
class Revision:
    revision: int
    body: str
    status: Status
    valid_from: date | None
    valid_until: date | None
    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True)
class Saved:
    """One of the two: the revision that is live now, or the draft that waits."""

    revision: int | None = None
    draft: int | None = None


@dataclass(frozen=True, slots=True)
class Drafts:
    database: Database

    def templates(self) -> list[Template]:
        """All that are live or were, by key."""
        with self.database.read() as session:
            return [template_of(row) for row in session.scalars(select(TemplateRow).order_by(TemplateRow.key))]

    def template(self, key: str) -> Template | None:
        with self.database.read() as session:
            row = _row(session, key)
            return template_of(row) if row else None

    def revisions(self, key: str) -> list[Revision]:
        """The newest first."""
        query = (
            select(TemplateRevisionRow)
            .join(TemplateRow, TemplateRow.id == TemplateRevisionRow.template_id)
            .where(TemplateRow.key == key)
            .order_by(TemplateRevisionRow.revision.desc())
        )
        with self.database.read() as session:
            return [
                Revision(
                    row.revision, row.body, Status(row.status), row.valid_from, row.valid_until, row.created_at, row.by
                )
                for row in session.scalars(query)
            ]

    def open(self, key: str | None = None) -> list[Draft]:
        """What waits for a lead, the oldest first."""
        query = _drafts().where(TemplateDraftRow.status == OPEN).order_by(TemplateDraftRow.id)
        if key is not None:
            query = query.where(TemplateDraftRow.key == key)
        with self.database.read() as session:
            return [_draft(row, author, live) for row, author, live in session.execute(query)]

    def counts(self) -> dict[str, int]:
        """Open drafts by key."""
        query = select(TemplateDraftRow.key, func.count()).where(TemplateDraftRow.status == OPEN)
        with self.database.look() as connection:
            found: Counter[str] = Counter()
            for key, count in connection.execute(query.group_by(TemplateDraftRow.key)):
                found[key] = count
            return found

    def save(self, template: Template, *, by: Agent) -> Saved:
        """A lead's wording is live at once, an agent's becomes a draft. Raises NotNow for a key of another answer."""
        with self.database.write() as session:
            return save_in(session, template, by=by)

    def restore(self, key: str, revision: int, *, by: Agent) -> Saved:
        """An earlier wording once more, as a new revision. Raises NotFound."""
        with self.database.write() as session:
            row = _row(session, key)
            earlier = session.get(TemplateRevisionRow, (row.id, revision)) if row else None
            if row is None or earlier is None:
                raise NotFound(f'the answer "{key}" has no revision {revision}')
            template = replace(
                template_of(row), body=earlier.body, valid_from=earlier.valid_from, valid_until=earlier.valid_until
            )
            return save_in(session, template, by=by, what="template.restored", of=revision)

    def begin(self, intent: str, *, language: str, by: Agent) -> str:
        """An empty draft for an intent that has no answer yet; its key."""
        with self.database.write() as session:
            key = free_key(session, intent)
            draft = _propose(session, Template(key, intent, "", language), by, based_on=None)
            # Not the key: it is made of the intent's name, which may have been proposed in customers' words.
            append(session, who=by.name, what="template.begun", after={"draft": draft})
            return key

    def approve(
        self, draft_id: int, *, digest: str, live_revision: int | None, sound: Callable[[Template], object], by: Agent
    ) -> Saved:
        """Put a draft live, under its author's name: exactly the words that were shown, over the ones beside them.

        `sound` raises for a wording that cannot go live. Raises NotNow for a draft with nothing in it, one already
        decided, and one that has changed since `digest` and `live_revision` were read, as the live answer may have.
        """
        with self.database.write() as session:
            row, author = _open_draft(session, draft_id)
            template = _proposed(row)
            before = _revision_of(session, row.key)
            if digest_of(template) != digest:
                raise NotNow("this draft was rewritten after you opened it; read it again")
            if live_revision != (before["revision"] if before else None):
                raise NotNow("the live answer was changed after you opened this draft; compare the two again")
            if not row.body.strip():
                raise NotNow("nothing is written in this draft yet")
            sound(template)
            _check_key(session, template)
            revision = _write(session, template, by=author)
            _settle(row, APPROVED, by)
            after = {"key": row.key, "revision": revision, "draft": row.id, "author": author}
            append(session, who=by.name, what="template.approved", before=before, after=after)
            return Saved(revision=revision)

    def reject(self, draft_id: int, *, by: Agent) -> None:
        with self.database.write() as session:
            row, author = _open_draft(session, draft_id)
            _settle(row, REJECTED, by)
            after = {"key": row.key, "draft": row.id, "author": author}
            append(session, who=by.name, what="template.rejected", after=after)


def save_in(
    session: Session, template: Template, *, by: Agent, what: str = "template.saved", of: int | None = None
) -> Saved:
    """As `Drafts.save`, within a transaction that writes more; `of` is the revision that is restored."""
    _check_key(session, template)
    about: dict[str, Any] = {"key": template.key} | ({"of": of} if of is not None else {})
    before = _revision_of(session, template.key)
    if by.role.covers(Role.LEAD):
        revision = _write(session, template, by=by.name)
        for empty in session.scalars(_open_of(template.key).where(TemplateDraftRow.body == "")):
            _settle(empty, APPROVED, by)
        append(session, who=by.name, what=what, before=before, after=about | {"revision": revision})
        return Saved(revision=revision)
    draft = _propose(session, template, by, based_on=before["revision"] if before else None)
    append(session, who=by.name, what=f"{what}.draft", before=before, after=about | {"draft": draft})
    return Saved(draft=draft)


def _write(session: Session, template: Template, *, by: str) -> int:
    known = _row(session, template.key)
    source = known.source if known else SOURCE
    apply_in(session, Changes(templates=(replace(template, status=Status.APPROVED, source=source),)), by=by)
    session.flush()
    row = _row(session, template.key)
    assert row is not None, "it was written just now"
    return row.revision


def _propose(session: Session, template: Template, by: Agent, *, based_on: int | None) -> int:
    """A new draft, or the author's own one anew; an empty one is there to be written by anybody."""
    mine = (TemplateDraftRow.agent_id == by.id) | (TemplateDraftRow.body == "")
    row = session.scalars(_open_of(template.key).where(mine).order_by(TemplateDraftRow.id)).first()
    if row is None:
        row = TemplateDraftRow(key=template.key, status=OPEN)
        session.add(row)
    row.intent, row.language, row.body, row.owner = template.intent, template.language, template.body, template.owner
    row.valid_from, row.valid_until = template.valid_from, template.valid_until
    row.based_on, row.agent_id, row.created_at = based_on, by.id, datetime.now(UTC)
    session.flush()
    return row.id


def _check_key(session: Session, template: Template) -> None:
    """A key keeps its intent and language, and a new one may not call itself a wording of another intent's answer.

    Raises NotNow.
    """
    known = _row(session, template.key)
    if known is not None and known.language != template.language:
        raise NotNow(
            f'"{known.key}" is in the language "{known.language}"; a wording in another one needs a key of its own, '
            f'such as "{template.answer}.{template.language}"'
        )
    answer = template.answer
    wordings = (TemplateRow.key == answer) | TemplateRow.key.startswith(f"{answer}.", autoescape=True)
    same = TemplateRow.key == template.key if known is not None else wordings
    row = session.scalars(select(TemplateRow).where(same, TemplateRow.intent != template.intent)).first()
    if row is not None:
        raise NotNow(f'"{row.key}" answers the intent "{row.intent}"; choose a key that begins otherwise')


def digest_of(template: Template) -> str:
    """SHA-256 (hex) of a wording and of what it is to be: what somebody reads is known by it again."""
    days = [day.isoformat() if day else None for day in (template.valid_from, template.valid_until)]
    told = [template.key, template.intent, template.language, template.body, template.owner, *days]
    return hashlib.sha256(json.dumps(told).encode("ascii")).hexdigest()


def free_key(session: Session, intent: str) -> str:
    """The intent's name, without dots, which would make it a wording of another answer."""
    name, number = intent.replace(".", "_")[:190], 1
    key = name
    while _row(session, key) is not None or session.scalars(_open_of(key)).first() is not None:
        number += 1
        key = f"{name}-{number}"
    return key


def _row(session: Session, key: str) -> TemplateRow | None:
    return session.scalars(select(TemplateRow).where(TemplateRow.key == key)).first()


def _revision_of(session: Session, key: str) -> dict[str, Any] | None:
    row = _row(session, key)
    return {"key": key, "revision": row.revision} if row else None


def _open_of(key: str) -> Select[TemplateDraftRow]:
    return select(TemplateDraftRow).where(TemplateDraftRow.key == key, TemplateDraftRow.status == OPEN)


def _open_draft(session: Session, draft_id: int) -> tuple[TemplateDraftRow, str]:
    """With its author's name."""
    row = session.get(TemplateDraftRow, draft_id, with_for_update=True)
    if row is None:
        raise NotFound(f"no draft {draft_id}")
    if row.status != OPEN:
        raise NotNow(f"this draft was {row.status} already")
    return row, session.get_one(AgentRow, row.agent_id).name


def _settle(row: TemplateDraftRow, status: str, by: Agent) -> None:
    row.status, row.decided_by, row.decided_at = status, by.id, datetime.now(UTC)


def _drafts() -> Select[TemplateDraftRow, str, TemplateRow]:
    return (
        select(TemplateDraftRow, _AUTHOR.name, TemplateRow)
        .join(_AUTHOR, _AUTHOR.id == TemplateDraftRow.agent_id)
        .outerjoin(TemplateRow, TemplateRow.key == TemplateDraftRow.key)
    )


def _draft(row: TemplateDraftRow, author: str, live: TemplateRow | None) -> Draft:
    template, revision = _proposed(row), live.revision if live else None
    return Draft(
        id=row.id,
        template=template,
        by=author,
        at=row.created_at,
        live_body=live.body if live else None,
        live_revision=revision,
        stale=revision != row.based_on,
        digest=digest_of(template),
    )


def _proposed(row: TemplateDraftRow) -> Template:
    return Template(
        key=row.key,
        intent=row.intent,
        body=row.body,
        language=row.language,
        status=Status.PROPOSED,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        owner=row.owner,
        revision=row.based_on or 0,
    )
