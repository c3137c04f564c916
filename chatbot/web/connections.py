"""What one connection may cost: time to say what it wants, time to take what it got, and a place among the others.

Uvicorn bounds none of the three. It waits for ever for the rest of a head, for a body that nobody reads any more and
for a reader that does not read, and it accepts until the process has no file left to open.
"""

from __future__ import annotations

import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""From the connection, or from the end of the last answer, until the next request's head is complete. Also for how long
the rest of a body is taken and thrown away that was refused before it came."""
STALLED_SECONDS = 30.0
LEAST_TAKEN = 16_384
"""Bytes that a reader takes within STALLED_SECONDS: half a kilobyte a second, which the slowest telephone does."""
LOOK_SECONDS = 1.0
SPARE = 64
"""Connections beyond the most: they learn that the server is full, and health is answered there."""
OTHER_FILES = 256
"""Of the process's open files these are left to the database, the models and everything else."""
MOST_FILES = 65_536

FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-type: text/plain\r\n"
    b"content-length: 32\r\n\r\nToo many connections are open.\r\n"
)
"""For those beyond even the spare ones; nothing of theirs is read."""
_AT_ONCE = struct.pack("ii", 1, 0)


class Connections:
    """All that are open; lives in the event loop's thread. Where they are too many, who rests for longest makes room:
    of a thousand who come in one second, each still has time to say what it wants. `clock` gives seconds that only
    grow.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.clock = clock
        self._open: set[Connection] = set()
        self._resting: OrderedDict[Connection, float] = OrderedDict()  # since when; the longest first

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> None:
        """Find a place for it: among the spare ones, or none at all, where nobody makes room."""
        if len(self._open) >= self.most:
            self._make_room()
        before = len(self._open)
        connection.crowded = before >= self.most
        if before >= self.most + SPARE:
            connection.transport.write(FULL)
            connection.transport.close()
            return
        self._open.add(connection)
        self.rests(connection)

    def rests(self, connection: Connection) -> None:
        """Nothing is worked on for it from now on."""
        if connection in self._open:
            self._resting[connection] = self.clock()
            self._resting.move_to_end(connection)

    def works(self, connection: Connection) -> None:
        self._resting.pop(connection, None)

    def drop(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._resting.pop(connection, None)

    def look(self) -> None:
        """Close those whose time is up. To be called every LOOK_SECONDS."""
        now = self.clock()
        for connection in tuple(self._open):
            if connection.has_stalled(now):
                connection.cut()
            elif now - self._resting.get(connection, now) > HEAD_SECONDS:
                connection.transport.close()

    def _make_room(self) -> None:
        longest = next(iter(self._resting), None)
        if longest is not None:
            self.drop(longest)
            longest.leave()


class Connection(H11Protocol):
    """Uvicorn's, with a place in `connections`. Requests find it as "connection" in their scope's state."""

    def __init__(self, *arguments: Any, connections: Connections, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.app_state = {**self.app_state, "connection": self}
        self.crowded = False
        """It came when there were too many: it gets one answer."""
        self._connections = connections
        self._unsent = 0
        self._unsent_since = connections.clock()
        self._has_drained = False

    @property
    def at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def gone(self) -> bool:
        """Nobody is there any more to answer."""
        return self.cycle is not None and self.cycle.disconnected

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.drop(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.at_work:
            self._connections.works(self)
            self.cycle.keep_alive = self.cycle.keep_alive and not self.crowded

    def on_response_complete(self) -> None:
        super().on_response_complete()  # which may begin with a request that waited behind
        if not self.at_work:
            self._connections.rests(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._has_drained = True

    def leave(self) -> None:
        """End it, politely where nothing is left to be taken."""
        if self.transport.get_write_buffer_size():
            self.cut()
        else:
            self.transport.close()

    def cut(self) -> None:
        """End it now. With a reset, or the system would go on keeping what is not taken."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def has_stalled(self, now: float) -> bool:
        """Whether what was written is not taken. To be asked from time to time."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or self._has_drained or unsent <= self._unsent - LEAST_TAKEN:
            self._unsent, self._unsent_since, self._has_drained = unsent, now, False
        return now - self._unsent_since > STALLED_SECONDS

    def _should_upgrade(self) -> bool:
        """There are no websockets here: who asks for one is answered as if they had not."""
        return False


def room_for(most: int) -> int:
    """At most so many connections, and fewer where the system lets this process open no more files. It is allowed as
    many as it may have: the usual 1,024 are soon taken."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return most
    return max(min(most, soft - OTHER_FILES - SPARE), SPARE)
