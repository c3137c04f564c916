"""Two reports side by side: each question with what both versions made of it, parted by what it can tell.

Questions about intents that the active version does not know count for neither side: a new intent can neither hide a
fall of the old ones nor be blocked by them. They are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.types import OUT_OF_SCOPE
from training.evaluate import Prediction, Report
from training.gate.paired import Pairs, pair
from training.gate.soundness import is_read_right


@dataclass(frozen=True, slots=True)
class Pair:
    before: Prediction
    after: Prediction


@dataclass(frozen=True, slots=True)
class Comparison:
    """The questions by what they can tell: about intents that the active version knows, about none, about new ones."""

    known: tuple[Pair, ...]
    strangers: tuple[Pair, ...]
    new: tuple[Pair, ...]

    @property
    def old(self) -> tuple[Pair, ...]:
        """All that both versions can be held to."""
        return (*self.known, *self.strangers)

    @property
    def accuracy(self) -> Pairs:
        return pair(*rights(self.known))

    def shares_right(self) -> tuple[float, float]:
        """Before and after, of the known questions."""
        before, after = rights(self.known)
        return sum(before) / max(len(before), 1), sum(after) / max(len(after), 1)


def compared(candidate: Report, active: Report) -> Comparison:
    parts: dict[str, list[Pair]] = {"known": [], "strangers": [], "new": []}
    for before, after in zip(active.predictions, candidate.predictions, strict=True):
        known = "known" if after.intent in active.intents else "new"
        parts["strangers" if after.intent == OUT_OF_SCOPE else known].append(Pair(before, after))
    return Comparison(*(tuple(parts[name]) for name in ("known", "strangers", "new")))


def sides(pairs: Sequence[Pair]) -> tuple[list[Prediction], list[Prediction]]:
    return [each.before for each in pairs], [each.after for each in pairs]


def rights(pairs: Sequence[Pair]) -> tuple[list[bool], list[bool]]:
    """Whether the intent was read right, before and after."""
    before, after = sides(pairs)
    return [is_read_right(one) for one in before], [is_read_right(one) for one in after]
