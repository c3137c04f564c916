"""Passages of documents in the database: read and written as a part of the knowledge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from chatbot.store.tables import PassageRow
from chatbot.types import Passage, Status


def passage_key(passage: Passage) -> str:
    """SHA-256 (hex) of title and words to the letter, as they are quoted: what makes two passages of one document the
    same. Place, link and dates may change."""
    return hashlib.sha256(f"{passage.title}\n{passage.body}".encode("utf-8", "replace")).hexdigest()


def read_passages(session: Session) -> tuple[Passage, ...]:
    return tuple(_passage(row) for row in session.scalars(select(PassageRow).order_by(PassageRow.id)))


def read_passage(session: Session, number: int) -> Passage | None:
    row = session.get(PassageRow, number)
    return _passage(row) if row else None


def write_passages(session: Session, passages: Iterable[Passage]) -> None:
    """New ones are added; those that are known keep their id, as turns refer to it."""
    incoming = list(passages)
    if not incoming:
        return
    now = datetime.now(UTC)
    known = {(row.document, row.text_key): row for row in session.scalars(select(PassageRow))}
    for passage in incoming:
        key = passage_key(passage)
        row = known.get((passage.document, key))
        if row is None:
            row = known[passage.document, key] = PassageRow(document=passage.document, text_key=key)
            session.add(row)
        row.title, row.body, row.link = passage.title, passage.body, passage.link
        row.language, row.status, row.position = passage.language, passage.status, passage.position
        row.valid_from, row.valid_until = passage.valid_from, passage.valid_until
        row.updated_at = now


def same_passage(one: Passage, other: Passage) -> bool:
    """Whether two records say the same, whatever their id."""
    return replace(one, id=0) == replace(other, id=0)


def _passage(row: PassageRow) -> Passage:
    return Passage(
        document=row.document,
        title=row.title,
        body=row.body,
        link=row.link,
        language=row.language,
        status=Status(row.status),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        position=row.position,
        id=row.id,
    )
