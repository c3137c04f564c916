"""How many requests are worked on at once: some wait for their turn, and one more is told at once to come back later.

Without it every request that arrives is taken on, whatever the load, and each waits for all before it: nobody is
refused, and nobody is answered in time. What a supervisor asks never waits.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import Protocol
from weakref import WeakKeyDictionary

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.web.problems import UNAVAILABLE, Problem

AT_ONCE = 40
"""As many as there are threads to work in."""
MOST_WAITING = 256
PAGE_AT_ONCE = 16
"""Of the page's calls: twice as many as `chat.py` lets work, so that there is always one at hand. Gradio handles each
in the event loop, which must not be busy with them alone."""
PAGE_WAITING = 64
MOST_STREAMS = 500
"""Streams that last as long as a page is open. Ours opens none, but whoever does holds a connection for good: these
must not take the place of customers."""
A_ROUND = 8
"""Requests that begin in one round of the event loop."""
WAITING_SECONDS = 5.0
RETRY_SECONDS = 5

_ALWAYS_OPEN = re.compile(r"/(?:healthz|readyz)$")
_FREE = re.compile(r"/metrics$")
_WATCHING = re.compile(f"{_ALWAYS_OPEN.pattern}|{_FREE.pattern}")
_STREAM = re.compile(r"/gradio_api/heartbeat/")
_PAGE = re.compile(r"/gradio_api/run/")


class Peer(Protocol):
    """What is asked of the connection that a request came by."""

    @property
    def crowded(self) -> bool: ...

    @property
    def gone(self) -> bool: ...


class Lane:
    """So many at once, the others in a queue: first come, first served. Lives in the event loop's thread."""

    def __init__(self, at_once: int, *, most_waiting: int, seconds: float = WAITING_SECONDS) -> None:
        self._free = at_once
        self._most_waiting = most_waiting
        self._seconds = seconds
        self._queue: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Raises the Problem of whoever came when too many wait, or has waited for too long."""
        if self._free:
            self._free -= 1
        elif len(self._queue) >= self._most_waiting:
            raise _unavailable("Too many requests wait for their turn; try again in a moment.")
        else:
            await self._called()

    def leave(self) -> None:
        """The turn is the next one's."""
        while self._queue:
            call = self._queue.popleft()
            if not call.done():
                call.set_result(None)
                return
        self._free += 1

    async def _called(self) -> None:
        call = asyncio.get_running_loop().create_future()
        self._queue.append(call)
        try:
            async with asyncio.timeout(self._seconds):
                await call
        except BaseException as error:
            if call.done() and not call.cancelled():  # called and given up at the same moment
                self.leave()
            elif call in self._queue:
                self._queue.remove(call)
            if isinstance(error, TimeoutError):
                raise _unavailable(
                    f"The request waited {self._seconds:g} seconds for its turn; try again in a moment."
                ) from None
            raise


class Turnstile:
    """ASGI middleware: of requests that arrive together, a few begin in each round of the event loop.

    A loop hears of nothing new before it has gone through everything that is ready. Where hundreds of clients ask again
    the moment they are refused, each round lasts as long as all their refusals, and a health check, which takes several
    rounds, seconds. It does not pass here.
    """

    def __init__(self, app: ASGIApp, *, a_round: int = A_ROUND) -> None:
        self._app = app
        self._a_round = a_round
        # Whoever tests an application may have a loop for each request.
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, deque[asyncio.Future[None]]] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _WATCHING.match(scope["path"]):
            await self._passed()
        await self._app(scope, receive, send)

    async def _passed(self) -> None:
        loop = asyncio.get_running_loop()
        line = self._lines.setdefault(loop, deque())
        if not line:
            loop.call_soon(self._turn, loop, line)
        turn = loop.create_future()
        line.append(turn)
        await turn

    def _turn(self, loop: asyncio.AbstractEventLoop, line: deque[asyncio.Future[None]]) -> None:
        for _ in range(min(self._a_round, len(line))):
            turn = line.popleft()
            if not turn.done():
                turn.set_result(None)
        if line:
            loop.call_soon(self._turn, loop, line)


class Entrance:
    """ASGI middleware; stands inside the guard, which has read the body and turns a Problem into its document.

    A turn ends as soon as an answer begins: whoever takes long to read it holds nobody up. That of a stream lasts.
    """

    def __init__(
        self, app: ASGIApp, *, lane: Lane | None = None, page: Lane | None = None, streams: Lane | None = None
    ) -> None:
        self._app = app
        self._streams = streams or Lane(MOST_STREAMS, most_waiting=0)
        self._lane = lane or Lane(AT_ONCE, most_waiting=MOST_WAITING)
        self._page = page or Lane(PAGE_AT_ONCE, most_waiting=PAGE_WAITING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _ALWAYS_OPEN.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        peer: Peer | None = scope.get("state", {}).get("connection")
        if peer is not None and peer.crowded:
            raise _unavailable("Too many connections are open; try again in a moment.")
        if _FREE.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        lasts = _STREAM.match(scope["path"])
        lane = self._streams if lasts else self._page if _PAGE.match(scope["path"]) else self._lane
        await lane.enter()
        inside = True

        def leave() -> None:
            nonlocal inside
            if inside:
                inside = False
                lane.leave()

        async def sending(message: Message) -> None:
            if not lasts:
                leave()
            await send(message)

        try:
            if peer is None or not peer.gone:  # while it waited: nobody would read the answer
                await self._app(scope, receive, sending)
        finally:
            leave()


def _unavailable(detail: str) -> Problem:
    return Problem(UNAVAILABLE, detail, retry_after=RETRY_SECONDS)
