"""What a report is made of, before it is HTML or Markdown: sections of words, tables, quotes and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from training.page.markup import Markup


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"
    EVEN = "even"


@dataclass(frozen=True, slots=True)
class Cell:
    """`note` stands small below `text`."""

    text: str
    note: str = ""
    mood: Mood = Mood.EVEN


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """The first `names` columns are words, the others figures. With `folded` it opens at a click on these words."""

    header: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    names: int = 1
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody wrote, and what is to be said of it."""

    text: str
    note: str


@dataclass(frozen=True, slots=True)
class Quotes:
    """`more` of the same kind are not shown."""

    title: str
    quotes: Sequence[Quote]
    mood: Mood = Mood.EVEN
    more: int = 0


@dataclass(frozen=True, slots=True)
class Columns:
    """Side by side where there is room."""

    quotes: Sequence[Quotes]


@dataclass(frozen=True, slots=True)
class Checks:
    """(whether it passed, what was looked at, in words)."""

    checks: Sequence[tuple[bool, str, str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """`caption` says what there is to see, also to those who do not see it."""

    title: str
    caption: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class Pictures:
    pictures: Sequence[Picture]


Block = Words | Table | Quotes | Columns | Checks | Pictures


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: Sequence[Block]
