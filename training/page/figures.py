"""Figures that the report shows and nothing else needs: each intent before and after, and who changed sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.types import OUT_OF_SCOPE
from training.evaluate import Prediction


@dataclass(frozen=True, slots=True)
class Score:
    """Of one intent: `asked` questions wanted it, `read` were read as it, `hits` both."""

    asked: int
    read: int
    hits: int

    @property
    def precision(self) -> float | None:
        return self.hits / self.read if self.read else None

    @property
    def recall(self) -> float | None:
        return self.hits / self.asked if self.asked else None

    @property
    def f1(self) -> float:
        return 2 * self.hits / (self.asked + self.read) if self.asked + self.read else 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """`before` is None for the first version."""

    intent: str
    before: Score | None
    after: Score

    @property
    def gain(self) -> float:
        return self.after.f1 - self.before.f1 if self.before else 0.0


def scores(predictions: Sequence[Prediction]) -> dict[str, Score]:
    asked = Counter(entry.intent for entry in predictions)
    read = Counter(entry.predicted for entry in predictions)
    hits = Counter(entry.intent for entry in predictions if entry.predicted == entry.intent)
    return {intent: Score(asked[intent], read[intent], hits[intent]) for intent in asked if intent != OUT_OF_SCOPE}


def changes(after: Sequence[Prediction], before: Sequence[Prediction] | None) -> list[Change]:
    """The largest falls first, then the largest gains; what is as it was comes last, by name."""
    then = scores(before) if before is not None else {}
    found = [Change(intent, then.get(intent), score) for intent, score in scores(after).items()]
    return sorted(found, key=lambda change: (change.gain == 0, change.gain > 0, -abs(change.gain), change.intent))


def crossed(
    after: Sequence[Prediction], before: Sequence[Prediction], *, mended: bool
) -> list[tuple[Prediction, Prediction]]:
    """(before, after) of the questions that only one version read right, the surest mistakes first."""
    pairs = [
        (then, now)
        for then, now in zip(before, after, strict=True)
        if now.in_scope and (now.predicted == now.intent) is mended and (then.predicted == then.intent) is not mended
    ]
    return sorted(pairs, key=lambda pair: -pair[not mended].probability)
