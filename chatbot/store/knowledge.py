"""Templates, examples, intents, facts and passages: what the operator knows, with a revision number for each change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from chatbot.store.engine import Database
from chatbot.store.passages import read_passages, write_passages
from chatbot.store.tables import (
    EmbeddingRow,
    ExampleRow,
    FactRow,
    IntentRow,
    KnowledgeRevisionRow,
    TemplateRevisionRow,
    TemplateRow,
)
from chatbot.text import text_key
from chatbot.types import Example, Fact, Intent, Passage, Status, Template, Vector

_REVISION = select(KnowledgeRevisionRow.revision)  # asked for with each message, so it is built once
_EXAMPLES = select(
    ExampleRow.text,
    ExampleRow.intent,
    ExampleRow.language,
    ExampleRow.template,
    ExampleRow.source,
    ExampleRow.split_group,
    ExampleRow.status,
    ExampleRow.id,
).order_by(ExampleRow.id)
KEYS_PER_QUERY = 5000  # databases bound the number of values in one statement

_STATUS = {status.value: status for status in Status}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the operator knows at one revision, read in one transaction."""

    revision: int
    intents: tuple[Intent, ...] = ()
    facts: tuple[Fact, ...] = ()
    templates: tuple[Template, ...] = ()
    examples: tuple[Example, ...] = ()
    passages: tuple[Passage, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.templates or self.examples or self.passages)


@dataclass(frozen=True, slots=True)
class Changes:
    """New or changed records; what is new is told by its identity: name, template key, text of an example,
    document and words of a passage."""

    intents: tuple[Intent, ...] = ()
    facts: tuple[Fact, ...] = ()
    templates: tuple[Template, ...] = ()
    examples: tuple[Example, ...] = ()
    passages: tuple[Passage, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.intents or self.facts or self.templates or self.examples or self.passages)


class KnowledgeStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> int:
        """How often the knowledge was changed; 0 for an untouched database."""
        found = self._database.first(_REVISION, {})
        return found.revision if found else 0

    def snapshot(self) -> Snapshot:
        with self._database.read() as session:
            return Snapshot(
                revision=_revision(session),
                intents=tuple(
                    Intent(row.name, dict(row.titles))
                    for row in session.scalars(select(IntentRow).order_by(IntentRow.name))
                ),
                facts=tuple(
                    Fact(row.name, row.value) for row in session.scalars(select(FactRow).order_by(FactRow.name))
                ),
                templates=tuple(
                    template_of(row) for row in session.scalars(select(TemplateRow).order_by(TemplateRow.id))
                ),
                # Ten thousand of them are read after each correction: as columns that takes a fifth of the time.
                examples=tuple(_example(row) for row in session.execute(_EXAMPLES)),
                passages=read_passages(session),
            )

    def apply(self, changes: Changes) -> int:
        """Write all changes in one transaction and return the new revision; nothing to write keeps the old one."""
        with self._database.write() as session:
            return apply_in(session, changes)

    def vectors(self, encoder: str, keys: Sequence[str]) -> dict[str, Vector]:
        """Stored vectors of one encoder by text key; keys without one are left out."""
        found: dict[str, Vector] = {}
        with self._database.read() as session:
            for start in range(0, len(keys), KEYS_PER_QUERY):
                query = select(EmbeddingRow.text_key, EmbeddingRow.vector).where(
                    EmbeddingRow.encoder == encoder, EmbeddingRow.text_key.in_(keys[start : start + KEYS_PER_QUERY])
                )
                found.update((key, np.frombuffer(blob, dtype="<f4")) for key, blob in session.execute(query))
        return found

    def keep_vectors(self, encoder: str, vectors: Mapping[str, Vector]) -> None:
        """Store vectors by text key; those already there stay."""
        with self._database.write() as session:
            keep_in(session, encoder, vectors)

    def drop_vectors(self, encoders: Iterable[str]) -> None:
        """Forget the vectors of encoders that no version uses any more."""
        with self._database.write() as session:
            session.execute(delete(EmbeddingRow).where(EmbeddingRow.encoder.in_(list(encoders))))


def apply_in(session: Session, changes: Changes, *, by: str | None = None, review_id: int | None = None) -> int:
    """As `KnowledgeStore.apply`, within a transaction that writes more: `by` is who wrote the templates, and
    `review_id` the review that confirmed the examples."""
    if not changes:
        return _revision(session)
    for intent in changes.intents:
        session.merge(IntentRow(name=intent.name, titles=dict(intent.titles)))
    for fact in changes.facts:
        session.merge(FactRow(name=fact.name, value=fact.value))
    _write_templates(session, changes.templates, by)
    _write_examples(session, changes.examples, review_id)
    write_passages(session, changes.passages)
    _name_missing_intents(session, changes)
    return bump(session)


