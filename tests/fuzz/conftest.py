"""The whole application in this process, over a small trained shop: it is asked thousands of times."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from chatbot.bot import LiveBot
from chatbot.passwords import Passwords
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import Role
from chatbot.web.app import create_app

from .calls import Calls

HERE = "http://localhost:7860"
PASSWORD = "correct horse battery"
LEAD, ADMIN = "Lea", "Ada"
QUESTIONS = ("can I swap my boots for blue ones", "do you sharpen garden shears", "may my parrot live in the tent")


@pytest.fixture(scope="module")
def home(tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(tiny_shop, tmp_path_factory.mktemp("fuzz") / "home"))


@pytest.fixture(scope="module")
def fuzzed_settings(home: Path) -> Settings:
    return Settings(
        home=home,
        order_number=r"JP-\d{6}",
        error_budget=0.2,
        threads=1,
        messages_per_minute=100_000_000,
        requests_per_minute=100_000_000,
    )


@pytest.fixture(scope="module")
def fuzzed_store(fuzzed_settings: Settings) -> Iterator[Store]:
    store = Store.open(fuzzed_settings.url)
    hashed = Passwords(memory_kib=64, rounds=1).hash(PASSWORD)
    for name, role in ((LEAD, Role.LEAD), (ADMIN, Role.ADMIN)):
        store.agents.add(name, role=role, password_hash=hashed, by="Root")
    yield store
    for thread in threading.enumerate():
        if thread.name in ("intake", "effect", "renewal"):
            thread.join(60)
    store.close()


@pytest.fixture(scope="module")
def app(fuzzed_settings: Settings, fuzzed_store: Store) -> FastAPI:
    registry = Registry(fuzzed_settings.models, fuzzed_store.versions)
    bots = LiveBot(registry, fuzzed_store.knowledge, threads=1)
    redactor = Redactor(fuzzed_settings.order_number)

    async def build() -> FastAPI:  # without a running loop Gradio leaves one behind
        return create_app(settings=fuzzed_settings, store=fuzzed_store, bots=bots, redactor=redactor, registry=registry)

    return asyncio.run(build())


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=HERE, client=("127.0.0.1", 50_000), follow_redirects=False)


@pytest.fixture(scope="module")
def signed_in(app: FastAPI, client: TestClient) -> TestClient:
    """A lead, with something in the queue."""
    for question in QUESTIONS:
        conversation = client.post("/api/v1/conversations").json()["id"]
        client.post(f"/api/v1/conversations/{conversation}/messages", json={"text": question})
    lead = TestClient(app, base_url=HERE, client=("127.0.0.1", 50_001), follow_redirects=False)
    answer = lead.post("/desk/login", json={"name": LEAD, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    lead.get("/desk/api/me")
    return lead


@pytest.fixture(scope="module")
def calls(app: FastAPI) -> Iterator[Calls]:
    calls = Calls(app)
    yield calls
    calls.close()
