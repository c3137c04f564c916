"""A disk that is filled and freed at will: a small tmpfs where this user may mount one. Elsewhere a limit on what each
process may write to a file, which any user may set and lift: the same refusal at the same places, under another name.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.torture.place import ROOT

NOTHING = 1
"""A limit of one byte: every write to a file fails, as each begins behind it or ends there."""
CHUNK = 1 << 20
PATIENCE_SECONDS = 900.0


class Disk:
    """`root` is a folder on it. `how` says what it is made of."""

    def __init__(self, root: Path, *, is_small: bool) -> None:
        self.root = root
        self.is_small = is_small
        self.how = "a small tmpfs" if is_small else "a limit on the size of files (no tmpfs can be mounted here)"
        self._ballast = root / "ballast"
        self._limited: set[int] = set()
        self._limit: int | None = None

    def fill(self, *pids: int, left: int = 0) -> None:
        """Take all space but `left` bytes. `pids` are the servers that are to feel it."""
        if self.is_small:
            self._take_all()
            if left:
                os.truncate(self._ballast, max(0, self._ballast.stat().st_size - left))
            return
        self._limit = max(NOTHING, left)
        self._limited |= set(pids)
        for pid in pids:
            limit_files(pid, self._limit)

    def free(self) -> None:
        if self.is_small:
            self._ballast.unlink(missing_ok=True)
            return
        self._limit = None
        for pid in self._limited:
            with contextlib.suppress(ProcessLookupError):
                limit_files(pid, resource.RLIM_INFINITY)
        self._limited.clear()

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        """Exit status and words of `python -m ...` on this disk, as full as it is now."""
        limit = self._limit
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PATIENCE_SECONDS,
            preexec_fn=None if limit is None else lambda: limit_files(0, limit),
            check=False,
        )
        return done.returncode, done.stdout

    def _take_all(self) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            for size in (CHUNK, 4096):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)):
                        pass


@contextmanager
def small_disk(folder: Path, *, size: int) -> Iterator[Disk]:
    """An empty one of about so many bytes, at `folder`; gone at the end of the block."""
    folder.mkdir(parents=True)
    mounted = _mounted(folder, size)
    disk = Disk(folder, is_small=mounted)
    try:
        yield disk
    finally:
        disk.free()
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def limit_files(pid: int, size: int) -> None:
    """From now on a process (0: this one) may write to a file only up to that size; it is told EFBIG, and no signal
    that would end it, as Python ignores that one."""
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))


@contextmanager
def files_limited(size: int, *, pid: int = 0) -> Iterator[None]:
    before, _ = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    limit_files(pid, size)
    try:
        yield
    finally:
        limit_files(pid, before)


def size_of(*folders: Path) -> int:
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())


def _mounted(folder: Path, size: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
