"""Listening, and leaving again: within seconds, without a traceback, whatever tabs are open."""

from __future__ import annotations

import contextlib
import errno
import functools
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from chatbot.errors import ChatbotError
from chatbot.web.closing import Closing
from chatbot.web.connections import LOOK_SECONDS, Connection, Connections, room_for

GRACE_SECONDS = 5
"""For answers that are being worked out. Open event streams are ended at once."""

MOST_CONNECTIONS = 2000
_BACKLOG = 2048
_ACCEPTED = 16
"""Connections that are taken before the next thing is looked at: asyncio takes as many as the system may keep waiting,
and so opens more files than there may be before the first connection can be refused."""
_TICKS = 10
"""Of uvicorn's main loop, a second."""


def serve(
    app: FastAPI,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    most_connections: int = MOST_CONNECTIONS,
) -> None:
    """Serve until Ctrl-C or SIGTERM, then return. `on_ready` gets the address once requests are answered.

    Port 0 takes a free one. Raises ChatbotError that names the cure when the address cannot be listened on.
    """
    listener = _listen(host, port)
    connections = Connections(room_for(most_connections))
    config = uvicorn.Config(
        app,
        http=functools.partial(Connection, connections=connections),  # type: ignore[arg-type] # it is only called
        ws="none",
        backlog=_ACCEPTED,
        workers=1,  # Gradio's queue lives in one process: with two, a third of the chats failed
        timeout_graceful_shutdown=GRACE_SECONDS,
        access_log=False,  # the guard writes that line, without text
        server_header=False,
        proxy_headers=False,  # the guard decides whom to believe
        log_config=None,
        lifespan="on",
    )
    address = _address(host, listener.getsockname()[1])
    follower = getattr(app.state, "follower", contextlib.nullcontext())
    with contextlib.closing(listener), follower:
        server = Server(config, connections, closing=app.state.closing, on_ready=lambda: on_ready(address))
        server.run(sockets=[listener])


def check_address(host: str, port: int) -> None:
    """Raises ChatbotError now for an address that cannot be listened on, rather than after minutes of preparing."""
    _listen(host, port).close()


class Server(uvicorn.Server):
    """Uvicorn's, but it says when it is ready, ends event streams when it stops, and then simply returns."""

    def __init__(
        self, config: uvicorn.Config, connections: Connections, *, closing: Closing, on_ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._open = connections
        self._closing = closing
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for listener in sockets or ():
            listener.listen(_BACKLOG)  # asyncio has set it to what it takes at once
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % round(LOOK_SECONDS * _TICKS) == 0:
            self._open.look()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.begin()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn raises the signal again when all is done: that would end in a KeyboardInterrupt, or by SIGTERM
        before the database is closed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ChatbotError(f'host "{host}" is no address of this machine; chatbot serve --host 127.0.0.1') from error
    # "localhost" names two; IPv4 is the one that every client tries.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    # Named as TCP, or asyncio leaves Nagle's algorithm on, and head and body of an answer come 40 ms apart.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ChatbotError(_cure(error, host, port)) from error
    return listener


def _cure(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken; chatbot serve --port {port + 1 if port < 65535 else 7860}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} needs more rights than this user has; chatbot serve --port 7860"
    if error.errno == errno.EADDRNOTAVAIL:
        return f'host "{host}" is no address of this machine; chatbot serve --host 127.0.0.1'
    return f"cannot listen on {host}:{port}: {error.strerror}"


def _address(host: str, port: int) -> str:
    """What a person can open: listening everywhere is reached by this machine's own name."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"
