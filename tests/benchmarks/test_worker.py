from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.peers.worker import run


class Counting:
    """A contender that says how many texts it has learned."""

    def __init__(self) -> None:
        self.learned = 0
        self.asked: list[str] = []

    def train(self, texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
        self.learned = len(texts)
        return {"intents_seen": sorted(set(intents))}

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [str(self.learned) for _ in texts]

    def prepare(self, text: str) -> str:
        return text.upper()

    def predict_one(self, prepared: str) -> str:
        self.asked.append(prepared)
        return prepared


def talk(contender: Counting, *commands: dict[str, Any]) -> list[dict[str, Any]]:
    answers = io.StringIO()
    run(contender, io.StringIO("".join(json.dumps(command) + "\n" for command in commands)), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_a_contender_learns_and_predicts_when_told_to() -> None:
    trained, predicted = talk(
        Counting(),
        {"do": "train", "texts": ["x", "y"], "intents": ["b", "a"]},
        {"do": "predict", "texts": ["z"]},
    )
    assert trained["intents_seen"] == ["a", "b"]
    assert trained["seconds"] >= 0
    assert trained["cpu_seconds"] >= 0
    assert predicted == {"intents": ["2"]}


def test_warm_up_messages_are_asked_first_and_not_timed() -> None:
    contender = Counting()
    (timed,) = talk(contender, {"do": "time", "texts": ["a", "b", "c"], "warm_up": 2})
    assert contender.asked == ["B", "C", "A", "B", "C"]
    assert timed["intents"] == ["A", "B", "C"]
    assert len(timed["milliseconds"]) == 3


def test_an_unknown_command_ends_the_contender() -> None:
    with pytest.raises(ValueError, match="unknown command 'dance'"):
        talk(Counting(), {"do": "dance"})
