"""How a server is while something is done to it: whether it says that it lives, and what it holds."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil

PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes of resident memory, open files and threads."""

    memory: int
    files: int
    threads: int


def held(pid: int) -> Held:
    process = psutil.Process(pid)
    with process.oneshot():
        return Held(process.memory_info().rss, process.num_fds(), process.num_threads())


@dataclass(slots=True)
class Watched:
    """`health` are seconds until /healthz answered 200 on a new connection; `unhealthy` are all other ends."""

    health: list[float] = field(default_factory=list)
    unhealthy: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    files: int = 0

    @property
    def slowest(self) -> float:
        return max(self.health, default=0.0)

    @property
    def megabytes(self) -> float:
        """At the most."""
        return max(self.memory, default=0) / 1e6


@contextmanager
def watching(url: str, pid: int, *, every: float = 0.25) -> Iterator[Watched]:
    """Ask and look from time to time, in a thread, as long as the block lasts."""
    found, stop = Watched(), threading.Event()

    def look() -> None:
        while not stop.wait(every):
            seconds, status = asked(url, "/healthz")
            if status == 200:
                found.health.append(seconds)
            else:
                found.unhealthy.append(f"{status} after {seconds:.1f} s")
            now = held(pid)
            found.memory.append(now.memory)
            found.files = max(found.files, now.files)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(2 * PATIENCE_SECONDS)


def asked(url: str, path: str, *, method: str = "GET", body: bytes | None = None) -> tuple[float, int]:
    """Seconds and status of one request on a new connection; status 0 where there was no answer."""
    parts, began, status = urlsplit(url), time.perf_counter(), 0
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    with closing(connection):
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            pass
    return time.perf_counter() - began, status
