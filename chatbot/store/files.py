"""The files of an open SQLite database are still those that were opened, or nothing may be written.

A database whose file was deleted or replaced goes on into a file that nobody will find again: SQLite notices nothing,
and each commit would be acknowledged and lost.
"""

from __future__ import annotations

import threading
from pathlib import Path

from chatbot.errors import StoreReplaced

Identity = tuple[int, int]
"""Device and number of a file."""


class OpenFiles:
    """Its file and its write-ahead log. While one connection is open, SQLite itself removes neither of them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._log = file.with_name(f"{file.name}-wal")
        self._lock = threading.Lock()
        self._connections = 0
        self._known: dict[Path, Identity] = {}

    def opened(self) -> None:
        with self._lock:
            self._connections += 1
            found = _identity(self._file)
            if found is not None:
                self._known.setdefault(self._file, found)

    def closed(self) -> None:
        """With its last connection SQLite deletes the log; the next one may open another file."""
        with self._lock:
            self._connections -= 1
            if self._connections <= 0:
                self._connections = 0
                self._known.clear()

    def check(self) -> None:
        """Raises StoreReplaced. What is seen for the first time is taken for what was opened."""
        with self._lock:
            if not self._connections:
                return
            for path in (self._file, self._log):
                found, known = _identity(path), self._known.get(path)
                if known is None and found is not None:
                    self._known[path] = found
                elif known is not None and found != known:
                    raise StoreReplaced(_told(path, found))


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _told(path: Path, found: Identity | None) -> str:
    what = "deleted" if found is None else "replaced"
    return (
        f"{path} was {what} while it was open, so nothing more is stored; put back the very file, or stop the server, "
        "put the database in place and start it again"
    )
