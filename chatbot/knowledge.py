"""The live knowledge of one bot: approved templates, examples and passages of documents with their vectors, searchable,
refreshed in place.

The database is the truth. `refresh` reads it again and adds or removes only what differs; a reader that still holds an
older `Knowledge` sees the shared indexes change, but resolves ids through its own records and passes over the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TypeVar

import numpy as np

from chatbot import stages
from chatbot.decide import Offer
from chatbot.encoder import Encoder
from chatbot.errors import StoreError
from chatbot.overlap import Rarity, covered, words_of
from chatbot.retriever import FaissIndex, Ids, build_index
from chatbot.store.knowledge import KnowledgeStore, Snapshot
from chatbot.templates import spoken_in
from chatbot.text import gist, normalise, text_key
from chatbot.titles import SOURCE as TITLE
from chatbot.titles import title_examples
from chatbot.types import Example, Hit, Intent, Passage, Status, Template, Vector

TEMPLATE_HITS = 5
NEIGHBOURS = 30
MOST_RANKED = 200
PASSAGES_COMPARED = 20
"""So many of the nearest passages are compared word by word."""

Record = TypeVar("Record", Example, Template, Passage)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Nearby:
    """A passage near a question: the cosine of their vectors, and the share of the question's words that it holds."""

    passage: Passage
    similarity: float
    covered: float


@dataclass(frozen=True)
class Knowledge:
    """One revision of the knowledge, indexed. Not slotted: what is derived from it is computed once and kept."""

    snapshot: Snapshot
    examples: Mapping[int, Example]
    templates: Mapping[int, Template]
    example_index: FaissIndex
    template_index: FaissIndex
    passages: Mapping[int, Passage]
    passage_index: FaissIndex

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
    def glanceable(self) -> frozenset[str]:
        """Intents that need no neighbours to be answered: they have one answer, whatever its wordings."""
        answers: dict[str, set[str]] = {}
        for template in self.templates.values():
            answers.setdefault(template.intent, set()).add(template.answer)
        known = {example.intent for example in self.examples.values()}
        least = 1 if self.passages else 0  # what has no answer may stand in a document, and that is found by its vector
        return frozenset(intent for intent in known if least <= len(answers.get(intent, ())) <= 1)

    @cached_property
    def unapproved(self) -> tuple[Example, ...]:
        return tuple(example for example in self.snapshot.examples if example.status is not Status.APPROVED)

    @cached_property
    def by_wording(self) -> dict[str, Example]:
        """What a person has confirmed, by its words; a title was never confirmed as a question."""
        return {normalise(example.text): example for example in self.examples.values() if example.source != TITLE}

    @cached_property
    def by_gist(self) -> dict[str, tuple[Example, ...]]:
        """What a person has confirmed, by its words without the small ones."""
        grouped: dict[str, tuple[Example, ...]] = {}
        for example in self.by_wording.values():
            grouped[gist(example.text)] = (*grouped.get(gist(example.text), ()), example)
        return grouped

    @cached_property
    def passages_in(self) -> dict[str, list[Passage]]:
        """The passages by language, a region's under the language alone."""
        grouped: dict[str, list[Passage]] = {}
        for passage in self.passages.values():
            grouped.setdefault(base_language(passage.language), []).append(passage)
        return grouped

    @cached_property
    def passage_words(self) -> dict[int, frozenset[str]]:
        return {passage.id: words_of(text_of(passage)) for passage in self.passages.values()}

    @cached_property
    def passage_rarity(self) -> Rarity:
        return Rarity.among(self.passage_words.values())

    def warm(self) -> None:
        """Work out all that is kept, so that no message waits for it."""
        _ = self.facts, self.intents, self.by_intent, self.by_key, self.glanceable, self.by_wording, self.by_gist
        if self.passages:
            _ = self.passages_in, self.passage_rarity

    def same_words(self, text: str) -> Hit | None:
        """The example in the very words of a text, small ones aside."""
        same = self._same(text)
        return None if same is None else _example_hit(same, 1.0, confirmed=True)

    def _same(self, text: str) -> Example | None:
        """In the very same words; else in the same but for small ones, where all such examples say the same."""
        exact = self.by_wording.get(normalise(text))
        if exact is not None:
            return exact
        words = gist(text)
        alike = self.by_gist.get(words, ()) if words else ()
        return alike[0] if len({example.intent for example in alike}) == 1 else None

    def template(self, key: str | None) -> Template | None:
        """The approved template of that key, if there is one."""
        return self.by_key.get(key) if key is not None else None

    def offer(self, *, language: str, day: date, values: Mapping[str, str]) -> Offer:
        """What may be said to this customer now. A fact of the shop goes before what the customer typed."""
        return Offer(self.by_intent, self.intents, {**values, **self.facts}, language, day)

    @stages.stage(stages.SEARCH)
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
        same = self._same(text)
        hits = [_example_hit(same, 1.0, confirmed=True)] if same else []
        for number, similarity in zip(ids, similarities, strict=True):
            if number in self.examples and self.examples[number] is not same:
                hits.append(_example_hit(self.examples[number], similarity))
        return tuple(hits)

    @stages.stage(stages.SEARCH)
    def search(self, vector: Vector | None, *, language: str, day: date, intent: str | None = None) -> tuple[Hit, ...]:
        """The nearest templates that may be shown on `day`; of each intent in `language`, else in any language.

        None without a vector: the cascade only reads what has a single answer."""
        if vector is None:
            return ()
        allowed = self._showable(language, day, intent)
        similarities, ids = self.template_index.search(vector, TEMPLATE_HITS, allowed=allowed)
        return tuple(
            _template_hit(self.templates[number], similarity)
            for number, similarity in zip(ids[0].tolist(), similarities[0].tolist(), strict=True)
            if number in self.templates
        )

    def ranked_templates(self, vectors: Vector) -> list[list[int]]:
        """The numbers of the templates nearest to each vector, closest first, at most MOST_RANKED."""
        _, ids = self.template_index.search(vectors, min(len(self.templates), MOST_RANKED))
        return [[number for number in row if number in self.templates] for row in ids.tolist()]

    @stages.stage(stages.SEARCH)
    def search_passages(self, vector: Vector, text: str, *, language: str, day: date) -> tuple[Nearby, ...]:
        """The nearest passages that may be quoted on `day`, closest first; in the customer's language, as a quotation
        in another answers nobody."""
        spoken = self.passages_in.get(base_language(language), [])
        allowed = np.array([passage.id for passage in spoken if passage.valid_on(day)], dtype=np.int64)
        similarities, ids = self.passage_index.search(vector, PASSAGES_COMPARED, allowed=allowed)
        weights = self.passage_rarity.weights(words_of(text))
        return tuple(
            Nearby(self.passages[number], similarity, covered(weights, self.passage_words[number]))
            for number, similarity in zip(ids[0].tolist(), similarities[0].tolist(), strict=True)
            if number in self.passages
        )

    def _showable(self, language: str, day: date, intent: str | None) -> Ids:
        found = self._shown.get((language, day, intent))
        if found is None:
            shown = [
                template.id
                for name, templates in self.by_intent.items()
                if intent in (None, name)
                for template in spoken_in(language, [each for each in templates if each.valid_on(day)])
            ]
            found = self._shown[language, day, intent] = np.array(shown, dtype=np.int64)
        return found

    @cached_property
    def _shown(self) -> dict[tuple[str, date, str | None], Ids]:
        """By language, day and intent: worked out at the first message of a day."""
        return {}


