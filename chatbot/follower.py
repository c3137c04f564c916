"""A running server follows what other processes do: promotions, rollbacks and changes of the knowledge, also while no
message comes."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Protocol

from chatbot.errors import ChatbotError

EVERY_SECONDS = 0.25
"""A look reads one small file and one row."""
PATIENCE_SECONDS = 2.0

_log = logging.getLogger(__name__)


class Follows(Protocol):
    def look(self) -> None:
        """Begin to take up what changed; waits for nothing."""


class Follower:
    """One thread, from the beginning to the end of a `with` block. It never holds up the end of the process."""

    def __init__(self, follows: Follows, *, every: float = EVERY_SECONDS) -> None:
        self._follows = follows
        self._every = every
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Follower:
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        said = ""
        while not self._ended.wait(self._every):
            try:
                self._follows.look()
                said = ""
            except (ChatbotError, OSError) as error:  # busy, full, gone: the next look may find it well again
                if str(error) != said:
                    said = str(error)
                    _log.warning("what changed cannot be seen: %s: %s", type(error).__name__, error)
