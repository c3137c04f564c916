"""The whole application as it is served: guard, API, health checks and the real Gradio page."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from chatbot.bot import LiveBot
from chatbot.redact import Redactor
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.web.app import create_app
from chatbot.web.closing import Closing
from chatbot.web.guard import is_closed

from .test_guard import HEADERS

CLOSED_IN_GRADIO = (
    "upload", "upload_progress", "proxy=", "file=", "deep_link", "component_server", "process_recording",
    "stream/", "vibe", "undo-vibe", "runs", "dev/reload", "monitoring", "queue/join", "queue/data", "cancel", "reset",
    "info", "config", "openapi.json", "token", "app_id", "call/", "gradio_api/api/", "login", "pwa_icon",
    "manifest.json",
)  # fmt: skip
OPEN_IN_GRADIO = {
    "/gradio_api/startup-events", "/gradio_api/heartbeat/{session_hash}", "/gradio_api/theme.css",
}  # fmt: skip
"""And `/gradio_api/run/{api_name}` for the page's own four."""


@pytest.fixture
def gradio_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    return tmp_path / "gradio"


@pytest.fixture
def app(gradio_cache: Path, settings: Settings, store: Store, bots: LiveBot, redactor: Redactor) -> FastAPI:
    del gradio_cache  # only has to be there first

    async def build() -> FastAPI:  # without a running loop Gradio leaves one behind
        roomy = settings.model_copy(update={"requests_per_minute": 100_000, "public_url": "https://chat.shop.example"})
        return create_app(settings=roomy, store=store, bots=bots, redactor=redactor)

    return asyncio.run(build())


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://chat.shop.example", client=("127.0.0.1", 50_000)) as opened:
        yield opened


def test_what_was_put_together(app: FastAPI) -> None:
    first, second, third = map(str, app.user_middleware[:3])
    assert first.startswith("Middleware(Counted, ")  # it counts what the guard refuses, too
    assert second == "Middleware(Turnstile)"
    assert third.startswith("Middleware(Guard, ")
    assert isinstance(app.state.closing, Closing)
    assert app.docs_url is None
    assert app.redoc_url is None


@pytest.mark.parametrize(
    ("method", "path", "status", "content_type"),
    [
        ("GET", "/", 200, "text/html; charset=utf-8"),
        ("HEAD", "/", 200, "text/html; charset=utf-8"),
        ("GET", "/theme.css", 200, "text/css; charset=utf-8"),
        ("GET", "/config", 404, "application/problem+json"),
        ("GET", "/openapi.json", 404, "application/problem+json"),
        ("GET", "/gradio_api/startup-events", 200, "application/json"),
        ("GET", "/healthz", 200, "application/json"),
        ("GET", "/readyz", 200, "application/json"),
        ("GET", "/api/v1/openapi.json", 200, "application/json"),
        ("POST", "/api/v1/conversations", 201, "application/json"),
        ("GET", "/api/v1/conversations", 405, "application/problem+json"),
        ("GET", "/api/v1/nothing", 404, "application/problem+json"),
        ("GET", "/docs", 404, "application/problem+json"),
        ("GET", "/redoc", 404, "application/problem+json"),
        ("GET", "/monitoring", 404, "application/problem+json"),
        ("GET", "/?deep_link=x", 400, "application/problem+json"),
        ("POST", "/gradio_api/run/no-such-endpoint", 404, "application/problem+json"),
        ("POST", "/gradio_api/run/send", 400, "application/problem+json"),
    ],
)
def test_every_kind_of_response_carries_the_headers(
    client: TestClient, method: str, path: str, status: int, content_type: str
) -> None:
    response = client.request(method, path, headers={"Origin": "https://chat.shop.example"})
    assert (response.status_code, response.headers["content-type"]) == (status, content_type)
    for name, value in {**HEADERS, "strict-transport-security": "max-age=31536000"}.items():
        assert response.headers.get_list(name) == [value]
    assert len(response.headers["x-request-id"]) == 32
    assert not [name for name in response.headers if name.startswith("access-control-")]


