"""What an import would change, worked out before anything is written: `make_plan` is pure, and the store applies it.

Three rules. What a file does not say stays as it is stored. A text under two intents is a conflict: the first stays
and the second is listed, never written. What was mined from dialogues only adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from chatbot.importers.body import variables
from chatbot.importers.known import follow_known, without_known_candidates
from chatbot.importers.records import Parsed, Place, Problem, Record, Value
from chatbot.store.knowledge import Changes, Snapshot
from chatbot.text import text_key
from chatbot.types import Example, Fact, Intent, Status, Template

KINDS: Mapping[type[Value], str] = {Intent: "intents", Fact: "facts", Template: "templates", Example: "examples"}
_SHOWN = 10


@dataclass(slots=True)
class Count:
    """`duplicates` stood in the files already."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicates: int = 0


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


@dataclass(frozen=True, slots=True)
class Plan:
    """`changes` is what `store.knowledge.apply` takes; `counts` are by kind."""

    changes: Changes
    counts: Mapping[str, Count]
    conflicts: tuple[Conflict, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def summary(self) -> list[str]:
        """The preview, in lines for people."""
        lines = [
            f"{kind:<9} {count.added:>6,} new  {count.changed:>6,} changed  {count.unchanged:>6,} as stored  "
            f"{count.duplicates:>6,} twice in the files"
            for kind, count in self.counts.items()
            if any((count.added, count.changed, count.unchanged, count.duplicates))
        ]
        if not self.changes:
            lines.append("nothing to write: the store says all of this already")
        distinct = {(each.what, each.second): each for each in reversed(self.conflicts)}
        lines += _listed("conflict", "not imported, the first one stays", reversed(distinct.values()))
        lines += _listed("bad row", "left out", self.problems)
        return lines + [f"note: {note}" for note in self.notes]


@dataclass(slots=True)
class _Ledger:
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


def make_plan(parsed: Parsed, snapshot: Snapshot) -> Plan:
    records = without_known_candidates(follow_known(parsed.records, snapshot), snapshot)
    stored: dict[type[Value], dict[str, Value]] = {
        Intent: {identity(each): each for each in snapshot.intents},
        Fact: {identity(each): each for each in snapshot.facts},
        Template: {identity(each): each for each in snapshot.templates},
        Example: {identity(each): each for each in snapshot.examples},
    }
    ledgers = {kind: _Ledger(values) for kind, values in stored.items()}
    linked, notes = _without_dead_links(records, set(stored[Template]))
    for record in linked:
        ledgers[type(record.value)].enter(record)
    changes = _changes(ledgers)
    counts = {KINDS[kind]: ledger.count for kind, ledger in ledgers.items()}
    counts["intents"].added += len(_new_intents(changes, snapshot))
    conflicts = tuple(conflict for ledger in ledgers.values() for conflict in ledger.conflicts)
    notes += _unfilled(changes, snapshot)
    return Plan(changes, counts, conflicts, parsed.problems, (*parsed.notes, *notes))


def identity(value: Value) -> str:
    """What makes two records the same one: a name, a key, or the normal form of a text."""
    if isinstance(value, Example):
        return text_key(value.text)
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
    return isinstance(value, Example | Template) and value.status is Status.PROPOSED


def _changes(ledgers: Mapping[type[Value], _Ledger]) -> Changes:
    written = [value for ledger in ledgers.values() for value in ledger.write.values()]
    return Changes(
        intents=tuple(value for value in written if isinstance(value, Intent)),
        facts=tuple(value for value in written if isinstance(value, Fact)),
        templates=tuple(value for value in written if isinstance(value, Template)),
        examples=tuple(value for value in written if isinstance(value, Example)),
    )


def _new_intents(changes: Changes, snapshot: Snapshot) -> set[str]:
    """Intents that only templates and examples name: the store adds them by itself."""
    used = {template.intent for template in changes.templates} | {example.intent for example in changes.examples}
    return used - {intent.name for intent in (*snapshot.intents, *changes.intents)}


def _without_dead_links(records: Sequence[Record], stored: set[str]) -> tuple[list[Record], list[str]]:
    """Links to templates that are nowhere are dropped, and counted with the first place."""
    known = stored | {record.value.key for record in records if isinstance(record.value, Template)}
    kept: list[Record] = []
    dead: list[Record] = []
    for record in records:
        value = record.value
        if isinstance(value, Example) and value.template and value.template not in known:
            dead.append(record)
            record = replace(record, value=replace(value, template=None), stated=record.stated - {"template"})
        kept.append(record)
    if not dead:
        return kept, []
    first = dead[0].value
    key = first.template if isinstance(first, Example) else ""
    return kept, [
        f'{len(dead):,} examples name a template that does not exist, first "{key}" in {dead[0].place}; '
        "they are imported without it"
    ]


def _unfilled(changes: Changes, snapshot: Snapshot) -> list[str]:
    """Which variables of the new answers no fact fills: those must come from the customer, or are forgotten facts."""
    facts = {fact.name for fact in (*snapshot.facts, *changes.facts)}
    used = {name for template in changes.templates for name in variables(template.body)} - facts
    if not used:
        return []
    names = sorted(used)
    shown = ", ".join(f"{{{name}}}" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return [f"no fact fills {shown}{more}: an answer is not given until all its variables are known"]


def _listed(what: str, fate: str, entries: Iterable[Conflict | Problem]) -> list[str]:
    found = list(entries)
    if not found:
        return []
    lines = [f"{len(found):,} {what}{'s' if len(found) > 1 else ''} ({fate}):"]
    lines += [f"  {entry}" for entry in found[:_SHOWN]]
    return lines + ([f"  and {len(found) - _SHOWN:,} more"] if len(found) > _SHOWN else [])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."
