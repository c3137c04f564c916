"""Ending open event streams when the server goes: without it, one open tab holds the process until its time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Closing:
    """Requests that stream for as long as the page is open register here; `begin` cancels them, from the event loop.

    Answers that are being worked out are left alone: the server waits for those.
    """

    def __init__(self) -> None:
        self.begun = False
        self._streams: set[asyncio.Task[Any]] = set()

    def add(self, task: asyncio.Task[Any]) -> None:
        if self.begun:
            task.cancel()
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)

    @contextmanager
    def awaiting(self) -> Iterator[None]:
        """Within the block the current request is waited for no longer either: it has not come in full yet."""
        task = asyncio.current_task()
        if task is None:
            yield
            return
        self.add(task)
        try:
            yield
        finally:
            self._streams.discard(task)

    def begin(self) -> None:
        self.begun = True
        for task in tuple(self._streams):
            task.cancel()
