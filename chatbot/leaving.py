"""Asked to leave, a command clears up first: what it had begun is taken away, and then it ends by the signal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

CLEARING_SECONDS = 8
"""After these it ends in the midst of clearing up: whoever asked it to leave kills it soon after, with everything."""


class Asked(BaseException):
    """SIGTERM has come. Not an Exception, so that nothing on the way takes it for a failure."""


@contextmanager
def clearing_up() -> Iterator[None]:
    """Within the block SIGTERM unwinds, as Ctrl-C does. Whoever has a way of their own to leave, such as the server,
    takes the signal over for that time.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _unwind)
    try:
        yield
    except Asked:
        _end()
    finally:
        signal.signal(signal.SIGTERM, before)


def _unwind(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: clearing up shall not be interrupted too
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(CLEARING_SECONDS)
    raise Asked


def _end() -> None:
    """By the signal itself, so that whoever sent it sees that it was heard."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
