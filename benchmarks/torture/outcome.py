"""One row of the table that the torture prints, and how much of it is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from benchmarks.tables import table


class Size(Enum):
    """LONG is what docs/reliability.md publishes; SHORT takes seconds and shows that the measurement itself works."""

    LONG = "long"
    SHORT = "short"

    def pick(self, *, long: int, short: int) -> int:
        return long if self is Size.LONG else short


@dataclass(frozen=True, slots=True)
class Outcome:
    """`figures` are what was measured, in words: "100 kills, 18,211 acknowledged, 0 lost, back within 6.1 s"."""

    fault: str
    how: str
    passed: bool
    figures: str


def as_table(outcomes: Iterable[Outcome]) -> str:
    """Markdown that docs/reliability.md takes as it is printed."""
    rows = [(each.fault, each.how, "passed" if each.passed else "**FAILED**", each.figures) for each in outcomes]
    return table(("fault", "how", "result", "measured"), [[_cell(text) for text in row] for row in rows])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
