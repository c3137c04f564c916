"""What stands in front of everything, Gradio included: who may ask for what, how much and how often.

Refuses foreign hosts and origins, routes of Gradio that this product does not use, too large bodies and too many
requests; strips headers that may not pass in either direction; logs one line a request, without text.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from urllib.parse import unquote, unquote_plus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot import logs, stages
from chatbot.errors import StoreError
from chatbot.settings import Settings
from chatbot.web import problems
from chatbot.web.closing import Closing
from chatbot.web.headers import incoming, outgoing
from chatbot.web.limits import RateLimiter
from chatbot.web.origins import Origins, bucket_of, caller, networks_of
from chatbot.web.problems import Problem, field_problem

BODY_SECONDS = 20.0
"""A body of at most some kilobytes that takes longer is not on its way."""

LONGEST_PATH, LONGEST_SEGMENT = 2048, 255
"""In bytes."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"}
_OPEN = re.compile(r"/gradio_api/(?:run/(?:open|send|rate|renew)|startup-events|heartbeat/[\w-]+|theme\.css)", re.ASCII)
"""All that the page may ask of Gradio besides its files. What the next Gradio adds stays shut until it is here."""
_GRADIO = re.compile(r"(?:^|/)gradio_api(?:/|$)")
_CLOSED = re.compile(
    r"/?(?:app_id|config|login|login_check|logout|manifest\.json|monitoring|openapi\.json|pwa_icon|queue"
    r"|token|user)(?:/|$)"
)
"""Gradio's other routes at the top; those that the product has itself, such as /api/v1/openapi.json, lie deeper."""
_PRIVATE = re.compile(r"/(?:api/|desk(?:/|$)|healthz$|readyz$)")
_FILES = re.compile(r"/(?:assets|chat-assets|static|svelte)/")
_QUIET = re.compile(rf"{_FILES.pattern}|/(?:healthz$|metrics$|readyz$|gradio_api/(?:heartbeat|startup))")

_LONGEST_QUERY = 8_000
_UNSEEN = re.compile(rb"[\x00-\x20\x7f]")

_access = logging.getLogger("chatbot.access")
_log = logging.getLogger(__name__)


