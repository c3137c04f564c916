"""A client that is not put off: one connection that is made anew when it breaks, and requests sent until they count."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PATIENCE_SECONDS = 30.0
"""For one answer."""
PAUSE_SECONDS = 0.2
_LOST = (OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.LimitOverrunError)


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by name in small letters. `tries` counts the requests that were sent for it."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    tries: int = 1

    @property
    def comes_later(self) -> bool:
        """Whether the server says that the same request may succeed later."""
        return self.status in (429, 503)


class Lost(Exception):
    """The connection broke before the answer was complete: nobody knows whether the request was heard."""


class Wire:
    """One keep-alive connection that speaks JSON; `cookie` is sent along once the server has given one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.cookie = ""

    async def ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> Answer:
        """One try. Raises Lost."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._ask(method, path, body, key)
        except _LOST as error:
            self.close()
            raise Lost(f"{method} {path}: {type(error).__name__}") from error
        except BaseException:
            self.close()
            raise

    async def insist(self, method: str, path: str, body: Any = None, *, key: str = "", until: float) -> Answer:
        """The same request again and again until its answer is there and is no 503; raises Lost at `until`."""
        tries = 0
        while True:
            tries += 1
            try:
                answer = await self.ask(method, path, body, key=key)
                if not answer.comes_later:
                    return Answer(answer.status, answer.body, answer.headers, tries)
                if "retry-after" not in answer.headers:
                    return answer
            except Lost:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask(self, method: str, path: str, body: Any, key: str) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", f"Content-Length: {len(content)}"]
        lines += ["Content-Type: application/json"] if content else []
        lines += [f"Idempotency-Key: {key}"] if key else []
        lines += [f"Cookie: {self.cookie}"] if self.cookie else []
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + content)
        status, headers = _head(await reader.readuntil(b"\r\n\r\n"))
        text = await reader.readexactly(int(headers.get("content-length", "0")))
        if given := headers.get("set-cookie"):
            self.cookie = given.partition(";")[0]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, json.loads(text) if text else None, headers)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    # Of a name that comes twice the first one counts: the session's cookie comes before the others.
    pairs = (line.partition(":") for line in reversed(lines) if line)
    return int(first.split(" ", 2)[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}
