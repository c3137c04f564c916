"""Where backups lie: their names by time, files that are there whole or not at all, and keeping the newest."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from chatbot.durable import ALONE, UNLESS_HELD, held, sync
from chatbot.errors import BackupRefused
from chatbot.store.backups import ARCHIVE, archives

MAKING = ".making-"
LOOKING = ".looking-"
"""What an erasure unpacks to look into it."""
LEFT_SECONDS = {MAKING: 60.0, LOOKING: 3600.0}
"""After so long, what nobody holds was left by a killed run."""


def place_for(given: Path | None, folder: Path, *, now: datetime) -> Path:
    """The file to write: as it was named, or by the time in a folder, which is made if it is the usual one."""
    if given is not None and not given.is_dir() and not str(given).endswith(os.sep):
        if not given.parent.is_dir():
            raise BackupRefused(f"{given.parent} is no folder; make it, or name another one")
        if given.exists():
            raise BackupRefused(f"{given} is there already, and no backup is ever written over; give another name")
        return given.absolute()
    if given is None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    elif not given.is_dir():
        raise BackupRefused(f"{given} is no folder; make it, or name another one")
    return _free(given or folder, f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}").absolute()


def is_by_time(file: Path) -> bool:
    """Whether rotation knows a file by its name."""
    return ARCHIVE.fullmatch(file.name) is not None


def made_at(file: Path) -> datetime:
    """What the name of an archive says."""
    found = ARCHIVE.fullmatch(file.name)
    assert found is not None, "`archives` gives only such names"
    return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def rotate(folder: Path, *, keep: int, just_made: Path) -> list[Path]:
    """Delete all archives of a folder but the newest `keep`, and never the one just made, whatever the clock said."""
    others = [file for file in archives(folder) if file.absolute() != just_made.absolute()]
    gone = others[: max(len(others) - (keep - 1), 0)]
    for file in gone:
        file.unlink(missing_ok=True)
    return gone


@contextlib.contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A private folder beside the file to be, gone at the end. What killed runs left there is cleared away first."""
    _sweep(folder)
    making = folder / f"{MAKING}{secrets.token_hex(6)}"
    making.mkdir(mode=0o700)
    try:
        with held(making, ALONE):
            yield making
    finally:
        shutil.rmtree(making, ignore_errors=True)


def put(file: Path, target: Path) -> None:
    """Give a file on disk its name, unless another has got it meanwhile. Both are in one file system."""
    try:
        os.link(file, target)
    except FileExistsError:
        raise BackupRefused(f"{target} is there already, and no backup is ever written over; try again") from None
    except OSError:  # memory sticks mostly know one name for a file
        file.rename(target)
    sync(target.parent)


def _sweep(folder: Path) -> None:
    for beginning, patience in LEFT_SECONDS.items():
        for left in folder.glob(f"{beginning}*"):
            with contextlib.suppress(OSError), held(left, UNLESS_HELD):
                if left.stat().st_mtime < time.time() - patience:
                    shutil.rmtree(left, ignore_errors=True)


def _free(folder: Path, stamp: str) -> Path:
    file, number = folder / f"chatbot-{stamp}.tar", 1
    while file.exists():
        number += 1
        file = folder / f"chatbot-{stamp}-{number}.tar"
    return file
