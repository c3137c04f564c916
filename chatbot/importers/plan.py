"""What an import would change, worked out before anything is written: `make_plan` is pure, and the store applies it.

A text under two intents is a conflict: the first stays and the second is listed, never written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chatbot.importers.body import variables
from chatbot.importers.cells import visible
from chatbot.importers.known import follow_known, without_known_candidates
from chatbot.importers.ledger import Conflict, Count, Ledger, identity
from chatbot.importers.records import Parsed, Problem, Record, Value
from chatbot.importers.replacing import enter_documents
from chatbot.store.knowledge import Changes, Snapshot
from chatbot.templates import ASKABLE
from chatbot.types import Example, Fact, Intent, Passage, Template

KINDS: Mapping[type[Value], str] = {
    Intent: "intents",
    Fact: "facts",
    Template: "templates",
    Example: "examples",
    Passage: "passages",
}
_SHOWN = 10


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
            + (f"  {count.withdrawn:>6,} no longer in their document" if count.withdrawn else "")
            for kind, count in self.counts.items()
            if any((count.added, count.changed, count.unchanged, count.duplicates, count.withdrawn))
        ]
        if not self.changes:
            known = any(count.unchanged for count in self.counts.values()) and not (self.conflicts or self.problems)
            lines.append("nothing to write" + (": the store says all of this already" if known else ""))
        distinct = {(each.what, each.second): each for each in reversed(self.conflicts)}
        lines += _listed("conflict", "not imported, the first one stays", reversed(distinct.values()))
        lines += _listed("bad row", "left out", self.problems)
        return [visible(line) for line in (*lines, *(f"note: {note}" for note in self.notes))]


def make_plan(parsed: Parsed, snapshot: Snapshot) -> Plan:
    records = without_known_candidates(follow_known(parsed.records, snapshot), snapshot)
    stored: dict[type[Value], dict[str, Value]] = {
        Intent: {identity(each): each for each in snapshot.intents},
        Fact: {identity(each): each for each in snapshot.facts},
        Template: {identity(each): each for each in snapshot.templates},
        Example: {identity(each): each for each in snapshot.examples},
        Passage: {identity(each): each for each in snapshot.passages},
    }
    ledgers = {kind: Ledger(values) for kind, values in stored.items()}
    linked, notes = _without_dead_links(records, set(stored[Template]))
    for record in linked:
        ledgers[type(record.value)].enter(record)
    enter_documents(parsed.documents, ledgers[Passage])
    changes = _changes(ledgers)
    counts = {KINDS[kind]: ledger.count for kind, ledger in ledgers.items()}
    counts["intents"].added += len(_new_intents(changes, snapshot))
    conflicts = tuple(conflict for ledger in ledgers.values() for conflict in ledger.conflicts)
    notes += _unfilled(changes, snapshot)
    return Plan(changes, counts, conflicts, parsed.problems, (*parsed.notes, *notes))


def _changes(ledgers: Mapping[type[Value], Ledger]) -> Changes:
    written = [value for ledger in ledgers.values() for value in ledger.write.values()]
    return Changes(
        intents=tuple(value for value in written if isinstance(value, Intent)),
        facts=tuple(value for value in written if isinstance(value, Fact)),
        templates=tuple(value for value in written if isinstance(value, Template)),
        examples=tuple(value for value in written if isinstance(value, Example)),
        passages=tuple(value for value in written if isinstance(value, Passage)),
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
    """Which variables of the new answers no fact fills: those must come from the customer, or are forgotten facts.

    What the bot can ask a customer for is no gap and is not listed.
    """
    facts = {fact.name for fact in (*snapshot.facts, *changes.facts)}
    used = {name for template in changes.templates for name in variables(template.body)} - facts - set(ASKABLE)
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