def keep_in(session: Session, encoder: str, vectors: Mapping[str, Vector]) -> None:
    """As `KnowledgeStore.keep_vectors`, within a transaction that writes more."""
    known: set[str] = set()
    keys = list(vectors)
    for start in range(0, len(keys), KEYS_PER_QUERY):
        here = EmbeddingRow.text_key.in_(keys[start : start + KEYS_PER_QUERY])
        known.update(session.scalars(select(EmbeddingRow.text_key).where(EmbeddingRow.encoder == encoder, here)))
    rows = [
        {"encoder": encoder, "text_key": key, "vector": vector.astype("<f4").tobytes()}
        for key, vector in vectors.items()
        if key not in known
    ]
    if rows:
        session.execute(insert(EmbeddingRow), rows)


def _revision(session: Session) -> int:
    return session.scalar(_REVISION) or 0


def bump(session: Session) -> int:
    """Say that the knowledge has changed: running bots then read it again."""
    row = session.scalars(select(KnowledgeRevisionRow).with_for_update()).first()
    if row is None:
        row = KnowledgeRevisionRow(id=1, revision=0, updated_at=datetime.now(UTC))
        session.add(row)
    row.revision += 1
    row.updated_at = datetime.now(UTC)
    return row.revision


def _write_templates(session: Session, templates: Sequence[Template], by: str | None) -> None:
    now = datetime.now(UTC)
    known = _known(session, TemplateRow.key, [template.key for template in templates])
    for template in templates:
        row = known.get(template.key)
        if row is None:
            row = TemplateRow(key=template.key, revision=0)
            session.add(row)
            known[template.key] = row
        row.intent, row.language, row.body = template.intent, template.language, template.body
        row.status, row.valid_from, row.valid_until = (
            template.status,
            template.valid_from,
            template.valid_until,
        )
        row.owner, row.source, row.updated_at = template.owner, template.source, now
        row.revision += 1
        session.flush()
        session.add(
            TemplateRevisionRow(
                template_id=row.id,
                revision=row.revision,
                body=row.body,
                status=row.status,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                created_at=now,
                by=by,
            )
        )


def _write_examples(session: Session, examples: Iterable[Example], review_id: int | None) -> None:
    now = datetime.now(UTC)
    incoming = {text_key(example.text): example for example in examples}
    if not incoming:
        return
    known = _known(session, ExampleRow.text_key, list(incoming))
    new = []
    for key, example in incoming.items():
        row = known.get(key)
        if row is not None:  # the split group stays what it was first: a text must not drift from holdout to training
            row.intent, row.template, row.status = example.intent, example.template, example.status
            row.language, row.source, row.review_id = example.language, example.source, review_id
            continue
        new.append(
            {
                "text": example.text,
                "text_key": key,
                "intent": example.intent,
                "language": example.language,
                "template": example.template,
                "source": example.source,
                "split_group": example.group or _group(example.text),
                "status": example.status.value,
                "created_at": now,
                "review_id": review_id,
            }
        )
    session.flush()
    if new:
        session.execute(insert(ExampleRow), new)


def _known(session: Session, column: InstrumentedAttribute[str], keys: Sequence[str]) -> dict[str, Any]:
    """The rows that stand under some of these keys already, by key."""
    found: dict[str, Any] = {}
    for start in range(0, len(keys), KEYS_PER_QUERY):
        here = column.in_(keys[start : start + KEYS_PER_QUERY])
        found.update((getattr(row, column.key), row) for row in session.scalars(select(column.class_).where(here)))
    return found


def _group(text: str) -> str:
    """The default split group: texts that differ only in digits and punctuation share one."""
    letters = "".join(character for character in text.casefold() if character.isalpha())
    return hashlib.sha256(letters.encode("utf-8", "replace")).hexdigest()[:32]


def _name_missing_intents(session: Session, changes: Changes) -> None:
    known = set(session.scalars(select(IntentRow.name)))
    used = {template.intent for template in changes.templates} | {example.intent for example in changes.examples}
    for name in sorted(used - known - {""}):
        session.add(IntentRow(name=name, titles={}))


def template_of(row: TemplateRow) -> Template:
    return Template(
        key=row.key,
        intent=row.intent,
        body=row.body,
        language=row.language,
        status=Status(row.status),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        owner=row.owner,
        source=row.source,
        revision=row.revision,
        id=row.id,
    )


def _example(row: Sequence[Any]) -> Example:
    text, intent, language, template, source, group, status, number = row
    return Example(text, intent, language, template, source, group, _STATUS[status], number)


def same_template(one: Template, other: Template) -> bool:
    """Whether two records say the same, whatever their id and revision."""
    return replace(one, id=0, revision=1) == replace(other, id=0, revision=1)


def same_example(one: Example, other: Example) -> bool:
    """Whether two records say the same, whatever their id and group."""
    return replace(one, id=0, group="") == replace(other, id=0, group="")
