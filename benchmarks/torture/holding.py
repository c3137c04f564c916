"""A process that takes SQLite's write lock, says "held", and keeps it for so many seconds.

python -m benchmarks.torture.holding DATABASE SECONDS
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.torture.place import ROOT


@contextmanager
def held(database: Path, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """The block begins when the lock is held; its end waits until it was given back."""
    command = [sys.executable, "-m", "benchmarks.torture.holding", str(database), str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        if said != b"held\n":
            raise RuntimeError(f"the database could not be locked: {said!r}")
        yield process
        process.wait()


def hold(database: str, seconds: float) -> None:
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        time.sleep(seconds)
        connection.execute("ROLLBACK")


if __name__ == "__main__":
    hold(sys.argv[1], float(sys.argv[2]))
