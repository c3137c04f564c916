"""The live knowledge of one bot: approved templates and examples with their vectors, searchable, refreshed in place.

The database is the truth. `refresh` reads it again and adds or removes only what differs; a reader that still holds an
older `Knowledge` sees the shared indexes change, but resolves ids through its own records and passes over the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

import numpy as np

from chatbot.decide import Offer
from chatbot.encoder import Encoder
from chatbot.retriever import FaissIndex, Ids, build_index
from chatbot.store.knowledge import KnowledgeStore, Snapshot
from chatbot.text import normalise, text_key
from chatbot.types import Example, Hit, Intent, Status, Template, Vector

TEMPLATE_HITS = 5
NEIGHBOURS = 30

Record = TypeVar("Record", Example, Template)


@dataclass(frozen=True)
class Knowledge:
    """One revision of the knowledge, indexed. Not slotted: what is derived from it is computed once and kept."""

    snapshot: Snapshot
    examples: Mapping[int, Example]
    templates: Mapping[int, Template]
    example_index: FaissIndex
    template_index: FaissIndex

    @property
    def revision(self) -> int:
        return self.snapshot.revision

    @cached_property
    def facts(self) -> dict[str, str]:
        return {fact.name: fact.value for fact in self.snapshot.facts}

    @cached_property
    def intents(self) -> dict[str, Intent]:
        return {intent.name: intent for intent in self.snapshot.intents}

    @cached_property
    def by_intent(self) -> dict[str, list[Template]]:
        grouped: dict[str, list[Template]] = {}
        for template in self.templates.values():
            grouped.setdefault(template.intent, []).append(template)
        return grouped

    @cached_property
    def by_key(self) -> dict[str, Template]:
        return {template.key: template for template in self.templates.values()}

    @cached_property
    def by_wording(self) -> dict[str, Example]:
        return {normalise(example.text): example for example in self.examples.values()}

    def template(self, key: str | None) -> Template | None:
        """The approved template of that key, if there is one."""
        return self.by_key.get(key) if key is not None else None

    def offer(self, *, language: str, day: date, values: Mapping[str, str]) -> Offer:
        """What may be said to this customer now. A fact of the shop goes before what the customer typed."""
        return Offer(self.by_intent, self.intents, {**values, **self.facts}, language, day)

    def neighbours(self, texts: Sequence[str], vectors: Vector, count: int = NEIGHBOURS) -> list[tuple[Hit, ...]]:
        """The nearest examples of each text with its vector, closest first.

        An example in the very same words comes first: what an agent has confirmed is found by its words too, also in
        languages that the encoder cannot read, where many texts share one vector.
        """
        similarities, ids = self.example_index.search(vectors, count)
        return [
            self._neighbours_of(text, row_ids.tolist(), row.tolist())
            for text, row, row_ids in zip(texts, similarities, ids, strict=True)
        ]

    def _neighbours_of(self, text: str, ids: Sequence[int], similarities: Sequence[float]) -> tuple[Hit, ...]:
        same = self.by_wording.get(normalise(text))
        hits = [_example_hit(same, 1.0)] if same else []
        for number, similarity in zip(ids, similarities, strict=True):
            if number in self.examples and self.examples[number] is not same:
                hits.append(_example_hit(self.examples[number], similarity))
        return tuple(hits)

    def search(self, vector: Vector, *, language: str, day: date, intent: str | None = None) -> tuple[Hit, ...]:
        """The nearest templates that may be shown on `day`; of each intent in `language`, else in any language."""
        allowed = self._showable(language, day, intent)
        similarities, ids = self.template_index.search(vector, TEMPLATE_HITS, allowed=allowed)
        return tuple(
            _template_hit(self.templates[number], similarity)
            for number, similarity in zip(ids[0].tolist(), similarities[0].tolist(), strict=True)
            if number in self.templates
        )

    def _showable(self, language: str, day: date, intent: str | None) -> Ids:
        valid = [
            template
            for template in self.templates.values()
            if template.valid_on(day) and intent in (None, template.intent)
        ]
        spoken = {template.intent for template in valid if template.language == language}
        shown = [template.id for template in valid if template.language == language or template.intent not in spoken]
        return np.array(shown, dtype=np.int64)


def load_knowledge(store: KnowledgeStore, encoder: Encoder) -> Knowledge:
    """Index all approved knowledge; texts that this encoder has not seen yet are encoded and kept."""
    snapshot = store.snapshot()
    examples, templates = _approved(snapshot.examples), _approved(snapshot.templates)
    vectors = _vectors([*examples.values(), *templates.values()], store, encoder)
    return Knowledge(
        snapshot,
        examples,
        templates,
        _index(examples, vectors, encoder.dimension),
        _index(templates, vectors, encoder.dimension),
    )


def refresh(knowledge: Knowledge, store: KnowledgeStore, encoder: Encoder) -> Knowledge:
    """The knowledge as the database has it now; the same object when nothing changed."""
    if store.revision() == knowledge.revision:
        return knowledge
    snapshot = store.snapshot()
    examples, templates = _approved(snapshot.examples), _approved(snapshot.templates)
    new_examples = _changed(knowledge.examples, examples)
    new_templates = _changed(knowledge.templates, templates)
    vectors = _vectors([*new_examples.values(), *new_templates.values()], store, encoder)
    _update(knowledge.example_index, knowledge.examples, examples, new_examples, vectors)
    _update(knowledge.template_index, knowledge.templates, templates, new_templates, vectors)
    return Knowledge(snapshot, examples, templates, knowledge.example_index, knowledge.template_index)


def vectors_of(records: Sequence[Example | Template], *, store: KnowledgeStore, encoder: Encoder) -> Vector:
    """A vector for each record in their order, shape (records, dimension); what is new to the store is kept there."""
    known = _vectors(records, store, encoder)
    return np.stack([known[text_key(_text(record))] for record in records])


def _text(record: Example | Template) -> str:
    return record.text if isinstance(record, Example) else record.body


def _approved(records: Iterable[Record]) -> dict[int, Record]:
    return {record.id: record for record in records if record.status is Status.APPROVED}


def _changed(old: Mapping[int, Record], new: Mapping[int, Record]) -> dict[int, Record]:
    """Records whose vector is not in the index yet: new ids, and texts that were rewritten."""
    return {
        number: record for number, record in new.items() if number not in old or _text(old[number]) != _text(record)
    }


def _vectors(records: Sequence[Example | Template], store: KnowledgeStore, encoder: Encoder) -> dict[str, Vector]:
    """Vectors by text key, from the store where it has them."""
    texts = {text_key(_text(record)): _text(record) for record in records}
    known = store.vectors(encoder.fingerprint, list(texts))
    missing = [key for key in texts if key not in known]
    if missing:
        fresh = dict(zip(missing, encoder.encode([texts[key] for key in missing]), strict=True))
        store.keep_vectors(encoder.fingerprint, fresh)
        known |= fresh
    return known


def _stack(records: Mapping[int, Example | Template], vectors: Mapping[str, Vector], dimension: int) -> Vector:
    rows = [vectors[text_key(_text(record))] for record in records.values()]
    return np.stack(rows) if rows else np.empty((0, dimension), dtype=np.float32)


def _index(records: Mapping[int, Example | Template], vectors: Mapping[str, Vector], dimension: int) -> FaissIndex:
    return build_index(dimension, list(records), _stack(records, vectors, dimension))


def _update(
    index: FaissIndex,
    old: Mapping[int, Record],
    new: Mapping[int, Record],
    changed: Mapping[int, Record],
    vectors: Mapping[str, Vector],
) -> None:
    index.replace(
        leaving=[number for number in old if number not in new or number in changed],
        ids=np.array(list(changed), dtype=np.int64),
        vectors=_stack(changed, vectors, index.dimension),
    )


def _example_hit(example: Example, similarity: float) -> Hit:
    return Hit("example", example.text, example.intent, similarity, example.language, example.template)


def _template_hit(template: Template, similarity: float) -> Hit:
    return Hit("template", template.body, template.intent, similarity, template.language, template.key)
