"""Clients that take up room and do little else: who never finish what they say, or never read what they asked for.

Plain sockets that one thread looks after, so that the server has the processor.
"""

from __future__ import annotations

import resource
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

HEAD = b"POST /api/v1/conversations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
DRIP_SECONDS = 1.0
MORE_THAN_BUFFERS = 20_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """`first` is sent at once and a byte of `more` every second; `reads` is whether answers are taken, and `closes`
    that it says at once that it sends no more."""

    name: str
    first: bytes
    more: bytes = b""
    reads: bool = True
    closes: bool = False


IDLE = Kind("idle", b"")


def kinds(large: str, size: int) -> tuple[Kind, ...]:
    """`large` is the path of a file of `size` bytes; of so many files no buffer between server and client holds all."""
    pages = f"GET {large} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * (MORE_THAN_BUFFERS // size + 1)
    return (
        Kind("heads that never end", HEAD + b"X-Slow: ", b"a"),
        Kind("bodies that never end", HEAD + b"Content-Length: 4000\r\n\r\n{", b" "),
        Kind("bodies of 100 MB that were refused", HEAD + b"Content-Length: 100000000\r\n\r\n", b" " * 1000),
        Kind("readers who do not read", pages, reads=False),
        Kind("halves that were closed", HEAD + b"Content-Length: 40\r\n\r\n{", closes=True),
        IDLE,
    )


@dataclass(slots=True)
class Slow:
    """One of them. `lasted` are the seconds until the server ended it."""

    kind: Kind
    socket: socket.socket
    since: float
    answer: bytes = b""
    lasted: float | None = None

    def step(self, now: float, *, drips: bool) -> None:
        """Take what came, send the next byte, and notice whether the server has ended it."""
        if self._is_over() or (drips and self.kind.more and not self._drip()):
            self.lasted = now - self.since
            self.socket.close()

    def _is_over(self) -> bool:
        if not self.kind.reads:  # whoever does not read learns of the end by its error alone
            return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
        try:
            while came := self.socket.recv(65_536):
                self.answer += came[: max(0, 1000 - len(self.answer))]
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _drip(self) -> bool:
        try:
            self.socket.send(self.kind.more)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


@contextmanager
def crowd(url: str, wanted: dict[Kind, int]) -> Iterator[list[Slow]]:
    """So many of each kind, connected."""
    may_open(sum(wanted.values()) + 100)
    there: list[Slow] = []
    try:
        for kind, many in wanted.items():
            there += [slow for slow in (_come(url, kind) for _ in range(many)) if slow]
        yield there
    finally:
        for slow in there:
            slow.socket.close()


def live(there: list[Slow], seconds: float, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Let them go on for so long, or until the server has ended every one; `meanwhile` is called every DRIP_SECONDS."""
    until, drip_at = time.monotonic() + seconds, 0.0
    left = [slow for slow in there if slow.lasted is None]
    with selectors.DefaultSelector() as selector:
        for slow in left:
            if slow.kind.reads:
                selector.register(slow.socket, selectors.EVENT_READ, slow)
        while left and (now := time.monotonic()) < until:
            drips = now >= drip_at
            stirred = [key.data for key, _ in selector.select(0.1)]
            for slow in [slow for slow in (left if drips else stirred) if slow.lasted is None]:
                number = slow.socket.fileno()
                slow.step(now, drips=drips)
                if slow.lasted is not None and slow.kind.reads:
                    selector.unregister(number)
            if drips:
                drip_at = now + DRIP_SECONDS
                left = [slow for slow in left if slow.lasted is None]
                meanwhile()


def may_open(files: int) -> None:
    """This process needs a file for each of its clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(hard, files)))


def _come(url: str, kind: Kind) -> Slow | None:
    """None where the server does not even take the connection."""
    parts = urlsplit(url)
    made = socket.socket()
    if not kind.reads:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(5.0)
    try:
        made.connect((parts.hostname, parts.port))
        made.sendall(kind.first)
        if kind.closes:
            made.shutdown(socket.SHUT_WR)
    except OSError:
        made.close()
        return None
    made.setblocking(False)
    return Slow(kind, made, time.monotonic())
