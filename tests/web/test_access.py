"""Every door of the whole application: that a rule lists it, and that it opens to those whom the rule names only."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from chatbot.bot import LiveBot
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import Role
from chatbot.web import access
from chatbot.web.access import ADMIN, AGENT, CLOSED, LEAD, PUBLIC, RULES, Rule, rule_of
from chatbot.web.app import create_app

from .desk_app import HERE

SELF = {"POST /desk/logout", "POST /desk/login"}
DESK_RULES = {key: rule for key, rule in RULES.items() if key[1].startswith("/desk")}


@pytest.fixture(scope="module")
def settings(tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = shutil.copytree(tiny_shop, tmp_path_factory.mktemp("access") / "home")
    return Settings(home=home, threads=1, requests_per_minute=100_000)


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[Store]:
    store = Store.open(settings.url)
    yield store
    store.close()


Build = Callable[[], FastAPI]


@pytest.fixture(scope="module")
def build(settings: Settings, store: Store, redactor: Redactor) -> Build:
    """Makes an application of its own for a test that changes it."""
    bots = LiveBot(Registry(settings.models, store.versions), store.knowledge, threads=1)

    async def make() -> FastAPI:  # without a running loop Gradio leaves one behind
        return create_app(settings=settings, store=store, bots=bots, redactor=redactor)

    return lambda: asyncio.run(make())


@pytest.fixture(scope="module")
def app(build: Build) -> FastAPI:
    return build()


@pytest.fixture(scope="module")
def cookies(store: Store) -> dict[Role | None, str]:
    """Of nobody, and of one agent of each role."""
    found: dict[Role | None, str] = {None: ""}
    for role in Role:
        agent = store.agents.add(f"the {role}", role=role, password_hash="none", by="Root")
        found[role] = f"desk={store.agents.begin(agent.id)}"
    return found


def browser_of(app: FastAPI, cookie: str) -> TestClient:
    return TestClient(
        app, base_url=HERE, client=("127.0.0.1", 50_000), follow_redirects=False, headers={"Cookie": cookie}
    )


@pytest.fixture
def callers(app: FastAPI, cookies: dict[Role | None, str]) -> dict[Role | None, TestClient]:
    return {role: browser_of(app, cookie) for role, cookie in cookies.items()}


def doors(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path pattern) of everything that the application answers, whoever mounted or included it."""
    for route in routes:
        path = prefix + getattr(route, "path", "")
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if isinstance(route, Mount) and isinstance(route.app, StaticFiles):
            yield "GET", f"{path}/{{file:path}}"
        elif inner:
            yield from doors(inner, path.rstrip("/"))
        elif hasattr(route, "path"):
            methods = getattr(route, "methods", None) or {"WEBSOCKET"}
            yield from ((method, path) for method in methods)


def events(app: FastAPI) -> set[str]:
    """The names of all of Gradio's events."""
    mounted: list[Any] = [getattr(route, "app", None) for route in app.routes]
    (blocks,) = [one.blocks for one in mounted if hasattr(one, "blocks")]
    return {str(function.api_name) for function in blocks.fns.values()}


def same(path: str) -> str:
    """A pattern whatever its variables are called."""
    return re.sub(r"\{\w+", "{", path)


def unlisted(app: FastAPI) -> set[tuple[str, str]]:
    listed = {(method, same(path)) for method, path in RULES}
    missing = set()
    for method, path in doors(app.routes):
        wanted = "GET" if method == "HEAD" else method
        if path == "/gradio_api/run/{api_name}":
            continue  # each event has a rule of its own
        if (wanted, same(path)) not in listed and not (method == "GET" and is_listed_folder(path)):
            missing.add((method, path))
    return missing | {("EVENT", name) for name in events(app) if ("POST", f"{access.EVENT}{name}") not in RULES}


def is_listed_folder(path: str) -> bool:
    """Static files lie below a folder that is named after their content."""
    return path.endswith("/{file:path}") and rule_of("GET", path.replace("{file:path}", "x.js")) is PUBLIC


def test_every_route_and_event_has_a_rule(app: FastAPI) -> None:
    assert events(app) == {"open", "send", "rate", "renew"}
    assert unlisted(app) == set(), "a route or event that no rule lists: put it into RULES of chatbot/web/access.py"


def test_a_route_that_no_rule_lists_is_found(build: Build) -> None:
    app = build()
    app.add_api_route("/desk/api/forgotten", lambda: None, methods=["POST"])
    app.router.routes.append(WebSocketRoute("/desk/live", lambda _socket: None))
    app.mount("/files", StaticFiles(directory="/"))
    assert unlisted(app) == {
        ("POST", "/desk/api/forgotten"), ("WEBSOCKET", "/desk/live"), ("GET", "/files/{file:path}"),
    }  # fmt: skip


def test_no_rule_is_idle(app: FastAPI) -> None:
    found = {(method, same(path)) for method, path in doors(app.routes)}
    found |= {("POST", f"{access.EVENT}{name}") for name in events(app)}
    idle = {key for key in RULES if (key[0], same(key[1])) not in found}
    assert idle == {("GET", "/chat-assets/{file:path}")}  # its folder is named after its content


def sample(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "1", path)