def load_knowledge(store: KnowledgeStore, encoder: Encoder, *, without: Collection[int] = ()) -> Knowledge:
    """Index all approved knowledge; texts that this encoder has not seen yet are encoded and kept.

    `without` are the numbers of examples to leave out: who is examined may not have the questions before them.
    """
    snapshot = store.snapshot()
    if without:
        left = tuple(example for example in snapshot.examples if example.id not in without)
        snapshot = replace(snapshot, examples=left)
    examples, templates = approved_examples(snapshot), approved(snapshot.templates)
    passages = approved(snapshot.passages)
    vectors = _vectors([*examples.values(), *templates.values(), *passages.values()], store, encoder)
    return Knowledge(
        snapshot,
        examples,
        templates,
        _index(examples, vectors, encoder.dimension),
        _index(templates, vectors, encoder.dimension),
        passages,
        _index(passages, vectors, encoder.dimension),
    )


def refresh(knowledge: Knowledge, store: KnowledgeStore, encoder: Encoder) -> Knowledge:
    """The knowledge as the database has it now; the same object when nothing changed."""
    if store.revision() == knowledge.revision:
        return knowledge
    snapshot = store.snapshot()
    examples, templates = same_objects(knowledge.examples, approved_examples(snapshot)), approved(snapshot.templates)
    passages = approved(snapshot.passages)
    new_examples = _changed(knowledge.examples, examples)
    new_templates = _changed(knowledge.templates, templates)
    new_passages = _changed(knowledge.passages, passages)
    vectors = _vectors([*new_examples.values(), *new_templates.values(), *new_passages.values()], store, encoder)
    _update(knowledge.example_index, knowledge.examples, examples, new_examples, vectors)
    _update(knowledge.template_index, knowledge.templates, templates, new_templates, vectors)
    _update(knowledge.passage_index, knowledge.passages, passages, new_passages, vectors)
    renewed = Knowledge(
        snapshot,
        examples,
        templates,
        knowledge.example_index,
        knowledge.template_index,
        passages,
        knowledge.passage_index,
    )
    carry_wordings(knowledge, renewed)
    return renewed


