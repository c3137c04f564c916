"""Knowledge as it would be after a change: beside the one that serves, over the same indexes, and as quick to make.

The bot that supposes a change answers as the bot after it will: a test compares the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chatbot.bot import Bot, spelling_after
from chatbot.encoder import Encoder
from chatbot.knowledge import Knowledge, approved, approved_examples, carry_wordings, same_objects, text_of
from chatbot.retriever import NO_HIT, FaissIndex, Ids
from chatbot.store.knowledge import Changes, Snapshot
from chatbot.text import normalise
from chatbot.types import Example, Intent, Template, Vector

Record = TypeVar("Record", Example, Template)


def suppose(bot: Bot, changes: Changes) -> Bot:
    """The bot as it would be after these changes. Of documents nothing is supposed."""
    knowledge = supposing(bot.knowledge, changes, bot.encoder)
    return replace(bot, knowledge=knowledge, speller=spelling_after(bot.speller, bot.knowledge, knowledge))


def supposing(knowledge: Knowledge, changes: Changes, encoder: Encoder) -> Knowledge:
    snapshot = supposed(knowledge.snapshot, changes)
    examples = same_objects(knowledge.examples, approved_examples(snapshot))
    templates = approved(snapshot.templates)
    following = replace(
        knowledge,
        snapshot=snapshot,
        examples=examples,
        templates=templates,
        example_index=_over(knowledge.example_index, knowledge.examples, examples, encoder),
        template_index=_over(knowledge.template_index, knowledge.templates, templates, encoder),
    )
    carry_wordings(knowledge, following)
    return following


def supposed(snapshot: Snapshot, changes: Changes) -> Snapshot:
    """What the store would hold once `apply` has written the changes; groups of new examples are left open."""
    intents = {intent.name: intent for intent in (*snapshot.intents, *changes.intents)}
    used = {template.intent for template in changes.templates} | {example.intent for example in changes.examples}
    for name in used - intents.keys() - {""}:
        intents[name] = Intent(name)
    facts = {fact.name: fact for fact in (*snapshot.facts, *changes.facts)}
    return Snapshot(
        revision=snapshot.revision + bool(changes),
        intents=tuple(intents[name] for name in sorted(intents)),
        facts=tuple(facts[name] for name in sorted(facts)),
        templates=_with_templates(snapshot.templates, changes.templates),
        examples=_with_examples(snapshot.examples, changes.examples),
        passages=snapshot.passages,
    )


def _with_templates(stored: Sequence[Template], coming: Iterable[Template]) -> tuple[Template, ...]:
    known = {template.key: template for template in stored}
    following = max((template.id for template in stored), default=0) + 1
    for template in coming:
        old = known.get(template.key)
        if old is None:
            known[template.key] = replace(template, id=following, revision=1)
            following += 1
        else:
            known[template.key] = replace(template, id=old.id, revision=old.revision + 1)
    return tuple(known.values())


def _with_examples(stored: Sequence[Example], coming: Sequence[Example]) -> tuple[Example, ...]:
    """A text that is there already keeps its spelling, id and group, as in the store."""
    if not coming:
        return tuple(stored)
    known = {normalise(example.text): example for example in stored}
    following = max((example.id for example in stored), default=0) + 1
    for words, example in {normalise(example.text): example for example in coming}.items():
        old = known.get(words)
        if old is None:
            known[words] = replace(example, id=following)
            following += 1
        else:
            known[words] = replace(example, text=old.text, id=old.id, group=old.group)
    return tuple(known.values())


class Overlay(FaissIndex):
    """An index of what would come, over one that stays as it is; `gone` are ids of the latter that would go.

    The one below is shared with the bot that serves and changes with it. What comes into it later stays unknown here,
    as its ids stand in no record of the supposed knowledge, or in another's.
    """

    def __init__(self, below: FaissIndex, *, gone: Collection[int], ids: Ids, vectors: Vector) -> None:
        super().__init__(below.dimension)
        self.add(ids, vectors)
        self._below = below
        self._gone = np.array(sorted({*gone, *ids.tolist()}), dtype=np.int64)
        self._leaving = len(gone)

    def __len__(self) -> int:
        return super().__len__() + len(self._below) - self._leaving

    def search(self, vectors: Vector, count: int, *, allowed: Ids | None = None) -> tuple[NDArray[np.float32], Ids]:
        """So many more are asked for as may have to be passed over."""
        own = super().search(vectors, count, allowed=allowed)
        stayed = None if allowed is None else np.setdiff1d(allowed, self._gone)
        similarities, ids = self._below.search(vectors, count + len(self._gone), allowed=stayed)
        hidden = np.isin(ids, self._gone)
        similarities = np.concatenate([own[0], np.where(hidden, -np.inf, similarities)], axis=1)
        ids = np.concatenate([own[1], np.where(hidden, NO_HIT, ids)], axis=1)
        order = np.lexsort((ids, -similarities), axis=1)[:, :count]
        return np.take_along_axis(similarities, order, 1), np.take_along_axis(ids, order, 1)


def _over(index: FaissIndex, old: Mapping[int, Record], new: Mapping[int, Record], encoder: Encoder) -> FaissIndex:
    coming = {number: record for number, record in new.items() if number not in old or _differ(old[number], record)}
    gone = {number for number in old if number not in new or number in coming}
    if not coming and not gone:
        return index
    vectors = encoder.encode([text_of(record) for record in coming.values()])
    return Overlay(index, gone=gone, ids=np.array(list(coming), dtype=np.int64), vectors=vectors)


def _differ(one: Record, other: Record) -> bool:
    return one is not other and text_of(one) != text_of(other)
