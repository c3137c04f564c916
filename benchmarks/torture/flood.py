"""Customers who come at a rate of their own, answered or not, in a process of their own.

    python -m benchmarks.torture.flood URL RATE CLIENTS SECONDS (api|page)

Each client has a connection and does not begin anew before it was answered: of a server that is slower than they are,
CLIENTS requests are open at every moment. Prints one line of JSON, as `Flood` has it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from benchmarks.tables import quantile

TEXTS = (
    "where is my order", "how do I return the boots", "when will my parcel be here", "size chart please",
    "when will I get my money back", "when do you open on saturday", "tell me a joke",
)  # fmt: skip
MESSAGES = 10
"""Of a conversation."""
PATIENCE_SECONDS = 30.0
BREATH_SECONDS = 0.05
"""After a connection that could not be made or was ended."""


@dataclass(slots=True)
class Flood:
    """`refused` by status. `bare` refusals did not say when to come back. Milliseconds are those of the answered."""

    sent: int = 0
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    bare: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    p50: float = 0.0
    p99: float = 0.0
    most: float = 0.0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds

    @property
    def turned_away(self) -> int:
        return sum(self.refused.values())


def begin(url: str, *, rate: float, clients: int, seconds: float, at: str = "api") -> subprocess.Popen[str]:
    """Its output is for `result_of`."""
    command = [sys.executable, "-m", "benchmarks.torture.flood", url, str(rate), str(clients), str(seconds), at]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str]) -> Flood:
    told, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the customers ended with status {process.returncode}")
    found: dict[str, Any] = json.loads(told)
    return Flood(**{**found, "refused": Counter(found["refused"]), "errors": Counter(found["errors"])})


class Customer:
    """One keep-alive connection; `said` requests were sent on it."""

    def __init__(self, url: str, at: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.at = at
        self.cookie = secrets.token_urlsafe(16)
        self.path = ""
        self.left = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def say(self, text: str) -> tuple[str, bool]:
        """Status, or the name of the page's refusal, and whether a refusal said when to come back."""
        if self.at == "page":
            call = {"data": [{"text": text, "key": secrets.token_urlsafe(16)}]}
            status, head, body = await self._post("/gradio_api/run/send", call)
            if status == 200:
                error = json.loads(body)["data"][0].get("error")
                return (error["name"], bool(error["sentence"])) if error else ("answered", True)
            return str(status), b"retry-after:" in head
        if not self.left:
            status, head, body = await self._post("/api/v1/conversations", {})
            if status != 201:
                return str(status), b"retry-after:" in head
            self.path, self.left = f"/api/v1/conversations/{json.loads(body)['id']}/messages", MESSAGES
        status, head, body = await self._post(self.path, {"text": text})
        self.left -= status == 201
        return "answered" if status == 201 else str(status), b"retry-after:" in head

    async def _post(self, path: str, what: object) -> tuple[int, bytes, bytes]:
        content = json.dumps(what).encode()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = self._streams
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"Cookie: visitor={self.cookie}\r\nContent-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ", 2)[1]), head, body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def flood(url: str, *, rate: float, clients: int, seconds: float, at: str) -> Flood:
    found, took, numbers, start = Flood(), list[float](), itertools.count(), time.perf_counter()

    async def one() -> None:
        customer = Customer(url, at)
        while True:
            number = next(numbers)
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            if time.perf_counter() >= start + seconds:
                break
            began = time.perf_counter()
            found.sent += 1
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    status, told = await customer.say(TEXTS[number % len(TEXTS)])
            except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
                found.errors[type(error).__name__] += 1
                customer.close()
                await asyncio.sleep(BREATH_SECONDS)
                continue
            if status == "answered":
                took.append((time.perf_counter() - began) * 1000)
            else:
                found.refused[status] += 1
                found.bare += not told
        customer.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    found.answered, found.seconds = len(took), time.perf_counter() - start
    if took:
        found.p50, found.p99, found.most = quantile(took, 0.5), quantile(took, 0.99), max(took)
    return found


if __name__ == "__main__":
    where, per_second, many, for_seconds, place = sys.argv[1:]
    outcome = asyncio.run(flood(where, rate=float(per_second), clients=int(many), seconds=float(for_seconds), at=place))
    print(json.dumps({each.name: getattr(outcome, each.name) for each in fields(outcome)}))
