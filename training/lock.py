"""One training run at a time. The kernel gives the lock back however a run ends, so that none is left behind."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from chatbot.errors import TrainingBusy

LOCK = ".training"


@contextmanager
def alone(models: Path) -> Iterator[None]:
    """Hold the folder of the versions for one run; raises TrainingBusy at once where another holds it."""
    models.mkdir(parents=True, exist_ok=True)
    with (models / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            other = file.read(200).strip() or "another process"
            raise TrainingBusy(f"a training run is at work already ({other}); wait until it has ended") from None
        with suppress(OSError):  # who it is, is a courtesy: a full disk is for what needs it to name
            os.truncate(file.fileno(), 0)
            os.write(file.fileno(), f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC".encode())
        yield
