"""A real server in a process of its own, as `chatbot serve` starts it, around a small application."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from chatbot.errors import ChatbotError
from chatbot.web.closing import Closing
from chatbot.web.server import serve

PROGRAM = """
import asyncio, logging, sys, time
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from chatbot.settings import Settings
from chatbot.web.closing import Closing
from chatbot.web.guard import Guard
from chatbot.web.limits import RateLimiter
from chatbot.web.server import serve

logging.basicConfig(level=logging.WARNING)
app = FastAPI()

async def ticks():
    while True:
        yield "data: ALIVE\\n\\n"
        await asyncio.sleep(0.1)

@app.get("/stream")
async def stream():
    return StreamingResponse(ticks(), media_type="text/event-stream")

@app.get("/slow")
def slow():
    time.sleep(1.5)
    return "answered"

@app.get("/stuck")
async def stuck():
    await asyncio.sleep(120)

@app.post("/x")
async def x():
    return "read"

app.state.closing = Closing()
app.add_middleware(Guard, settings=Settings(max_body_bytes=2048), limiter=RateLimiter(6000), closing=app.state.closing)
serve(app, host="127.0.0.1", port=0, on_ready=lambda url: print(url, flush=True))
print("returned", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Running:
    process: subprocess.Popen[str]
    port: int
    opened: ExitStack

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> http.client.HTTPResponse:
        connection = self.opened.enter_context(closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)))
        connection.request(method, path, body)
        return self.opened.enter_context(closing(connection.getresponse()))

    def stop(self, number: signal.Signals) -> float:
        """Seconds until the process is gone."""
        started = time.perf_counter()
        self.process.send_signal(number)
        self.process.wait(20)
        return time.perf_counter() - started

    def output(self) -> tuple[str, str]:
        return self.process.communicate(timeout=5)


@contextmanager
def _running() -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.communicate()
        with ExitStack() as opened:
            yield Running(process, int(address.rsplit(":", 1)[1]), opened)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_at_once_with_open_tabs_and_without_a_word(number: signal.Signals) -> None:
    with _running() as server:
        tabs = [server.ask("/stream") for _ in range(20)]
        assert [tab.readline() for tab in tabs] == [b"data: ALIVE\n"] * 20
        assert server.stop(number) < 4
        assert server.process.returncode == 0
        assert server.output() == ("returned\n", "")
        # The streams end as a complete answer does, not as a broken connection.
        assert all(tab.read().endswith(b"\n") for tab in tabs)


def test_a_request_that_never_comes_to_its_end_holds_nobody_up() -> None:
    head = b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{"
    with _running() as server, closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as slow:
        slow.sendall(head)
        assert server.ask("/slow").status == 200  # what came before it is being read by now
        assert server.stop(signal.SIGTERM) < 4
        assert slow.recv(1000).startswith(b"HTTP/1.1 503 "), "it is told to come back"
        assert server.output() == ("returned\n", "")


def test_an_answer_that_is_worked_on_is_still_given() -> None:
    with _running() as server:
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(server.ask("/slow").read()))
        asking.start()
        time.sleep(0.5)
        assert server.stop(signal.SIGTERM) < 5
        asking.join(5)
        assert answers == [b'"answered"']


def test_what_never_ends_is_cut_off_with_a_problem_document() -> None:
    with _running() as server:
        answers: list[tuple[int, str | None]] = []

        def ask() -> None:
            response = server.ask("/stuck")
            answers.append((response.status, response.headers["Retry-After"]))

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        assert 4.5 < server.stop(signal.SIGTERM) < 10
        asking.join(5)
        assert answers == [(503, "5")]
        assert "Traceback" not in "".join(server.output())


def test_its_own_headers_are_the_only_ones() -> None:
    with _running() as server:
        response = server.ask("/x", "POST", b"{}")
        assert (response.status, response.read()) == (200, b'"read"')
        assert response.headers["date"]
        assert "server" not in response.headers
        assert response.headers.get_all("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("size", [2049, 100_000, 3_000_000])
def test_too_large_a_body_gets_its_answer(size: int) -> None:
    with _running() as server:
        response = server.ask("/x", "POST", b"x" * size)
        assert response.status == 413
        assert b"at most 2048 bytes" in response.read()


def test_the_next_server_may_have_the_port_at_once() -> None:
    with _running() as server:
        stream = server.ask("/stream")
        stream.readline()
        server.stop(signal.SIGTERM)
        with socket.create_server(("127.0.0.1", server.port)):
            pass


def _app() -> FastAPI:
    app = FastAPI()
    app.state.closing = Closing()
    return app


def _never(address: str) -> None:
    raise AssertionError(f"must not listen on {address}")


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ChatbotError, match=rf"^port {port} is taken; chatbot serve --port {port + 1}$"):
            serve(_app(), host="127.0.0.1", port=port, on_ready=_never)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_here(host: str) -> None:
    with pytest.raises(ChatbotError, match=rf'^host "{host}" is no address of this machine; chatbot serve --host 127'):
        serve(_app(), host=host, port=0, on_ready=_never)
