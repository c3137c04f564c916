"""The record of model versions and of what happened to them. Rows are appended, never edited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from chatbot.store.engine import Database
from chatbot.store.tables import ModelEventRow, ModelVersionRow


class Versions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def registered(self, version: str, *, manifest: Mapping[str, Any], metrics: Mapping[str, Any], by: str) -> None:
        now = datetime.now(UTC)
        with self._database.write() as session:
            if session.get(ModelVersionRow, version) is None:
                session.add(
                    ModelVersionRow(version=version, created_at=now, manifest=dict(manifest), metrics=dict(metrics))
                )
                session.flush()
            session.add(ModelEventRow(version=version, event="registered", by=by, detail={}, created_at=now))

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

    def events(self) -> list[tuple[str, str, datetime]]:
        """(version, event, time), oldest first."""
        with self._database.read() as session:
            rows = session.scalars(select(ModelEventRow).order_by(ModelEventRow.id))
            return [(row.version, row.event, row.created_at) for row in rows]