@pytest.mark.parametrize("caller", [None, *Role])
def test_who_may_use_what_at_the_desk(callers: dict[Role | None, TestClient], caller: Role | None) -> None:
    """Each route of the desk, asked by each kind of caller. What comes after the door is another matter: 404 for an
    item that is not there, 422 for an empty body."""
    browser = callers[caller]
    for (method, path), rule in DESK_RULES.items():
        if f"{method} {path}" in SELF:
            continue
        answer = browser.request(method, sample(path), json={} if method == "POST" else None)
        told = (method, path, answer.status_code)
        if rule is PUBLIC:
            assert answer.status_code in (200, 303), told
        elif caller is None and path.startswith("/desk/api/"):
            assert answer.status_code == 401, told
            assert answer.headers["content-type"] == "application/problem+json"
        elif caller is None:
            assert answer.status_code == 303, told
            assert answer.headers["location"].startswith("../" * (path.count("/") - 1) + "desk/login?next=")
        elif isinstance(rule, Role) and caller.covers(rule):
            assert answer.status_code not in (401, 403, 405, 500), told
        else:
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem-type:chatbot:forbidden"), told
            assert answer.json()["detail"] == f"This needs the role {rule}; you have the role {caller}."


def test_the_customers_side_needs_no_session(callers: dict[Role | None, TestClient]) -> None:
    for path, status in (("/", 200), ("/healthz", 200), ("/api/v1/openapi.json", 200), ("/api/v1/nothing", 404)):
        assert callers[None].get(path).status_code == status
        assert callers[Role.AGENT].get(path).status_code == status


def test_what_no_rule_lists_is_refused(build: Build, cookies: dict[Role | None, str]) -> None:
    app, reached = build(), []
    nobody, admin = browser_of(app, ""), browser_of(app, cookies[Role.ADMIN])
    for path in ("/desk/api/forgotten", "/desk/forgotten", "/forgotten"):
        app.add_api_route(path, lambda: reached.append(1), methods=["GET", "HEAD", "POST", "PUT"])
        app.router.routes.insert(0, app.router.routes.pop())
        for method in ("GET", "HEAD", "POST", "PUT"):
            assert nobody.request(method, path).status_code == (401 if path.startswith("/desk") else 404)
            assert admin.request(method, path).status_code == 404
    assert reached == []


@pytest.mark.parametrize(
    "path",
    [
        "/desk/", "/desk/api/agents/", "/desk//api/agents", "/DESK/api/agents", "/desk/api/agents/1/x",
        "/desk/x/../api/agents", "/desk/%61pi/agents", "/desk/api%2Fagents", "/desk/api/agents%00",
        "/desk/api/agents;x", "/desk/login/../api/agents", "/desk/login/x", "/desk/login%2F..%2Fapi%2Fagents",
    ],
)  # fmt: skip
def test_no_other_spelling_leads_past_the_rules(app: FastAPI, cookies: dict[Role | None, str], path: str) -> None:
    for caller in (None, Role.AGENT):
        status, body = asyncio.run(_ask_exactly(app, path, cookies[caller]))
        assert status in (303, 401, 403, 404)
        assert b"the admin" not in body
    status, body = asyncio.run(_ask_exactly(app, "/desk/api/agents", cookies[Role.ADMIN]))
    assert (status, b"the admin" in body) == (200, True)


async def _ask_exactly(app: FastAPI, path: str, cookie: str) -> tuple[int, bytes]:
    """GET in this very spelling: clients tidy paths up before they send them."""
    headers = [(b"host", HERE.removeprefix("http://").encode()), (b"cookie", cookie.encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": unquote(path), "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 7860),
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_methods_that_a_route_does_not_take(callers: dict[Role | None, TestClient]) -> None:
    assert callers[None].delete("/desk/api/agents").status_code == 401
    answer = callers[Role.ADMIN].delete("/desk/api/agents")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert callers[Role.ADMIN].options("/desk/api/agents").status_code == 405


def test_no_web_socket_is_open(callers: dict[Role | None, TestClient]) -> None:
    for path in ("/", "/desk", "/desk/api/queue"):
        with pytest.raises(WebSocketDisconnect), callers[Role.ADMIN].websocket_connect(path):
            pass


@pytest.mark.parametrize(
    ("method", "path", "rule"),
    [
        ("GET", "/desk", AGENT),
        ("HEAD", "/desk", AGENT),
        ("GET", "/desk/login", PUBLIC),
        ("GET", "/desk/api/team", LEAD),
        ("POST", "/desk/api/items/7/decide", AGENT),
        ("POST", "/desk/api/agents/7", ADMIN),
        ("POST", "/gradio_api/run/send", PUBLIC),
        ("POST", "/gradio_api/run/other", None),
        ("POST", "/gradio_api/upload", CLOSED),
        ("GET", "/desk/api/items/7/8", None),
        ("GET", "/nothing", None),
        ("PUT", "/desk/api/agents", None),
        ("GET", "", None),
    ],
)
def test_the_rule_of_a_request(method: str, path: str, rule: Rule | None) -> None:
    assert rule_of(method, path) is rule


def test_of_several_rules_the_strictest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = {("GET", "/desk/{page}"): PUBLIC, ("GET", "/desk/{any:path}"): AGENT}
    monkeypatch.setattr(access, "RULES", {**wide, **RULES})
    access._by_first.cache_clear()
    try:
        assert rule_of("GET", "/desk/audit") is ADMIN
        assert rule_of("GET", "/desk/new") is AGENT
    finally:
        access._by_first.cache_clear()
