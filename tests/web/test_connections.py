"""A real server whose patience is short: who is slow on purpose, and who is too many."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

PROGRAM = """
import logging, sys, time
from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse
from chatbot.settings import Settings
from chatbot.web import connections, guard, problems
from chatbot.web.closing import Closing
from chatbot.web.entrance import Entrance
from chatbot.web.guard import Guard
from chatbot.web.limits import RateLimiter
from chatbot.web.server import serve

connections.HEAD_SECONDS, connections.STALLED_SECONDS, guard.BODY_SECONDS = 1.0, 1.5, 2.0
connections.SPARE = 3
logging.basicConfig(level=logging.WARNING)
app = FastAPI()
problems.install(app)

@app.get("/large")
async def large():
    return Response(b"x" * 20_000_000)

@app.get("/parts")
async def parts():
    return StreamingResponse(b"x" * 100_000 for _ in range(200))

@app.get("/slow")
def slow():
    time.sleep(4.0)

@app.post("/x")
@app.get("/healthz")
async def x():
    return "here"

app.state.closing = Closing()
app.add_middleware(Entrance)
app.add_middleware(Guard, settings=Settings(max_body_bytes=2048), limiter=RateLimiter(6000), closing=app.state.closing)
serve(
    app, host="127.0.0.1", port=0, on_ready=lambda url: print(url, flush=True), most_connections=int(sys.argv[1])
)
"""
MOST = 5
HEAD = b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    yield from _serving(100)


@pytest.fixture(scope="module")
def small_port() -> Iterator[int]:
    """It takes five connections, and three more for those who have to be told."""
    yield from _serving(MOST)


def _serving(most: int) -> Iterator[int]:
    command = [sys.executable, "-c", PROGRAM, str(most)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.communicate()
        yield int(address.rsplit(":", 1)[1])
        process.terminate()
        _, complaints = process.communicate(timeout=20)
        assert complaints == ""


def _connected(port: int, first: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=10)
    made.sendall(first)
    return made


def _seconds_until_ended(client: socket.socket, drip: bytes = b"") -> tuple[float, bytes]:
    """With what was answered until then; `drip` is sent ten times a second."""
    began, came = time.monotonic(), b""
    client.settimeout(0.1)
    while time.monotonic() < began + 10:
        try:
            if drip:
                client.sendall(drip)
            part = client.recv(65_536)
            if not part:
                return time.monotonic() - began, came
            came += part
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - began, came
    raise AssertionError(f"still open after 10 s: {came[:500]!r}")


def _healthy(port: int) -> bool:
    with closing(_connected(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) as client:
        return client.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("first", "drip", "status"),
    [
        (b"", b"", b""),
        (HEAD, b"X", b""),
        (HEAD + b"X-Slow: ", b"a", b""),
        (HEAD + b"Content-Length: 2000\r\n\r\n{", b" ", b"HTTP/1.1 408 "),
        # Refused at once, and the body comes all the same.
        (HEAD + b"Content-Length: 90000000\r\n\r\n", b" " * 100, b"HTTP/1.1 413 "),
        # An honest request, and then a head that never ends.
        (HEAD + b"Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\nX: ", b"a", b"HTTP/1.1 200 "),
    ],
)
def test_who_never_finishes_is_ended(port: int, first: bytes, drip: bytes, status: bytes) -> None:
    with closing(_connected(port, first)) as client:
        lasted, came = _seconds_until_ended(client, drip)
        assert 0.5 < lasted < 9
        assert came.startswith(status)
        assert came.count(b"HTTP/1.1") == bool(status)
    assert _healthy(port)


@pytest.mark.parametrize("path", [b"/large", b"/parts"])
def test_who_does_not_read_is_ended(port: int, path: bytes) -> None:
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        until = time.monotonic() + 10
        while not client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            assert time.monotonic() < until, "nobody ended it"
            time.sleep(0.1)
    assert _healthy(port)


def test_who_reads_slowly_gets_everything(port: int) -> None:
    with closing(_connected(port, b"GET /parts HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")) as client:
        came = 0
        while part := client.recv(200_000):
            came += len(part)
            time.sleep(0.01 if came < 15_000_000 else 0)
        assert came > 20_000_000


def test_an_answer_that_takes_long_is_waited_for(port: int) -> None:
    with closing(_connected(port, b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) as client:
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_half_that_was_closed_leaves_nothing_behind(port: int) -> None:
    with closing(_connected(port, HEAD + b"Content-Length: 2000\r\n\r\n{")) as client:
        client.shutdown(socket.SHUT_WR)
        assert _seconds_until_ended(client)[0] < 6


def test_there_are_no_websockets(port: int) -> None:
    asking = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    with closing(_connected(port, asking)) as client:
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_idle_ones_make_room(small_port: int) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(closing(_connected(small_port))) for _ in range(MOST)]
        assert all(_healthy(small_port) for _ in range(2))
        assert idle[0].recv(1) == b"", "who had rested for longest"


def test_where_all_are_at_work_one_more_is_told_and_health_is_answered(small_port: int) -> None:
    time.sleep(1.5)  # what rested before has gone
    slow = b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with ExitStack() as stack:
        busy = [stack.enter_context(closing(_connected(small_port, slow))) for _ in range(MOST)]
        time.sleep(0.3)
        told = stack.enter_context(closing(_connected(small_port, HEAD + b"Content-Length: 2\r\n\r\n{}")))
        _, came = _seconds_until_ended(told)
        head, _, body = came.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 5\r\n" in head.lower()
        assert json.loads(body)["detail"] == "Too many connections are open; try again in a moment."
        assert _healthy(small_port)
        begun = HEAD + b"Content-Length: 2000\r\n\r\n{"
        for _ in range(3):
            stack.enter_context(closing(_connected(small_port, begun)))
            time.sleep(0.1)  # until it is worked on: one that has said nothing would make room
        last = stack.enter_context(closing(_connected(small_port)))
        _, came = _seconds_until_ended(last)
        assert came.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 5\r\n" in came
        assert [each.recv(65_536)[:13] for each in busy] == [b"HTTP/1.1 200 "] * MOST
    assert _healthy(small_port)
