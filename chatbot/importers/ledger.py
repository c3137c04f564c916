"""One kind of record at a time: what is stored, what the files say, and which of it is written.

What a file does not say stays as it is stored. What was mined from dialogues only adds. A proposal gives way to what
the operator says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from chatbot.importers.records import Place, Record, Value
from chatbot.store.passages import passage_key
from chatbot.text import text_key
from chatbot.types import Example, Fact, Intent, Passage, Status, Template


@dataclass(slots=True)
class Count:
    """`duplicates` stood in the files already; `withdrawn` are passages that their document does not hold any more."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicates: int = 0
    withdrawn: int = 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """`what` means `first` at `first_place` (None: in the store), and `second` was left out."""

    what: str
    first: str
    first_place: Place | None
    second: str
    second_place: Place

    def __str__(self) -> str:
        first = f"in {self.first_place}" if self.first_place else "in the store"
        return f'"{_short(self.what)}" is {self.first} {first}, and {self.second} in {self.second_place}'


@dataclass(slots=True)
class Ledger:
    """One kind of record: what is stored, what the files said so far, and what follows."""

    stored: Mapping[str, Value]
    seen: dict[str, Record] = field(default_factory=dict)
    write: dict[str, Value] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    count: Count = field(default_factory=Count)

    def enter(self, record: Record) -> None:
        key = identity(record.value)
        first = self.seen.get(key)
        if first is not None:
            self._again(record, first)
            return
        known = self.stored.get(key)
        if known is None:
            self.count.added += 1
            self.write[key] = record.value
        elif not record.mined:
            self._compare(record, known, key)
        else:
            self.count.unchanged += 1
        # A second row must meet the same refusal as the first, so what is in conflict with the store is not remembered.
        if known is None or not _contradicts(known, record.value):
            self.seen[key] = record

    def _again(self, record: Record, first: Record) -> None:
        if _clash(first.value, record.value) and not record.mined:
            what, one = _named(first.value)
            self.conflicts.append(Conflict(what, one, first.place, _named(record.value)[1], record.place))
        else:
            self.count.duplicates += 1

    def _compare(self, record: Record, known: Value, key: str) -> None:
        if _contradicts(known, record.value):
            what, one = _named(known)
            self.conflicts.append(Conflict(what, one, None, _named(record.value)[1], record.place))
            return
        merged = _merged(known, record)
        if merged == known:
            self.count.unchanged += 1
        else:
            self.count.changed += 1
            self.write[key] = merged


def identity(value: Value) -> str:
    """What makes two records the same one: a name, a key, or the normal form of a text."""
    if isinstance(value, Example):
        return text_key(value.text)
    if isinstance(value, Passage):
        return f"{value.document}\n{passage_key(value)}"
    return value.key if isinstance(value, Template) else value.name


def _clash(one: Value, other: Value) -> bool:
    """Whether two records of one identity contradict each other."""
    if isinstance(one, Example) and isinstance(other, Example):
        return one.intent != other.intent
    if isinstance(one, Template) and isinstance(other, Template):
        return replace(one, source="", id=0, revision=1) != replace(other, source="", id=0, revision=1)
    if isinstance(one, Fact) and isinstance(other, Fact):
        return one.value != other.value
    return False


def _contradicts(known: Value, value: Value) -> bool:
    """Whether a stored label stands against a new one. A proposal does not stand against what the operator says."""
    proposal = _is_proposal(known) and not _is_proposal(value)
    return isinstance(known, Example) and not proposal and _clash(known, value)


def _named(value: Value) -> tuple[str, str]:
    """(what it is about, what it says)."""
    if isinstance(value, Example):
        return value.text, value.intent
    if isinstance(value, Passage):
        return f"passage of {value.document}", f'"{_short(value.body)}"'
    if isinstance(value, Template):
        return f"template {value.key}", f'"{_short(value.body)}"'
    return (f"fact {value.name}", f'"{_short(value.value)}"') if isinstance(value, Fact) else (value.name, "")


def _merged(known: Value, record: Record) -> Value:
    """The stored value with what the file states. An origin alone is no change, and a split group never moves."""
    value = record.value
    if isinstance(known, Intent) and isinstance(value, Intent):
        titles = {**known.titles, **value.titles} if record.stated else {**value.titles, **known.titles}
        return Intent(known.name, titles)
    stated = record.stated - {"source", "group"}
    if _is_proposal(known) and not _is_proposal(value):
        stated |= {"intent", "template", "status", "language"}
    names = {each.name for each in fields(value)}
    return replace(known, **{name: getattr(value, name) for name in sorted(stated & names)})


def _is_proposal(value: Value) -> bool:
    return isinstance(value, Example | Passage | Template) and value.status is Status.PROPOSED


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."
