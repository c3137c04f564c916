"""The log of model versions: appended, in order, never edited."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from chatbot.errors import StoreError
from chatbot.store import Store
from chatbot.store.tables import ModelEventRow, ModelVersionRow


def test_events_are_told_in_order(empty_store: Store) -> None:
    versions = empty_store.versions
    before = datetime.now(UTC)
    versions.registered("v1", manifest={"files": {"a": "1"}}, metrics={"accuracy": 0.9}, by="train")
    versions.happened("v1", "promoted", by="gate", detail={"why": "better"})
    versions.registered("v2", manifest={}, metrics={}, by="train")
    versions.happened("v2", "refused", by="gate")
    events = versions.events()
    assert [(version, event) for version, event, _ in events] == [
        ("v1", "registered"),
        ("v1", "promoted"),
        ("v2", "registered"),
        ("v2", "refused"),
    ]
    times = [at for _, _, at in events]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= datetime.now(UTC)


def test_what_is_recorded_of_a_version(empty_store: Store) -> None:
    manifest: dict[str, Any] = {"files": {"a": "1"}, "note": "é"}
    empty_store.versions.registered("v1", manifest=manifest, metrics={"accuracy": 0.9}, by="train")
    empty_store.versions.happened("v1", "promoted", by="Ada", detail={"why": "better"})
    with empty_store.database.read() as session:
        row = session.get_one(ModelVersionRow, "v1")
        assert (row.manifest, row.metrics) == (manifest, {"accuracy": 0.9})
        event = session.get_one(ModelEventRow, 2)
        assert (event.by, event.detail) == ("Ada", {"why": "better"})


def test_registering_again_keeps_the_first_record(empty_store: Store) -> None:
    empty_store.versions.registered("v1", manifest={"n": 1}, metrics={}, by="train")
    empty_store.versions.registered("v1", manifest={"n": 2}, metrics={}, by="train")
    with empty_store.database.read() as session:
        assert session.get_one(ModelVersionRow, "v1").manifest == {"n": 1}
    assert [event for _, event, _ in empty_store.versions.events()] == ["registered", "registered"]


def test_nothing_happens_to_an_unknown_version(empty_store: Store) -> None:
    with pytest.raises(StoreError, match="the database refused: FOREIGN KEY constraint failed"):
        empty_store.versions.happened("unknown", "promoted", by="gate")
    assert empty_store.versions.events() == []


def test_events_of_many_threads_are_all_there(empty_store: Store) -> None:
    empty_store.versions.registered("v1", manifest={}, metrics={}, by="train")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: empty_store.versions.happened("v1", f"event-{number}", by="test"), range(8)))
    assert {event for _, event, _ in empty_store.versions.events()} == {
        "registered",
        *(f"event-{number}" for number in range(8)),
    }
    with empty_store.database.read() as session:
        assert session.scalar(text("SELECT max(id) FROM model_events")) == 9


def test_when_the_newest_version_was_made(empty_store: Store) -> None:
    versions = empty_store.versions
    assert versions.newest_at() is None
    before = datetime.now(UTC)
    versions.registered("v1", manifest={}, metrics={}, by="test")
    made = versions.newest_at()
    assert made is not None
    assert before <= made <= datetime.now(UTC)
    versions.happened("v1", "promoted", by="test")
    assert versions.newest_at() == made


def test_the_manifests_hash_is_that_of_the_first_registration(empty_store: Store) -> None:
    versions = empty_store.versions
    assert (versions.manifest("v1"), versions.manifest_hash("v1")) == (None, None)
    versions.registered("v1", manifest={"n": 1}, metrics={}, by="train")
    assert (versions.manifest("v1"), versions.manifest_hash("v1")) == ({"n": 1}, None)
    versions.registered("v2", manifest={"n": 2}, metrics={}, by="train", detail={"manifest": "ab"})
    versions.registered("v2", manifest={"n": 3}, metrics={}, by="train", detail={"manifest": "cd"})
    assert (versions.manifest("v2"), versions.manifest_hash("v2")) == ({"n": 2}, "ab")
    event = versions.log()[1]
    assert (event.version, event.event, event.by, event.detail) == ("v2", "registered", "train", {"manifest": "ab"})


def test_vectors_of_other_encoders_are_forgotten_in_parts(empty_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.store.versions.VECTORS_AT_ONCE", 3)
    for encoder, count in (("old", 8), ("new", 4), ("older", 2)):
        vectors = {f"{encoder}{number}": np.ones(2, np.float32) for number in range(count)}
        empty_store.knowledge.keep_vectors(encoder, vectors)
    assert empty_store.versions.forget_vectors(except_of={"new", "unknown"}) == 10
    assert empty_store.versions.forget_vectors(except_of={"new"}) == 0
    assert len(empty_store.knowledge.vectors("new", [f"new{number}" for number in range(4)])) == 4
    assert empty_store.knowledge.vectors("old", [f"old{number}" for number in range(8)]) == {}