def _paths(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    """All paths that the application knows, those of mounted and included ones too, with their methods."""
    for route in routes:
        path = prefix + getattr(route, "path", "")
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from _paths(inner, path.rstrip("/"))
        elif getattr(route, "path", None):
            yield path, set(getattr(route, "methods", None) or {"GET"})


def test_closed_routes_of_the_real_gradio_are_not_there(app: FastAPI, client: TestClient) -> None:
    """Each route that Gradio really has, with its own method: all but the listed give 404, and no name is idle."""
    found: set[str] = set()
    for path, methods in _paths(app.routes):
        asked = path.replace("{url_path:path}", "https://evil.example").replace("{session_hash}", "x1")
        asked = asked.replace("{path_or_url:path}", "http://evil.example")
        if not is_closed(asked):
            assert path in OPEN_IN_GRADIO or not path.startswith("/gradio_api"), path
            continue
        found.add(path)
        for method in methods - {"HEAD"}:
            response = client.request(method, asked)
            assert response.status_code == 404, asked
            assert response.json()["type"] == "urn:problem-type:chatbot:not-found"
    assert {name for name in CLOSED_IN_GRADIO if not any(name in path for path in found)} == set()


def test_no_route_of_gradio_shadows_ours(app: FastAPI) -> None:
    paths = [path for path, _ in _paths(app.routes)]
    assert paths.index("/healthz") < paths.index("/gradio_api/heartbeat/{session_hash}")
    assert paths.index("/api/{rest:path}") < paths.index("/gradio_api/heartbeat/{session_hash}")


def test_gradio_does_not_believe_a_stranger_about_its_address(client: TestClient) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example"}
    page = client.get("/", headers=forged).text
    assert "evil" not in page
    assert '"root":"https://chat.shop.example"' in page


def test_what_gradio_would_fail_at_is_refused_before(client: TestClient) -> None:
    response = client.post("/gradio_api/run/send", json={"data": []})
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "data: has to be a list of one call"


def test_the_page_of_another_site_reaches_nothing(client: TestClient) -> None:
    evil = {"Origin": "https://evil.example"}
    for path in ("/gradio_api/run/send", "/gradio_api/run/renew", "/api/v1/conversations", "/anything"):
        assert client.post(path, json={}, headers=evil).status_code == 403
    preflight = client.options("/gradio_api/run/send", headers={**evil, "Access-Control-Request-Method": "POST"})
    assert not [name for name in preflight.headers if name.startswith("access-control-")]


def test_large_bodies_do_not_reach_gradio(client: TestClient) -> None:
    assert client.post("/gradio_api/run/send", content=b"x" * 70_000).status_code == 413


@pytest.fixture
def visits() -> Iterator[tuple[str, list[str]]]:
    """The address of a small web server, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/x", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["open", "send", "rate", "renew"])
def test_nobody_makes_gradio_read_a_file_or_fetch_an_address(
    client: TestClient, gradio_cache: Path, tmp_path: Path, visits: tuple[str, list[str]], name: str
) -> None:
    """What is shaped like a file of Gradio's is only a value. The endless one comes last: the others would tell."""
    secret, (address, asked) = tmp_path / "secret", visits
    secret.write_text("hush")
    client.get("/")
    for path in (str(secret), "/etc/hostname", address, "/dev/zero"):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        for value in (file, {"text": file, "key": "k" * 32}, [file], {"path": None, "url": path, "meta": file["meta"]}):
            response = client.post(f"/gradio_api/run/{name}", json={"data": [value]}, headers={"Connection": "close"})
            assert response.status_code == 200
            assert "hush" not in response.text
        assert [found for found in gradio_cache.rglob("*") if found.is_file()] == []
        assert asked == []
