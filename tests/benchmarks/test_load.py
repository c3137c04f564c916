from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from benchmarks.load import Conversations, OneRoute, flood, parse_head


class Echo(BaseHTTPRequestHandler):
    """A route that says each text back, refuses "no", and knows conversations."""

    protocol_version = "HTTP/1.1"
    begun = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/conversations"):
            type(self).begun += 1
            self._answer(201, {"id": f"c{self.begun}"})
        elif body["text"] == "no":
            self._answer(429, {})
        else:
            self._answer(201 if "conversations" in self.path else 200, body)

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.load.SETTLE_SECONDS", 0.0)


def test_answers_are_counted_and_timed(url: str) -> None:
    load = flood(url, [OneRoute("/predict") for _ in range(3)], ["one", "two"], seconds=0.2)
    assert load.refused == 0
    assert len(load.milliseconds) > 3
    assert min(load.milliseconds) > 0
    assert load.per_second == len(load.milliseconds) / 0.2


def test_a_refusal_is_no_answer(url: str) -> None:
    load = flood(url, [OneRoute("/predict")], ["no"], seconds=0.1)
    assert load.milliseconds == ()
    assert load.refused > 0


def test_each_conversation_takes_ten_messages(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Echo, "begun", 0)
    load = flood(url, [Conversations()], ["hello"], seconds=0.2)
    assert load.refused == 0
    assert Echo.begun in {len(load.milliseconds) // 10, len(load.milliseconds) // 10 + 1}


def test_the_head_of_an_answer() -> None:
    assert parse_head(b"HTTP/1.1 201 Created\r\ncontent-length: 17\r\n\r\n") == (201, 17)
    with pytest.raises(ValueError, match="no Content-Length"):
        parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