class Guard:
    """ASGI middleware. `limiter` counts requests by address; `closing` ends event streams when the server stops."""

    def __init__(self, app: ASGIApp, *, settings: Settings, limiter: RateLimiter, closing: Closing) -> None:
        self._app = app
        self._origins = Origins.of(settings)
        self._behind_proxy = bool(settings.public_url)
        self._proxies = networks_of(settings.trusted_proxies)
        self._https = settings.public_url.lower().startswith("https://")
        self._most_bytes = settings.max_body_bytes
        self._limiter = limiter
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = logs.request_id(Headers(scope=scope).getlist("x-request-id"))
        with logs.within_request(request_id):
            stages.arrived(started)
            answer = _Answer(send, request_id, https=self._https, private=bool(_PRIVATE.match(scope["path"])))
            inside = self._cleaned(scope, request_id)
            try:
                await self._pass_on(scope, inside, receive, answer)
            finally:
                _log_access(inside, answer, (time.perf_counter() - started) * 1000)

    async def _pass_on(self, scope: Scope, inside: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            self._admit(scope, inside["client"][0])
            with self._closing.awaiting():
                body = await _body(scope, receive, self._most_bytes)
            await self._app(inside, body, self._watching(answer))
        except Problem as problem:
            await answer.refuse(problem)
        except StoreError as error:  # of what stands between here and the application, such as who is signed in
            await answer.refuse(problems.problem_of(error))
        except _Gone:
            pass
        except asyncio.CancelledError:
            if not self._closing.begun:
                raise
            await answer.refuse(Problem(problems.UNAVAILABLE, "The server is restarting; try again.", retry_after=5))
        except Exception as error:
            logs.note(_log, logging.ERROR, "the request failed", error=error)
            await answer.refuse(problems.unexpected())

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        inside = self._cleaned(scope, uuid.uuid4().hex)
        try:
            self._admit(scope, inside["client"][0])
        except Problem:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(inside, receive, send)

    def _cleaned(self, scope: Scope, request_id: str) -> Scope:
        """The scope as the application sees it: nothing in it is a stranger's claim about proxies."""
        headers = Headers(scope=scope)
        peer = scope["client"][0] if scope.get("client") else "local"
        address = caller(peer, headers, behind_proxy=self._behind_proxy, trusted=self._proxies)
        return {
            **scope,
            "headers": incoming(scope["headers"]),
            "client": (address, scope["client"][1] if scope.get("client") else 0),
            "scheme": self._origins.scheme(headers.get("host", ""), scope["scheme"]),
            "root_path": "",
            "state": {**scope.get("state", {}), "request_id": request_id},
        }

    def _admit(self, scope: Scope, address: str) -> None:
        """Raises the Problem that keeps a request out. Before its body is read."""
        headers = Headers(scope=scope)
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy in front that believes the other of the two reads a second request where we read a body.
            told = "two lengths of the body are told; send one"
            raise Problem(problems.MALFORMED, told, headers={"Connection": "close"})
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._origins.knows(hosts[0]):
            raise field_problem(
                "Host", 'this server does not answer to that name; list it in "allowed_hosts"', kind=problems.MALFORMED
            )
        # A first visit takes fifty files; a whole office behind one address must still get the page.
        wait = 0.0 if _FILES.match(scope["path"]) else self._limiter.take(bucket_of(address))
        if wait:
            message = f"too many requests from one address; try again in {wait:.1f} seconds"
            raise field_problem("address", message, kind=problems.TOO_MANY, retry_after=wait)
        if _is_too_long(scope["path"]):
            raise Problem(problems.NOT_FOUND, "There is nothing at this address.")
        # No file system takes a NUL in a name: the servers of files would fail on it.
        if "\0" in scope["path"]:
            raise Problem(problems.NOT_FOUND, "There is nothing at this address.")
        if is_closed(scope["path"]) or is_closed(scope.get("raw_path", b"").decode("latin-1")):
            raise Problem(problems.NOT_FOUND, "There is nothing at this address.")
        # Gradio makes an address of it, and fails on one that is longer or holds what nobody can see.
        if len(scope["query_string"]) > _LONGEST_QUERY or _UNSEEN.search(scope["query_string"]):
            message = f"has at most {_LONGEST_QUERY} characters, all of which can be seen"
            raise field_problem("query", message, kind=problems.MALFORMED)
        if "deep_link" in unquote_plus(unquote_plus(scope["query_string"].decode("latin-1"))).lower():
            raise field_problem("deep_link", "is not used here", kind=problems.MALFORMED)
        if scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS:
            self._admit_origin(headers, hosts[0])

    def _admit_origin(self, headers: Headers, host: str) -> None:
        """Scripts send no Origin; browsers do, and say as well whether the page that sends is another site's."""
        foreign = [origin for origin in headers.getlist("origin") if not self._origins.same(origin, host)]
        if foreign or headers.get("sec-fetch-site") == "cross-site":
            raise field_problem("Origin", "a page of another site may not do this", kind=problems.FORBIDDEN)

    def _watching(self, answer: _Answer) -> Send:
        """Event streams stay open as long as the page does, so they are told when the server goes."""
        task = asyncio.current_task()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start" and task:
                content_type = Headers(raw=message.get("headers", [])).get("content-type", "")
                if content_type.startswith("text/event-stream"):
                    self._closing.add(task)
            await answer.send(message)

        return send


class _Answer:
    """The way out: adds the headers, and knows how far the response got."""

    def __init__(self, send: Send, request_id: str, *, https: bool, private: bool) -> None:
        self.request_id = request_id
        self.status = 0
        self._send = send
        self._https = https
        self._private = private
        self._finished = False

    async def send(self, message: Message) -> None:
        if self._finished:
            return
        if _is_bare_failure(message):  # Gradio's own words for what it did not expect
            await self.refuse(problems.unexpected())
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = outgoing(
                message.get("headers", []), request_id=self.request_id, https=self._https, private=self._private
            )
            message = {**message, "headers": headers}
        elif message["type"] == "http.response.body":
            self._finished = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, or end what was begun: a status that went out cannot be changed."""
        if self._finished:
            return
        if self.status:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        response = problem.response(self.request_id)
        await self.send(
            {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        )
        await self.send({"type": "http.response.body", "body": response.body})


def _is_bare_failure(message: Message) -> bool:
    if message["type"] != "http.response.start" or message["status"] != 500:
        return False
    return Headers(raw=message.get("headers", [])).get("content-type") != problems.MEDIA_TYPE


def is_closed(path: str) -> bool:
    """Whether a path leads to a closed route in any spelling: encoded (also twice), in capitals, with doubled,
    backward or dotted segments. What is open is so in one spelling only.
    """
    if _OPEN.fullmatch(path):
        return False
    for _ in range(4):
        plain = re.sub(r"/+", "/", path.replace("\\", "/").lower())
        if any(_GRADIO.search(form) or _CLOSED.match(form) for form in (plain, _without_dots(plain))):
            return True
        decoded = unquote(path)
        if decoded == path:
            return False
        path = decoded
    return True  # encoded more often than any honest client does


def _is_too_long(path: str) -> bool:
    """For the name of a file: the file system would refuse it, where a folder of files answers."""
    written = path.encode("utf-8", "surrogatepass")
    return len(written) > LONGEST_PATH or max(map(len, written.split(b"/"))) > LONGEST_SEGMENT


def _without_dots(path: str) -> str:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    return "/".join(segments)


class _Gone(Exception):
    """The caller hung up before the body was complete: there is nobody to answer."""


async def _body(scope: Scope, receive: Receive, most: int) -> Receive:
    """Read the whole body, which is small by rule, and give back a `receive` that hands it on.

    Raises a Problem for more than `most` bytes, whether they were declared or just sent.
    """
    headers = Headers(scope=scope)
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:12]) > most:
        raise _too_large(most)
    if declared == "0" and "transfer-encoding" not in headers:
        return receive
    try:
        async with asyncio.timeout(BODY_SECONDS):
            waiting = [await _read(receive, most)]
    except TimeoutError:
        message = f"did not arrive within {BODY_SECONDS:.0f} seconds"
        raise field_problem("body", message, kind=problems.TOO_SLOW) from None

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()  # that the caller left

    return replay


async def _read(receive: Receive, most: int) -> bytes:
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunks += message.get("body", b"")
        if len(chunks) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(chunks)


def _too_large(most: int) -> Problem:
    return field_problem("body", f"at most {most} bytes are accepted", kind=problems.TOO_LARGE)


def _log_access(scope: Scope, answer: _Answer, milliseconds: float) -> None:
    level = logging.DEBUG if answer.status < 400 and _QUIET.match(scope["path"]) else logging.INFO
    logs.note(
        _access,
        level,
        "request",
        method=scope["method"] if scope["method"] in _METHODS else "-",
        route=_route(scope),
        status=answer.status,
        milliseconds=round(milliseconds, 1),
    )


def _route(scope: Scope) -> str:
    """The route's pattern, not the path: a path can hold what somebody typed."""
    if scope["path"] == "/" or _OPEN.fullmatch(scope["path"]) and "/run/" in scope["path"]:
        return str(scope["path"])
    return str(getattr(scope.get("route"), "path", "-"))
