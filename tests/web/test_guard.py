"""The guard in front of a small application that says what reached it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from chatbot import logs
from chatbot.errors import StoreFull
from chatbot.settings import Settings
from chatbot.web import guard
from chatbot.web.closing import Closing
from chatbot.web.guard import Guard, is_closed
from chatbot.web.headers import CONTENT_SECURITY_POLICY
from chatbot.web.limits import RateLimiter

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'self'; base-uri 'self'; object-src 'none'; worker-src 'self' blob:"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

CLOSED = [
    "/gradio_api/upload", "/gradio_api/upload_progress", "/gradio_api/proxy=https://evil.example/x",
    "/gradio_api/file=http://evil.example/x", "/gradio_api/file=https://evil.example/x",
    "/gradio_api/file/http://evil.example/x", "/gradio_api/deep_link", "/gradio_api/component_server",
    "/gradio_api/process_recording", "/gradio_api/stream/x", "/gradio_api/vibe-edit", "/gradio_api/vibe-code/",
    "/gradio_api/undo-vibe-edit", "/gradio_api/runs", "/gradio_api/run-history/connect", "/gradio_api/dev/reload",
    "/gradio_api/profiling/traces", "/gradio_api/mcp/sse",
    "/gradio_api", "/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/cancel",
    "/gradio_api/reset", "/gradio_api/info", "/gradio_api/api/send", "/gradio_api/call/send", "/gradio_api/run/other",
    "/gradio_api/file=/static/a.png", "/gradio_api/token", "/gradio_api/app_id", "/gradio_api/openapi.json",
    "/gradio_api/run/send/", "/config", "/config/", "/login", "/login/", "/login_check", "/logout", "/openapi.json",
    "/pwa_icon", "/pwa_icon/64", "/manifest.json", "/queue/join", "/token", "/app_id", "/user",
    "/monitoring", "/monitoring/", "/monitoring/summary",
]  # fmt: skip


async def _echo(request: Request) -> Response:
    body = await request.body()
    return JSONResponse(
        {
            "headers": dict(request.headers),
            "scheme": request.url.scheme,
            "client": request.client.host if request.client else None,
            "root_path": request.scope["root_path"],
            "bytes": len(body),
            "id": request.state.request_id,
        }
    )


async def _boastful(request: Request) -> Response:
    del request
    headers = {
        "Access-Control-Allow-Origin": "https://evil.example",
        "access-control-allow-credentials": "true",
        "Server": "gradio",
        "X-Frame-Options": "ALLOWALL",
        "Content-Security-Policy": "default-src *",
    }
    return PlainTextResponse("hello", headers=headers)


async def _broken(request: Request) -> Response:
    raise RuntimeError(f"the customer said {request.query_params['q']}")


async def _broken_midway(request: Request) -> Response:
    del request

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("the customer said " + "hush" * 2)

    return StreamingResponse(parts())


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


class _Heard(logging.Handler):
    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told.append(logs.JsonForm().format(record))


@contextmanager
def _heard(told: list[str]) -> Iterator[None]:
    """What the log for programs says meanwhile."""
    log, handler = logging.getLogger("chatbot"), _Heard(told)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def _guarded(settings: Settings | None = None, *, closing: Closing | None = None, app: ASGIApp | None = None) -> Guard:
    settings = settings or Settings(max_body_bytes=2048)
    routes = [
        Route("/boastful", _boastful),
        Route("/broken", _broken, methods=["POST"]),
        Route("/broken-midway", _broken_midway),
        WebSocketRoute("/socket", _socket),
        Route("/{rest:path}", _echo, methods=["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"]),
    ]
    return Guard(
        app or Starlette(routes=routes),
        settings=settings,
        limiter=RateLimiter(settings.requests_per_minute),
        closing=closing or Closing(),
    )


def _client(app: ASGIApp, host: str = "localhost:7860") -> TestClient:
    return TestClient(app, base_url=f"http://{host}", client=("127.0.0.1", 50_000))


@pytest.fixture
def client() -> Iterator[TestClient]:
    with _client(_guarded()) as opened:
        yield opened


def _problem(response: Any, status: int, field: str | None = None) -> dict[str, Any]:
    """The document, after the checks that hold for each one."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert set(document) == {"type", "title", "status", "detail", "instance", "errors"}
    assert document["status"] == status
    assert document["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert [error["field"] for error in document["errors"]] == ([field] if field else [])
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    return document


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/boastful", 200),
        ("POST", "/anything", 200),
        ("GET", "/monitoring", 404),
        ("GET", "/?deep_link=x", 400),
        ("PATCH", "/x", 405),
        ("POST", "/broken?q=x", 500),
    ],
)
def test_every_response_carries_the_headers_once(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    for name, value in HEADERS.items():
        assert response.headers.get_list(name) == [value]
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])
    assert "strict-transport-security" not in response.headers
    assert "server" not in response.headers
    assert not [name for name in response.headers if name.startswith("access-control-")]


