"""Many clients at once against an HTTP server: keep-alive connections, each says its next message when answered.

Plain asyncio streams, so that the client takes as little as possible of the processor that the server needs too.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

SETTLE_SECONDS = 1.0
"""Not counted: connections open and caches fill."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one flood measured: answers counted, how long it lasted, each answer's time, and answers refused."""

    seconds: float
    milliseconds: tuple[float, ...]
    refused: int

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds


class Connection:
    """One keep-alive connection that speaks JSON."""

    def __init__(self, url: str, *, cookie: str = "") -> None:
        parts = urlsplit(url)
        self._cookie = f"Cookie: {cookie}\r\n" if cookie else ""
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and decoded answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: application/json\r\n"
            f"{self._cookie}Content-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        status, length = parse_head(await reader.readuntil(b"\r\n\r\n"))
        return status, json.loads(await reader.readexactly(length) or b"null")

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()


def parse_head(head: bytes) -> tuple[int, int]:
    """Status and length of the body; ValueError where the server does not say how long it is."""
    first, *lines = head.decode("latin-1").split("\r\n")
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(first.split(" ", 2)[1]), int(value)
    raise ValueError(f"no Content-Length in {head!r}")


class Talk(Protocol):
    """How one client speaks to a kind of server."""

    async def begin(self, connection: Connection) -> None:
        """Whatever has to be done before the next message; not counted."""

    async def say(self, connection: Connection, text: str) -> bool:
        """Send one message and wait for its answer; whether there was one."""


class OneRoute:
    """A server with a single route that takes a text."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def begin(self, connection: Connection) -> None:
        del connection  # each message stands alone

    async def say(self, connection: Connection, text: str) -> bool:
        status, _ = await connection.post(self._path, {"text": text})
        return status == 200


class Conversations:
    """Our REST API: a new conversation after so many messages; only the messages are counted."""

    MESSAGES = 10

    def __init__(self) -> None:
        self._path = ""
        self._said = 0

    async def begin(self, connection: Connection) -> None:
        if self._said % self.MESSAGES == 0:
            status, begun = await connection.post("/api/v1/conversations", {})
            if status != 201:
                raise RuntimeError(f"no conversation could be begun: {status} {begun}")
            self._path = f"/api/v1/conversations/{begun['id']}/messages"
        self._said += 1

    async def say(self, connection: Connection, text: str) -> bool:
        status, _ = await connection.post(self._path, {"text": text})
        return status == 201


def flood(url: str, talks: Sequence[Talk], texts: Sequence[str], seconds: float) -> Load:
    """A client for each of `talks`, for `seconds` after everyone has settled."""
    return asyncio.run(_flood(url, talks, texts, seconds))


async def _flood(url: str, talks: Sequence[Talk], texts: Sequence[str], seconds: float) -> Load:
    milliseconds: list[float] = []
    refused: list[int] = []
    start = time.monotonic() + SETTLE_SECONDS
    waiting = itertools.cycle(texts)

    async def client(talk: Talk) -> None:
        connection = Connection(url)
        try:
            while time.monotonic() < start + seconds:
                await talk.begin(connection)
                began = time.perf_counter()
                answered = await talk.say(connection, next(waiting))
                took = (time.perf_counter() - began) * 1000
                if start <= time.monotonic() < start + seconds:
                    milliseconds.append(took) if answered else refused.append(1)
        finally:
            await connection.close()

    await asyncio.gather(*(client(talk) for talk in talks))
    return Load(seconds, tuple(milliseconds), len(refused))
