"""Prepared inserts write exactly what SQLAlchemy's own would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.dialects import postgresql

from chatbot.store.engine import Database
from chatbot.store.prepared import Prepared
from chatbot.store.tables import ModelVersionRow, Row

AT = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
TABLE = Row.metadata.tables[ModelVersionRow.__tablename__]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'rows.db'}")
    with database.writing.begin() as connection:
        Row.metadata.create_all(connection)
    yield database
    database.close()


def values(version: str) -> dict[str, Any]:
    return {"version": version, "created_at": AT, "manifest": {"名": [1, None]}, "metrics": {}}


def test_the_rows_are_the_same(database: Database) -> None:
    prepared = Prepared(TABLE, database.engine.dialect)
    with database.write() as session:
        prepared.add(session.connection(), [prepared.ready(values(version)) for version in ("a", "b")])
        session.execute(insert(TABLE), [values("c")])
    with database.read() as session:
        stored = session.execute(text(f"SELECT * FROM {TABLE.name} ORDER BY version")).all()
        assert session.get_one(ModelVersionRow, "b").created_at == AT
    assert [row.version for row in stored] == ["a", "b", "c"]
    assert len({row[1:] for row in stored}) == 1


def test_for_another_database_values_stay_as_they_are() -> None:
    assert Prepared(TABLE, postgresql.dialect()).ready(values("a")) == values("a")  # type: ignore[no-untyped-call]


def test_a_single_statement_needs_no_transaction(database: Database) -> None:
    begun: list[str] = []
    with database.writing.begin() as connection:
        connection.execute(insert(TABLE), [values("a")])
    with database.look() as connection:
        assert connection.scalar(text("SELECT count(*) FROM model_versions")) == 1
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(begun.append)
        connection.rollback()
    found = database.first(text("SELECT version FROM model_versions"), {})
    assert found is not None
    assert found.version == "a"
    assert database.first(text("SELECT version FROM model_versions WHERE version = :it"), {"it": "z"}) is None
    assert [statement.split()[0] for statement in begun] == ["ROLLBACK", "SELECT", "SELECT"]