def test_the_policy_is_the_measured_one() -> None:
    assert HEADERS["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_strict_transport_security_where_customers_use_https() -> None:
    with _client(_guarded(Settings(public_url="https://chat.shop.example"))) as client:
        assert client.get("/").headers["strict-transport-security"] == "max-age=31536000"
    with _client(_guarded(Settings(public_url="http://chat.shop.example"))) as client:
        assert "strict-transport-security" not in client.get("/").headers


@pytest.mark.parametrize("path", ["/api/v1/conversations", "/healthz", "/readyz"])
def test_private_answers_are_not_kept(client: TestClient, path: str) -> None:
    assert client.get(path).headers["cache-control"] == "no-store"


def test_other_answers_keep_their_own_rule(client: TestClient) -> None:
    assert "cache-control" not in client.get("/assets/index.js").headers


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
def test_closed_routes_are_not_there(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path)
    assert response.status_code == 404
    if method != "HEAD":
        _problem(response, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/UPLOAD", "/GRADIO_API/upload", "//gradio_api//upload", "/gradio_api/./upload",
        "/gradio_api/x/../upload", "/gradio_api/proxy=x/../../..", "/gradio%5Fapi/upload", "/gradio_api/%75pload",
        "/gradio_api/%2575pload", "/gradio_api/%252575pload", "/gradio_api%2Fupload", "\\gradio_api\\upload",
        "/chat/gradio_api/upload", "/gradio_api/file=%68ttp://evil.example", "/gradio_api/file=//http://evil.example",
        "/gradio_api/file= https:/evil.example", "/Monitoring/", "//monitoring", "/%6donitoring", "/./monitoring",
        "/%252525252541", "/gradio%5fapi/run/send", "/Gradio_api/run/send", "//gradio_api/run/send",
        "/gradio_api/run/send/../../queue/join", "/gradio_api/run/open%2f..%2f..%2finfo", "/gradio_api/heartbeat/x/y",
        "/Config", "/%63onfig", "//config//", "/x/../config", "/openapi%2ejson", "\\login", "/static/../login",
        "/gradio_api/run/send\n",
    ],
)  # fmt: skip
def test_no_spelling_leads_to_a_closed_route(path: str) -> None:
    assert is_closed(path) is True


@pytest.mark.parametrize(
    "path",
    [
        "/", "/api/v1/conversations", "/gradio_api/run/open", "/gradio_api/run/send", "/gradio_api/run/rate",
        "/gradio_api/run/renew", "/gradio_api/theme.css", "/gradio_api/heartbeat/x1-_Y",
        "/gradio_api/startup-events", "/theme.css", "/api/v1/openapi.json", "/favicon.ico", "/robots.txt",
        "/assets/index-Bx_monitoring.js", "/assets/upload-icon.svg", "/static/img/100%25.png",
    ],
)  # fmt: skip
def test_open_routes_stay_open(path: str) -> None:
    assert is_closed(path) is False


def test_a_query_that_no_browser_sends_is_refused(client: TestClient) -> None:
    """Gradio makes an address of it, and failed with a status 500."""
    assert client.get(f"/?{'a' * 8_000}").status_code == 200
    _problem(client.get(f"/?{'a' * 8_001}"), 400, "query")


