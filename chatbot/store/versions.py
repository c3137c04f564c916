"""The record of model versions and of what happened to them. Rows are appended, never edited."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select

from chatbot.store.engine import Database
from chatbot.store.tables import EmbeddingRow, ModelEventRow, ModelVersionRow

VECTORS_AT_ONCE = 2000
"""Deleted in one transaction: no customer's message waits longer than these take."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a version. `by` is a person or a part of the program."""

    version: str
    event: str
    by: str
    detail: Mapping[str, Any]
    at: datetime


class Versions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def registered(
        self,
        version: str,
        *,
        manifest: Mapping[str, Any],
        metrics: Mapping[str, Any],
        by: str,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        now = datetime.now(UTC)
        with self._database.write() as session:
            if session.get(ModelVersionRow, version) is None:
                session.add(
                    ModelVersionRow(version=version, created_at=now, manifest=dict(manifest), metrics=dict(metrics))
                )
                session.flush()
            told = dict(detail or {})
            session.add(ModelEventRow(version=version, event="registered", by=by, detail=told, created_at=now))

    def happened(self, version: str, event: str, *, by: str, detail: Mapping[str, Any] | None = None) -> None:
        """Append an event such as "promoted" or "refused"."""
        with self._database.write() as session:
            session.add(
                ModelEventRow(
                    version=version,
                    event=event,
                    by=by,
                    detail=dict(detail or {}),
                    created_at=datetime.now(UTC),
                )
            )

    def log(self) -> list[Event]:
        """Everything that happened to all versions, oldest first."""
        with self._database.read() as session:
            rows = session.scalars(select(ModelEventRow).order_by(ModelEventRow.id))
            return [Event(row.version, row.event, row.by, dict(row.detail), row.created_at) for row in rows]

    def events(self) -> list[tuple[str, str, datetime]]:
        """(version, event, time), oldest first."""
        return [(event.version, event.event, event.at) for event in self.log()]

    def manifest(self, version: str) -> dict[str, Any] | None:
        """The manifest as it was registered; None for a version that this database does not know."""
        with self._database.read() as session:
            row = session.get(ModelVersionRow, version)
            return None if row is None else dict(row.manifest)

    def manifest_hash(self, version: str) -> str | None:
        """SHA-256 of the manifest's file as it was registered; None where that was not recorded."""
        query = select(ModelEventRow.detail).where(
            ModelEventRow.version == version, ModelEventRow.event == "registered"
        )
        with self._database.read() as session:
            for detail in session.scalars(query.order_by(ModelEventRow.id)):
                if "manifest" in detail:
                    return str(detail["manifest"])
        return None

    def newest_at(self) -> datetime | None:
        """When the last version was registered, whatever became of it."""
        query = select(ModelEventRow.created_at).where(ModelEventRow.event == "registered")
        with self._database.read() as session:
            return session.scalars(query.order_by(ModelEventRow.id.desc()).limit(1)).first()

    def forget_vectors(self, *, except_of: Collection[str]) -> int:
        """Delete the stored vectors of all other encoders, a part at a time; how many there were."""
        gone = 0
        with self._database.read() as session:
            known = set(session.scalars(select(EmbeddingRow.encoder).distinct()))
        for encoder in sorted(known - set(except_of)):
            while forgotten := self._forget_some(encoder):
                gone += forgotten
        return gone

    def _forget_some(self, encoder: str) -> int:
        some = select(EmbeddingRow.text_key).where(EmbeddingRow.encoder == encoder).limit(VECTORS_AT_ONCE)
        with self._database.write() as session:
            keys = list(session.scalars(some))
            session.execute(
                delete(EmbeddingRow).where(EmbeddingRow.encoder == encoder, EmbeddingRow.text_key.in_(keys))
            )
        return len(keys)
