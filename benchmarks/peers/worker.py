"""A contender's own process: it trains and predicts when it is told to, one line of JSON in, one line out.

Standard library only, because every environment runs it. While one contender works, all others wait for a line.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol, TextIO


class Contender(Protocol):
    def train(self, texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
        """Learn from scratch; what is returned goes to the one who asked, with the time that it took."""

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The intent of each text, as fast together as the library knows how."""

    def prepare(self, text: str) -> Any:
        """What `predict_one` takes; not timed."""

    def predict_one(self, prepared: Any) -> str:
        """The intent of one message, by the call that the library documents for it."""


def serve(contender: Contender) -> None:
    """Answer commands until standard input ends. Whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    run(contender, sys.stdin, answers)


def run(contender: Contender, commands: TextIO, answers: TextIO) -> None:
    for line in commands:
        command = json.loads(line)
        answers.write(json.dumps(_obey(contender, command)) + "\n")
        answers.flush()


def _obey(contender: Contender, command: dict[str, Any]) -> dict[str, Any]:
    match command["do"]:
        case "train":
            started, spent = time.monotonic(), _cpu()
            extra = contender.train(command["texts"], command["intents"])
            return {"seconds": time.monotonic() - started, "cpu_seconds": _cpu() - spent, **extra}
        case "predict":
            return {"intents": contender.predict(command["texts"])}
        case "time":
            return _timed(contender, command["texts"], command["warm_up"])
        case other:
            raise ValueError(f"unknown command {other!r}")


def _timed(contender: Contender, texts: Sequence[str], warm_up: int) -> dict[str, Any]:
    """Time each text alone; the last `warm_up` of them come first as well, untimed: others had the caches just now."""
    prepared = [contender.prepare(text) for text in texts]
    for each in prepared[len(prepared) - warm_up :]:
        contender.predict_one(each)
    gc.collect()
    milliseconds, intents, spent = [], [], _cpu()
    for each in prepared:
        started = time.perf_counter()
        intent = contender.predict_one(each)
        milliseconds.append((time.perf_counter() - started) * 1000)
        intents.append(intent)
    return {"milliseconds": milliseconds, "cpu_ms": (_cpu() - spent) * 1000 / len(texts), "intents": intents}


def _cpu() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