def test_a_path_with_a_nul_leads_nowhere(client: TestClient) -> None:
    """Servers of files failed on it with a status 500."""
    for path in ("/assets/a%00b", "/%00", "/chat-assets/%00.js"):
        _problem(client.get(path), 404)


@pytest.mark.parametrize("query", ["deep_link=x", "a=1&deep_link", "DEEP_LINK=x", "deep%5Flink=x", "deep%255flink=x"])
@pytest.mark.parametrize("path", ["/", "/gradio_api/run/send"])
def test_deep_links_are_refused(client: TestClient, path: str, query: str) -> None:
    assert _problem(client.get(f"{path}?{query}"), 400, "deep_link")["title"] == "The request cannot be read"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost:7860", "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_pages_of_other_sites_change_nothing(client: TestClient, method: str, headers: dict[str, str]) -> None:
    document = _problem(client.request(method, "/x", headers=headers), 403, "Origin")
    assert document["type"] == "urn:problem-type:chatbot:forbidden"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://localhost:7860"}, {"Origin": "http://localhost:7860", "Sec-Fetch-Site": "same-origin"}],
)
def test_scripts_and_the_own_page_may_post(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/x", headers=headers).status_code == 200


def test_links_from_other_sites_may_lead_here(client: TestClient) -> None:
    headers = {"Origin": "https://search.example", "Sec-Fetch-Site": "cross-site"}
    assert client.get("/", headers=headers).status_code == 200


def test_a_preflight_gets_no_permission(client: TestClient) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = client.options("/boastful", headers=headers)
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("host", ["evil.example", "localhost@evil.example", "localhost:7860, evil.example"])
def test_foreign_hosts_are_refused(client: TestClient, host: str) -> None:
    assert "allowed_hosts" in _problem(client.get("/", headers={"Host": host}), 400, "Host")["detail"]


def _sent(app: ASGIApp, scope: dict[str, Any], chunks: list[Message]) -> tuple[int, bytes]:
    """For what no client library would send. Gives status and body."""
    sent: list[Message] = []

    async def receive() -> Message:
        return chunks.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    full: Scope = {
        "type": "http", "method": "POST", "path": "/x", "raw_path": b"/x", "query_string": b"", "scheme": "http",
        "client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost")], **scope,
    }  # fmt: skip

    async def call() -> None:
        await app(full, receive, send)

    asyncio.run(call())
    return (sent[0]["status"], sent[1]["body"]) if sent else (0, b"")


def test_two_or_no_host_headers_are_refused() -> None:
    two = [(b"host", b"localhost"), (b"host", b"localhost")]
    assert _sent(_guarded(), {"headers": two}, [])[0] == 400
    assert _sent(_guarded(), {"headers": []}, [])[0] == 400


def test_proxy_headers_of_strangers_do_not_come_in(client: TestClient) -> None:
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example",
        "X-Real-IP": "203.0.113.7",
        "X-Original-URL": "/monitoring",
        "X-Request-Id": "forged",
        "Accept-Language": "en",
    }
    response = client.get("/x", headers=headers)
    seen = response.json()
    assert (seen["scheme"], seen["client"], seen["root_path"]) == ("http", "127.0.0.1", "")
    assert seen["headers"]["accept-language"] == "en"
    assert not set(seen["headers"]) & {"forwarded", "x-real-ip", "x-original-url"}
    assert not [name for name in seen["headers"] if name.startswith("x-forwarded-")]
    assert response.headers["x-request-id"] == seen["id"] != "forged"


def test_behind_the_proxy_of_a_public_address() -> None:
    with _client(_guarded(Settings(public_url="https://chat.shop.example")), "chat.shop.example") as client:
        seen = client.get("/x", headers={"X-Forwarded-For": "203.0.113.7"}).json()
    assert (seen["scheme"], seen["client"]) == ("https", "203.0.113.7")


