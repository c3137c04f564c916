"""Progress that a person can follow: a bar on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Advance(Protocol):
    def __call__(self, count: int = 1) -> None: ...


class Steps(Protocol):
    def step(self, name: str, total: int = 1) -> AbstractContextManager[Advance]:
        """One named step of `total` units; the block calls what it is given as units are done."""


class Bars:
    """For a terminal."""

    @contextmanager
    def step(self, name: str, total: int = 1) -> Iterator[Advance]:
        columns = (
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(name, total=total)
            yield lambda count=1: progress.advance(task, count)
            progress.update(task, completed=total)


class Lines:
    """For a pipe or a log: a line at the start and at the end of each step."""

    @contextmanager
    def step(self, name: str, total: int = 1) -> Iterator[Advance]:
        started = time.monotonic()
        sys.stderr.write(f"{name} ({total:,}) ...\n" if total > 1 else f"{name} ...\n")
        yield _silent
        sys.stderr.write(f"{name}: {time.monotonic() - started:.1f} s\n")
        sys.stderr.flush()


class Silence:
    """For a step within another, or for a process beside the one that tells."""

    @contextmanager
    def step(self, name: str, total: int = 1) -> Iterator[Advance]:
        del name, total
        yield _silent


SILENT = Silence()


def _silent(count: int = 1) -> None:
    del count


def steps() -> Steps:
    """Bars where someone watches, lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Lines()
