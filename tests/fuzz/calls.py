"""Requests byte by byte, past every client library: what such a library would refuse to send is what is tried here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message

Header = tuple[bytes, bytes]
HOST: Header = (b"host", b"localhost:7860")
JSON: Header = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    """Of this process's own time."""


class Calls:
    """One event loop for all of them, as in a server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def __call__(
        self,
        method: str,
        target: bytes,
        *,
        headers: Sequence[Header] = (),
        chunks: Sequence[bytes] = (),
        hangs_up: bool = False,
    ) -> Answered:
        raw_path, _, query = target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),  # as uvicorn does
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": [HOST, *headers],
            "client": ("127.0.0.1", 50_002),
            "server": ("127.0.0.1", 7860),
            "state": {},
        }
        started = time.process_time()
        status, found, body = self._loop.run_until_complete(self._asked(scope, list(chunks), hangs_up))
        return Answered(status, found, body, time.process_time() - started)

    async def _asked(self, scope: dict[str, Any], chunks: list[bytes], hangs_up: bool) -> tuple[int, Any, bytes]:
        sent: list[Message] = []
        waiting = list(chunks)

        async def receive() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting) or hangs_up}
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await asyncio.wait_for(self._app(scope, receive, send), 30)
        if not sent:
            return 0, {}, b""  # the caller was gone
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])