@pytest.mark.parametrize(("length", "status"), [(0, 200), (2048, 200), (2049, 413), (5_000_000, 413)])
def test_the_length_that_is_declared_counts(client: TestClient, length: int, status: int) -> None:
    response = client.post("/x", content=b"x" * length)
    if status == 200:
        assert response.json()["bytes"] == length
    else:
        assert "2048 bytes" in _problem(response, 413, "body")["detail"]


def test_the_bytes_that_come_count(client: TestClient) -> None:
    assert client.post("/x", content=iter([b"x" * 1024] * 2)).json()["bytes"] == 2048
    _problem(client.post("/x", content=iter([b"x" * 1024] * 3)), 413, "body")


def test_a_false_length_does_not_help() -> None:
    headers = [(b"host", b"localhost"), (b"content-length", b"5")]
    chunks: list[Message] = [{"type": "http.request", "body": b"x" * 3000, "more_body": True}]
    assert _sent(_guarded(), {"headers": headers}, chunks)[0] == 413
    for nonsense in (b"-1", b"x", b"", b"9" * 5000):
        headers[1] = (b"content-length", nonsense)
        assert _sent(_guarded(), {"headers": headers}, [])[0] == 413


def test_nobody_is_answered_who_hung_up() -> None:
    headers = [(b"host", b"localhost"), (b"content-length", b"5")]
    assert _sent(_guarded(), {"headers": headers}, [{"type": "http.disconnect"}]) == (0, b"")


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)

    async def never() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http", "method": "POST", "path": "/x", "raw_path": b"/x", "query_string": b"", "scheme": "http",
        "client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost"), (b"content-length", b"5")],
    }  # fmt: skip
    asyncio.run(_guarded()(scope, never, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["errors"] == [{"field": "body", "message": "did not arrive within 0 seconds"}]


def test_too_many_requests_from_one_address() -> None:
    with _client(_guarded(Settings(requests_per_minute=2))) as client:
        assert [client.get("/").status_code for _ in range(2)] == [200, 200]
        response = client.get("/")
    document = _problem(response, 429, "address")
    assert document["title"] == "Too many requests"
    assert response.headers["retry-after"] == "30"


def test_addresses_behind_a_proxy_do_not_share() -> None:
    settings = Settings(requests_per_minute=1, public_url="https://chat.shop.example")
    with _client(_guarded(settings), "chat.shop.example") as client:
        statuses = [client.get("/", headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in (1, 1, 2)]
    assert statuses == [200, 429, 200]


def test_a_failure_says_nothing_about_its_cause(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    with caplog.at_level(logging.INFO, "chatbot"), _heard(told):
        response = client.post("/broken?q=my-secret-number")
    assert "secret" not in response.text
    request_id = response.headers["x-request-id"]
    assert _problem(response, 500)["instance"] == f"urn:uuid:{request_id}"
    failed, answered = map(json.loads, told)
    assert (failed["event"], failed["error"]["type"]) == ("the request failed", "RuntimeError")
    assert failed["error"]["at"][-1].endswith(" _broken")
    assert failed["request"] == answered["request"] == request_id
    assert "secret" not in caplog.text + "".join(told)


def test_a_database_that_refuses_in_front_of_the_application_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def who_is_signed_in(*_: object) -> None:
        raise StoreFull("/home/ana/chatbot.db: its disk is full")

    response = _client(_guarded(app=who_is_signed_in)).get("/desk")
    assert "/home/ana" not in response.text
    assert (_problem(response, 503)["title"], response.headers["retry-after"]) == ("Not ready at the moment", "5")
    assert not [record for record in caplog.records if record.levelno == logging.ERROR]


def test_a_failure_after_the_first_byte_ends_the_answer(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    response = client.get("/broken-midway")
    assert (response.status_code, response.content) == (200, b"first")
    (failed,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert failed.__dict__["fields"]["error"]["type"] == "RuntimeError"
    assert "hushhush" not in caplog.text + str(failed.__dict__)


def test_one_line_a_request_without_what_was_typed(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "chatbot.access"):
        response = client.get("/where-is-my-parcel?q=private")
        client.get("/monitoring")
        client.request("WHERE-IS-MY-PARCEL", "/")
    assert response.headers["x-request-id"]
    lines = [record.__dict__["fields"] for record in caplog.records if record.name == "chatbot.access"]
    lines[2].pop("status")
    took = [line.pop("milliseconds") for line in lines]
    assert all(0 <= milliseconds < 60_000 for milliseconds in took)
    assert lines == [
        {"method": "GET", "route": "/{rest:path}", "status": 200},
        {"method": "GET", "route": "-", "status": 404},
        {"method": "-", "route": "/"},
    ]
    assert "parcel" not in caplog.text.lower()
    assert "private" not in caplog.text


def test_a_requests_id_is_its_own_or_the_one_it_brought(client: TestClient) -> None:
    brought = "0123456789abcdef0123456789abcdef"
    for method, path, status in (("GET", "/", 200), ("GET", "/monitoring", 404), ("POST", "/broken", 500)):
        told: list[str] = []
        with _heard(told):
            response = client.request(method, path, headers={"X-Request-Id": brought})
        assert (response.status_code, response.headers["x-request-id"]) == (status, brought)
        assert {json.loads(line)["request"] for line in told} == {brought}
        if status >= 400:
            assert response.json()["instance"] == f"urn:uuid:{brought}"
    made = {client.get("/", headers={"X-Request-Id": "my card is 4111"}).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


def test_health_checks_and_assets_are_quiet_unless_they_fail(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "chatbot.access"), _client(_guarded(Settings(requests_per_minute=1))) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/assets/x.js").status_code == 200
        assert caplog.records == []
        assert client.get("/healthz").status_code == 429
    assert [record.name for record in caplog.records] == ["chatbot.access"]


def test_websockets_of_the_own_page_only(client: TestClient) -> None:
    own = {"Host": "localhost:7860", "Origin": "http://localhost:7860"}
    with client.websocket_connect("/socket", headers=own) as socket:
        assert socket.receive_text() == "hello"
    for path, wrong in (
        ("/socket", {"Origin": "https://evil.example"}),
        ("/socket", {"Host": "evil.example"}),
        ("/gradio_api/stream/x", {}),
    ):
        with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(path, headers=own | wrong):
            pass
        assert refused.value.code == 1008


def _streamed(closing: Closing, *, begin: bool) -> list[Message]:
    """What is sent of an endless event stream until it is ended."""

    async def endless(scope: Scope, receive: Any, send: Any) -> None:
        del scope, receive
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
        await send(start)
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await asyncio.sleep(60)

    sent: list[Message] = []
    app = Guard(endless, settings=Settings(), limiter=RateLimiter(600), closing=closing)
    scope: Scope = {
        "type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "query_string": b"", "scheme": "http",
        "client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost")],
    }  # fmt: skip

    async def play() -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        task = asyncio.create_task(app(scope, receive, send))
        await asyncio.sleep(0.05)
        if begin:
            closing.begin()
        else:
            task.cancel()
        await task

    asyncio.run(play())
    return sent


def test_event_streams_go_out_at_once_and_end_with_the_server() -> None:
    sent = _streamed(Closing(), begin=True)
    assert [message.get("body") for message in sent] == [None, b"data: 1\n\n", b""]
    assert sent[-1]["more_body"] is False


def test_who_cancels_for_another_reason_is_obeyed() -> None:
    with pytest.raises(asyncio.CancelledError):
        _streamed(Closing(), begin=False)


def test_a_stream_that_begins_too_late_ends_at_once() -> None:
    closing = Closing()
    closing.begun = True
    assert _streamed(closing, begin=True)[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_the_files_of_the_page_do_not_use_up_the_rate_of_an_address() -> None:
    with _client(_guarded(Settings(requests_per_minute=1))) as client:
        files = [client.get(f"/assets/{number}.js").status_code for number in range(20)]
        first, second = client.get("/"), client.get("/")
    assert 429 not in files
    assert (first.status_code, second.status_code) == (200, 429)
