"""The contenders' processes as objects: commands go in over a pipe, one contender works at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.draws import Labelled

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Entry:
    """How a contender is started, and what the tables call it."""

    title: str
    module: str
    arguments: tuple[str, ...] = ()
    ours: bool = False

    def command(self, peers_python: Path) -> list[str]:
        python = sys.executable if self.ours else str(peers_python)
        return [python, "-m", self.module, *self.arguments]


class Process:
    """One contender at work in its own interpreter."""

    def __init__(self, entry: Entry, process: subprocess.Popen[str], log: Path) -> None:
        self.entry = entry
        self._process = process
        self._log = log

    def train(self, rows: Sequence[Labelled]) -> dict[str, Any]:
        return self._ask(do="train", texts=[row.text for row in rows], intents=[row.intent for row in rows])

    def predict(self, texts: Sequence[str]) -> list[str]:
        intents: list[str] = self._ask(do="predict", texts=list(texts))["intents"]
        return intents

    def time(self, texts: Sequence[str], *, warm_up: int) -> dict[str, Any]:
        return self._ask(do="time", texts=list(texts), warm_up=warm_up)

    def _ask(self, **command: Any) -> dict[str, Any]:
        commands, answers = self._process.stdin, self._process.stdout
        assert commands is not None
        assert answers is not None
        try:
            commands.write(json.dumps(command) + "\n")
            commands.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            last = self._log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            raise RuntimeError(f"{self.entry.title} ended with exit status {self._process.wait()}: {last}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def started(entry: Entry, peers_python: Path, log: Path) -> Iterator[Process]:
    """Start a contender; what it prints goes to `log`."""
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            entry.command(peers_python),
            cwd=ROOT,  # `-m` finds the benchmarks there, also from the peers' environment
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        )
        with process:
            try:
                yield Process(entry, process, log)
            except BaseException:
                process.kill()
                raise


@contextmanager
def arena(entries: Sequence[Entry], peers_python: Path, log: Path) -> Iterator[Mapping[str, Process]]:
    """All contenders at once, by title; each waits for its turn."""
    with ExitStack() as stack:
        yield {entry.title: stack.enter_context(started(entry, peers_python, log)) for entry in entries}
