"""Records with derived names follow what the store already calls the same thing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chatbot.importers.cells import key_part
from chatbot.importers.records import Record
from chatbot.store.knowledge import Snapshot
from chatbot.text import normalise, text_key
from chatbot.types import Example, Intent, Template


def follow_known(records: Iterable[Record], snapshot: Snapshot) -> list[Record]:
    """Give derived template keys, and derived intents, the names under which the store has the same answer.

    So the second import of a file changes nothing, even if rows moved or an intent got a second answer since. A derived
    key that the store uses for an answer from elsewhere is made different: it must not overwrite that answer.
    """
    found = list(records)
    keys, intents = _names(found, snapshot)
    return [_renamed(record, keys, intents) for record in found]


def _names(records: Sequence[Record], snapshot: Snapshot) -> tuple[dict[str, str], dict[str, str]]:
    """(new template keys, new intents) by derived name."""
    same_answer = {(each.language, normalise(each.body)): each for each in reversed(snapshot.templates)}
    same_label = {(each.intent, each.language, normalise(each.body)): each for each in reversed(snapshot.templates)}
    by_key = {each.key: each for each in snapshot.templates}
    keys: dict[str, str] = {}
    intents: dict[str, str] = {}
    for record in records:
        value = record.value
        if not isinstance(value, Template) or not _is_derived(record):
            continue
        answer = (value.language, normalise(value.body))
        known = same_label.get((value.intent, *answer)) if "intent" in record.stated else same_answer.get(answer)
        if known is not None:
            keys[value.key] = known.key
            if "intent" not in record.stated:
                intents[value.intent] = known.intent
        elif value.key in by_key and by_key[value.key].source != value.source:
            digest = hashlib.sha256(answer[1].encode("utf-8", "replace")).hexdigest()[:8]
            keys[value.key] = f"{key_part(value.key[:180])}-{digest}"
    return keys, intents


def _is_derived(record: Record) -> bool:
    """Whether the importer made the key: foreign formats have none, and state no status."""
    return not record.mined and "body" in record.stated and "status" not in record.stated and "key" not in record.stated


def _renamed(record: Record, keys: dict[str, str], intents: dict[str, str]) -> Record:
    value = record.value
    if record.mined or "status" in record.stated:
        return record
    if isinstance(value, Template) and _is_derived(record):
        intent = value.intent if "intent" in record.stated else intents.get(value.intent, value.intent)
        return replace(record, value=replace(value, key=keys.get(value.key, value.key), intent=intent))
    if isinstance(value, Example):
        intent = value.intent if "intent" in record.stated else intents.get(value.intent, value.intent)
        template = keys.get(value.template, value.template) if value.template else None
        return replace(record, value=replace(value, template=template, intent=intent))
    if isinstance(value, Intent) and not record.stated:
        return replace(record, value=replace(value, name=intents.get(value.name, value.name)))
    return record


def without_known_candidates(records: Iterable[Record], snapshot: Snapshot) -> list[Record]:
    """Leave out mined candidates all of whose questions are known: they were proposed, or answered, before."""
    found = list(records)
    known = {text_key(example.text) for example in snapshot.examples}
    known |= {text_key(each.value.text) for each in found if isinstance(each.value, Example) and not each.mined}
    new = {
        record.value.template
        for record in found
        if record.mined and isinstance(record.value, Example) and text_key(record.value.text) not in known
    }
    return [
        record
        for record in found
        if not (record.mined and isinstance(record.value, Template) and record.value.key not in new)
    ]
