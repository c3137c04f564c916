"""What a long-running command says to whoever listens: a log on a full disk or a reader who left ends no work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO


class Heard:
    """A stream that drops what cannot be written, and counts it in `lost`. All else is asked of the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self.lost += 1
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self.lost += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def leave(self) -> None:
        """What is still waiting to be written would fail again at the very end, and change the exit code."""
        self.flush()
        if self.lost:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
                self._stream.flush()


@contextmanager
def heard_or_not() -> Iterator[None]:
    """Within the block neither standard output nor standard error can fail."""
    said, told = Heard(sys.stdout), Heard(sys.stderr)
    try:
        with redirect_stdout(said), redirect_stderr(told):
            yield
    finally:
        said.leave()
        told.leave()
