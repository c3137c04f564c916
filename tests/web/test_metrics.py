"""Who may read /metrics, and that every response is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from chatbot.bot import LiveBot
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.web.app import create_app
from chatbot.web.metrics import area_of

HERE = "http://localhost:7860"
Open = Callable[..., TestClient]


@pytest.fixture
def open_client(settings: Settings, store: Store, bots: LiveBot, redactor: Redactor, registry: Registry) -> Open:
    def open_it(*, token: str = "", address: str = "127.0.0.1", base: str = HERE, **changes: object) -> TestClient:
        changed = settings.model_copy(update={"metrics_token": token, **changes})

        async def build() -> FastAPI:  # without a running loop Gradio leaves one behind
            return create_app(settings=changed, store=store, bots=bots, redactor=redactor, registry=registry)

        return TestClient(asyncio.run(build()), base_url=base, client=(address, 50_000))

    return open_it


def test_this_machine_reads_what_customers_did(open_client: Open) -> None:
    client = open_client()
    conversation = client.post("/api/v1/conversations").json()["id"]
    client.post(f"/api/v1/conversations/{conversation}/messages", json={"text": "do you take visa"})
    client.get("/nothing/here")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    lines = answer.text.splitlines()
    (counted,) = [line for line in lines if line.startswith("chatbot_messages_total{")]
    assert 'action="answer"' in counted
    assert 'reason="sure"' in counted
    assert counted.endswith(" 1.0")
    assert 'chatbot_http_requests_total{area="api",status="201"} 2.0' in lines
    assert 'chatbot_http_requests_total{area="other",status="404"} 1.0' in lines
    assert "visa" not in answer.text
    assert conversation not in answer.text


def test_strangers_find_nothing(open_client: Open) -> None:
    assert open_client(address="203.0.113.9").get("/metrics").status_code == 404
    through_a_proxy = open_client(base="http://chat.shop.example", allowed_hosts=("chat.shop.example",))
    assert through_a_proxy.get("/metrics").status_code == 404
    assert open_client().post("/metrics").status_code == 405
    assert open_client(address="::1").get("/metrics").status_code == 200


def test_with_a_token_only_who_knows_it(open_client: Open) -> None:
    client = open_client(token="seven owls", address="203.0.113.9")
    assert client.get("/metrics", headers={"Authorization": "Bearer seven owls"}).status_code == 200
    for header in (
        "Bearer seven",
        "Basic seven owls",
        "seven owls",
        "Bearer seven owls\u00e9".encode().decode("latin-1"),
    ):
        assert client.get("/metrics", headers={b"Authorization": header.encode("latin-1")}).status_code == 404
    assert open_client(token="seven owls").get("/metrics").status_code == 404  # this machine too
    assert "seven owls" not in repr(Settings(metrics_token="seven owls"))


@pytest.mark.parametrize(
    ("path", "area"),
    [
        ("/api/v1/conversations", "api"),
        ("/desk/api/queue", "desk"),
        ("/", "page"),
        ("/gradio_api/run/send", "page"),
        ("/apis", "other"),
        ("/wp-login.php", "other"),
    ],
)
def test_areas_are_few(path: str, area: str) -> None:
    assert area_of(path) == area
