from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from chatbot.bot import LiveBot
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store, engine
from chatbot.web import problems
from chatbot.web.health import Health


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _client(store: Store, bots: LiveBot, clock: Clock | None = None) -> TestClient:
    app = FastAPI()
    problems.install(app)
    app.include_router(Health(store=store, bots=bots, clock=clock or Clock()).router())
    return TestClient(app)


def test_the_process_is_alive_whatever_else_is(empty_store: Store) -> None:
    client = _client(empty_store, LiveBot(Registry(Settings().models, empty_store.versions), empty_store.knowledge))
    response = client.get("/healthz")
    assert (response.status_code, set(response.json())) == (200, {"status", "version"})
    assert response.json()["status"] == "alive"
    assert client.head("/healthz").status_code == 200


def test_ready(store: Store, bots: LiveBot) -> None:
    client = _client(store, bots)
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "model_version": bots.current().version,
        "knowledge_revision": store.knowledge.revision(),
        "degraded": False,
    }
    assert client.head("/readyz").status_code == 200


def test_without_a_model(store: Store, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    bots = LiveBot(Registry(settings.home / "nothing", store.versions), store.knowledge)
    response = _client(store, bots).get("/readyz")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["errors"] == [{"field": "model", "message": "none can answer"}]
    assert response.json()["detail"] == "model: none can answer"
    assert 'no model is active; run "chatbot train"' in caplog.text


def test_with_a_damaged_model(store: Store, settings: Settings) -> None:
    registry = Registry(settings.models, store.versions)
    policy = registry.root / registry.names()[0] / "policy.json"
    policy.unlink()
    policy.write_text("{}")
    response = _client(store, LiveBot(registry, store.knowledge)).get("/readyz")
    assert response.status_code == 503
    assert [error["field"] for error in response.json()["errors"]] == ["model"]


def test_with_a_database_that_takes_nothing(store: Store, bots: LiveBot, caplog: pytest.LogCaptureFixture) -> None:
    bots.current()
    with store.database.engine.connect() as connection:  # what a full or read-only disk does to every writer
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA query_only=ON")
        client = _client(store, bots)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert [error["field"] for error in response.json()["errors"]] == ["database"]
    assert response.json()["detail"] == "database: cannot be written"
    assert "readonly" in caplog.text


def test_one_look_a_second(store: Store, bots: LiveBot, settings: Settings) -> None:
    clock = Clock()
    client = _client(store, bots, clock)
    assert client.get("/readyz").status_code == 200
    (settings.models / "CURRENT").unlink()
    clock.now = 0.9
    assert client.get("/readyz").json()["degraded"] is False
    clock.now = 1.0
    response = client.get("/readyz")
    assert (response.status_code, response.json()["degraded"]) == (200, True), "it answers, with the version it has"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_they_are_documented(store: Store, bots: LiveBot, path: str) -> None:
    document = _client(store, bots).get("/openapi.json").json()["paths"][path]
    assert list(document) == ["get"]


def test_the_reason_is_told_without_a_path(
    store: Store, bots: LiveBot, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, file = Clock(), settings.home / "chatbot.db"
    client = _client(store, bots, clock)
    assert client.get("/readyz").status_code == 200

    def reason() -> str:
        clock.now += 1.0
        response = client.get("/readyz")
        return str(response.json()["errors"][0]["message"]) if response.status_code == 503 else "ready"

    with monkeypatch.context() as patched:
        patched.setattr(engine, "LEAST_ROOM_BYTES", 1 << 62)
        assert reason() == "cannot be written: its disk is full"
    assert reason() == "ready"
    file.rename(settings.home / "elsewhere")
    assert reason() == "cannot be used: its file was deleted or replaced"
    (settings.home / "elsewhere").rename(file)
    assert reason() == "ready"
    assert f"the disk of {file} has less than 1 MB left" in caplog.text
    assert f"{file} was deleted while it was open" in caplog.text
