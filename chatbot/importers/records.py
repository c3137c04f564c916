"""What readers hand on: records with the place they came from, problems, and the raw material of later steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chatbot.types import Example, Fact, Intent, Passage, Template

Value = Intent | Fact | Template | Example | Passage


class BadRow(ValueError):
    """One row cannot be read; the message is the reason that the operator reads."""


@dataclass(frozen=True, slots=True)
class Place:
    """`line` is where the record starts, from 1; 0 is the whole file. `part` says where, if lines say too little."""

    file: str
    line: int
    part: str = ""

    def __str__(self) -> str:
        if self.part:
            return f"{self.file}, {self.part}"
        return f"{self.file}, line {self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to know. `stated` names the fields that the file itself gives: only these change what is stored.

    A `mined` record was made from dialogues: it may add, and never changes anything.
    """

    value: Value
    place: Place
    stated: frozenset[str] = frozenset()
    mined: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with at most one of its questions; `answers.link` makes templates and examples of all of them."""

    body: str
    place: Place
    language: str
    question: str | None = None
    intent: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a dialogue; `by_customer` is False for an agent. Other speakers are left out by the readers."""

    by_customer: bool
    text: str
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dialogue:
    """`left_out` is the role of each message whose speaker is neither customer nor agent."""

    id: str
    said: tuple[Said, ...]
    place: Place
    language: str | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RasaExample:
    text: str
    intent: str
    place: Place


@dataclass(frozen=True, slots=True)
class RasaResponse:
    """`name` is "utter_faq/key" or "utter_intent"."""

    name: str
    body: str
    place: Place


@dataclass(frozen=True, slots=True)
class RasaIntent:
    name: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document: what the store has of it and `records` lack is withdrawn."""

    name: str
    records: tuple[Record, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Problem:
    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row left out on purpose; notes count them by reason."""

    place: Place
    reason: str


Item = Record | Answered | Dialogue | Document | RasaExample | RasaResponse | RasaIntent | Problem | Skipped


@dataclass(frozen=True, slots=True)
class Parsed:
    """Everything found in the files, redacted, in their order."""

    records: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A labelled question as it stands in a file: neither redacted nor deduplicated."""

    text: str
    intent: str
    template: str | None
    line: int