def same_objects(old: Mapping[int, Example], new: Mapping[int, Example]) -> dict[int, Example]:
    """The new examples, but the very objects of before where they say the same: what is known of those stays known."""
    return {number: old[number] if old.get(number) == example else example for number, example in new.items()}


def carry_wordings(before: Knowledge, after: Knowledge) -> None:
    """`by_wording` and `by_gist` of the knowledge after, worked out from the one before: normalising all texts takes
    longer than all else that a correction needs."""
    wordings, gists = dict(before.by_wording), dict(before.by_gist)
    for number, example in before.examples.items():
        if after.examples.get(number) is not example and wordings.get(normalise(example.text)) is example:
            del wordings[normalise(example.text)]
            gists[gist(example.text)] = tuple(one for one in gists[gist(example.text)] if one is not example)
    for number, example in after.examples.items():
        if before.examples.get(number) is not example and example.source != TITLE:
            wordings[normalise(example.text)] = example
            gists[gist(example.text)] = (*gists.get(gist(example.text), ()), example)
    after.__dict__.update(by_wording=wordings, by_gist=gists)


def vectors_of(records: Sequence[Example | Template | Passage], *, store: KnowledgeStore, encoder: Encoder) -> Vector:
    """A vector for each record in their order, shape (records, dimension); what is new to the store is kept there."""
    known = _vectors(records, store, encoder)
    return np.stack([known[text_key(text_of(record))] for record in records])


def base_language(language: str) -> str:
    """ "en" of "en-GB"."""
    return language.split("-", 1)[0]


def text_of(record: Example | Template | Passage) -> str:
    """What the vector of a record is made of: a passage is read under its headings, which say what it is about."""
    if isinstance(record, Passage):
        return f"{record.title}. {record.body}"
    return record.text if isinstance(record, Example) else record.body


def approved_examples(snapshot: Snapshot) -> dict[int, Example]:
    """The approved examples, and what each of their intents is called, under ids below zero."""
    examples = approved(snapshot.examples)
    names = {example.intent for example in examples.values()}
    titles = title_examples(names, {intent.name: intent for intent in snapshot.intents})
    return {**{title.id: title for title in titles}, **examples}


def approved(records: Iterable[Record]) -> dict[int, Record]:
    """By id."""
    return {record.id: record for record in records if record.status is Status.APPROVED}


def _changed(old: Mapping[int, Record], new: Mapping[int, Record]) -> dict[int, Record]:
    """Records whose vector is not in the index yet: new ids, and texts that were rewritten."""
    return {
        number: record for number, record in new.items() if number not in old or text_of(old[number]) != text_of(record)
    }


def _vectors(
    records: Sequence[Example | Template | Passage], store: KnowledgeStore, encoder: Encoder
) -> dict[str, Vector]:
    """Vectors by text key, from the store where it has them."""
    texts = {text_key(text_of(record)): text_of(record) for record in records}
    known = store.vectors(encoder.fingerprint, list(texts))
    missing = [key for key in texts if key not in known]
    if missing:
        fresh = dict(zip(missing, encoder.encode([texts[key] for key in missing]), strict=True))
        try:
            store.keep_vectors(encoder.fingerprint, fresh)
        except StoreError as error:  # they save time and nothing else: what was taught answers all the same
            _log.warning("%d vectors were not kept and will be worked out again: %s", len(fresh), error)
        known |= fresh
    return known


def _stack(
    records: Mapping[int, Example | Template | Passage], vectors: Mapping[str, Vector], dimension: int
) -> Vector:
    rows = [vectors[text_key(text_of(record))] for record in records.values()]
    return np.stack(rows) if rows else np.empty((0, dimension), dtype=np.float32)


def _index(
    records: Mapping[int, Example | Template | Passage], vectors: Mapping[str, Vector], dimension: int
) -> FaissIndex:
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


def _example_hit(example: Example, similarity: float, *, confirmed: bool = False) -> Hit:
    kind = "title" if example.source == TITLE else "example"
    return Hit(kind, example.text, example.intent, similarity, example.language, example.template, confirmed)


def _template_hit(template: Template, similarity: float) -> Hit:
    return Hit("template", template.body, template.intent, similarity, template.language, template.key)
