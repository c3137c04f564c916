"""The home folder as a whole: who is at work on it, and another state of it that takes the place of the one there is.

Every command holds the folder together with the others while it works, and whoever replaces its contents holds it
alone; the kernel lets go however a process ends. What is to come lies complete under `.restoring` before anything
moves. From then on a plan stands there, and whoever opens the home next carries it out to its end: nobody ever works
on half of one state and half of another.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chatbot.durable import SHARED, UNLESS_HELD, hold, sync, write_durably
from chatbot.errors import NotNow

RESTORING = ".restoring"
STAGED = "new"
PLAN = "plan.json"
BACKUPS = "backups"
ASIDE = "replaced-"
STAYING = frozenset({RESTORING, BACKUPS, ".gitignore", "lost+found"})
PATIENCE_SECONDS = 10.0


@contextmanager
def at_work(home: Path) -> Iterator[None]:
    """Hold the home with all others who work on it. Raises NotNow while its contents are being replaced."""
    handle = _hold(home, SHARED | fcntl.LOCK_NB, patience=PATIENCE_SECONDS)
    while _plan(home).exists():  # whoever replaced the contents was killed in the middle
        os.close(handle)
        with alone(home, patience=PATIENCE_SECONDS):
            complete(home)
        handle = _hold(home, SHARED | fcntl.LOCK_NB, patience=PATIENCE_SECONDS)
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(home: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the home while nobody works on it. Raises NotNow where a server or a command does."""
    handle = _hold(home, UNLESS_HELD, patience=patience)
    try:
        yield
    finally:
        os.close(handle)


def contents(home: Path) -> list[str]:
    """Names of what would be replaced; not the backups, nor what an earlier replacement moved aside."""
    return sorted(path.name for path in home.iterdir() if not _stays(path.name))


def staging(home: Path) -> Path:
    """A new empty folder to gather what is to come. Hold the home alone."""
    if _plan(home).exists():
        complete(home)
    shutil.rmtree(home / RESTORING, ignore_errors=True)
    staged = home / RESTORING / STAGED
    staged.mkdir(parents=True, mode=0o700)
    return staged


def replace(home: Path, *, order: Sequence[str], aside: str) -> Path | None:
    """Move what was gathered into its place, in this order, and what was there into the folder `aside`, which is given
    back unless nothing was there. Hold the home alone. What was gathered has to be on disk."""
    write_durably(_plan(home), json.dumps({"order": list(order), "aside": f"{ASIDE}{aside}"}))
    return complete(home)


def complete(home: Path) -> Path | None:
    """Carry out the plan, from wherever it was left."""
    plan = json.loads(_plan(home).read_text(encoding="utf-8"))
    staged, aside = home / RESTORING / STAGED, home / plan["aside"]
    for name in contents(home):
        if name in plan["order"] and not (staged / name).exists():
            continue  # it has arrived already
        aside.mkdir(mode=0o700, exist_ok=True)
        (home / name).rename(_free(aside / name))
    if aside.exists():
        sync(aside)
    for name in plan["order"]:
        if (staged / name).exists():
            (staged / name).rename(home / name)
    sync(home)
    _plan(home).unlink()
    shutil.rmtree(home / RESTORING, ignore_errors=True)
    return aside if aside.exists() else None


def _stays(name: str) -> bool:
    return name in STAYING or name.startswith(ASIDE)


def _plan(home: Path) -> Path:
    return home / RESTORING / PLAN


def _free(path: Path) -> Path:
    """A name that is not taken there."""
    number = 1
    free = path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _hold(home: Path, how: int, *, patience: float) -> int:
    until = time.monotonic() + patience
    while True:
        try:
            return hold(home, how)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise NotNow(_BUSY[how == UNLESS_HELD].format(home)) from None
            time.sleep(0.05)


_BUSY = (
    "{} is being restored from a backup; try again when that has ended",
    "a server or another command is at work on {}; stop it, and try again",
)
