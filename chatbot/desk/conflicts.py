"""Where the knowledge contradicts itself: texts under two labels, intents that overlap, answers that say the same.

A conflict's key is made of what it is about, as it stands: one that somebody has kept comes back when it changes.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.bot import Bot
from chatbot.classifier import SAME_LETTERS
from chatbot.desk.likeness import NOBODY, Nearest, in_chinese, nearest
from chatbot.knowledge import base_language, vectors_of
from chatbot.store.knowledge import KnowledgeStore
from chatbot.text import letters_in_common, text_key
from chatbot.types import OUT_OF_SCOPE, Example, Template, Vector

OVERLAP = 0.25
"""Share of two intents' examples from which they overlap: those whose nearest other example is of the other one."""

LEAST_OVERLAPPING = 3
"""Examples that have to lie so; two of five are chance."""

SAME_QUESTION = 0.93
SAME_QUESTION_BY_LETTERS = 0.5
"""Likeness from which two texts may be the same question; they share SAME_LETTERS of their letters too."""

SAME_ANSWER = 0.93
"""Cosine from which two answers may say the same."""

SAME_ANSWER_BY_LETTERS = 0.85
"""Of answers in Chinese characters, the share of them that both have."""

MOST_SAMPLES = 8
MOST_OF_A_KIND = 100


@dataclass(frozen=True, slots=True)
class Labels:
    """Nearly the same words under different labels."""

    key: str
    examples: tuple[Example, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two intents, the share of their examples that are nearest to one of the other, and some of these."""

    key: str
    one: str
    other: str
    sizes: tuple[int, int]
    share: float
    samples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Two answers in one language that say nearly the same."""

    key: str
    one: Template
    other: Template
    similarity: float


@dataclass(frozen=True, slots=True)
class Found:
    """The worst of each kind first, at most MOST_OF_A_KIND."""

    labels: tuple[Labels, ...]
    intents: tuple[Overlap, ...]
    templates: tuple[Answers, ...]

    def without(self, kept: Collection[str]) -> Found:
        return Found(
            tuple(each for each in self.labels if each.key not in kept),
            tuple(each for each in self.intents if each.key not in kept),
            tuple(each for each in self.templates if each.key not in kept),
        )


class Conflicts:
    """What was found for the knowledge as it is; looked for once a revision."""

    def __init__(self, store: KnowledgeStore) -> None:
        self._store = store
        self._one = threading.Lock()
        self._known: tuple[tuple[str, int], Found] | None = None

    def find(self, bot: Bot) -> Found:
        revision = bot.encoder.fingerprint, bot.knowledge.revision
        with self._one:
            if self._known is None or self._known[0] != revision:
                self._known = revision, self._look(bot)
            return self._known[1]

    def _look(self, bot: Bot) -> Found:
        examples = [example for example in bot.knowledge.examples.values() if example.id > 0]  # below: titles
        vectors = self._vectors(examples, bot)
        near = nearest([example.text for example in examples], vectors)
        return Found(
            labels=tuple(doubly_labelled(examples, near))[:MOST_OF_A_KIND],
            intents=tuple(overlapping(examples, near))[:MOST_OF_A_KIND],
            templates=tuple(self._alike(bot))[:MOST_OF_A_KIND],
        )

    def _alike(self, bot: Bot) -> list[Answers]:
        templates = sorted(bot.knowledge.templates.values(), key=lambda template: template.key)
        return alike(templates, self._vectors(templates, bot))

    def _vectors(self, records: Sequence[Example | Template], bot: Bot) -> Vector:
        if not records:
            return np.empty((0, bot.encoder.dimension), dtype=np.float32)
        return vectors_of(records, store=self._store, encoder=bot.encoder)


def doubly_labelled(examples: Sequence[Example], near: Nearest) -> list[Labels]:
    """Groups of texts in which each has nearly the same words as one with another label, the most alike first."""
    labels = np.array([example.intent for example in examples], dtype=object)
    floor = np.where(near.by_letters, SAME_QUESTION_BY_LETTERS, SAME_QUESTION)
    pairs: dict[tuple[int, int], float] = {}
    for row, column in np.argwhere(near.likeness >= floor[:, None]).tolist():
        other = int(near.places[row, column])
        if labels[other] != labels[row] and _share_letters(examples[row], examples[other]):
            pairs[min(row, other), max(row, other)] = float(near.likeness[row, column])
    made = [_labels([examples[place] for place in group], pairs, group) for group in _joined(pairs)]
    return sorted(made, key=lambda each: (-round(each.similarity, 6), each.key))


def _share_letters(one: Example, other: Example) -> bool:
    return letters_in_common(one.text, other.text) >= SAME_LETTERS


def _labels(examples: Sequence[Example], pairs: Mapping[tuple[int, int], float], group: Collection[int]) -> Labels:
    similarity = max(value for pair, value in pairs.items() if pair[0] in group)
    told = sorted(f"{text_key(example.text)} {example.intent}" for example in examples)
    return Labels(_key("labels", told), tuple(examples), similarity)


def overlapping(examples: Sequence[Example], near: Nearest) -> list[Overlap]:
    """Pairs of intents, those that overlap most first."""
    sizes = Counter(example.intent for example in examples)
    lying: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, example in enumerate(examples):
        closest = int(near.places[row, 0])
        if closest != NOBODY and examples[closest].intent != example.intent:
            lying[_pair(example.intent, examples[closest].intent)].append(row)
    found = []
    for (one, other), rows in lying.items():
        share = len(rows) / (sizes[one] + sizes[other])
        if share < OVERLAP or len(rows) < LEAST_OVERLAPPING or OUT_OF_SCOPE in (one, other):
            continue
        rows.sort(key=lambda row: (-round(float(near.likeness[row, 0]), 6), examples[row].text))
        samples = tuple(examples[row] for row in rows[:MOST_SAMPLES])
        key = _key("intents", [one, other, f"{share:.1f}"])  # it comes back when they overlap by a tenth more
        found.append(Overlap(key, one, other, (sizes[one], sizes[other]), share, samples))
    return sorted(found, key=lambda each: (-each.share, each.one, each.other))


def alike(templates: Sequence[Template], vectors: Vector) -> list[Answers]:
    """Pairs in one language that belong to different answers, the most alike first."""
    han = in_chinese([template.body for template in templates])
    near = np.triu((vectors @ vectors.T >= SAME_ANSWER) | (han[:, None] & han), k=1)
    found = []
    for row, column in np.argwhere(near).tolist():
        one, other = templates[row], templates[column]
        if base_language(one.language) != base_language(other.language) or one.answer == other.answer:
            continue
        shared = letters_in_common(one.body, other.body)
        by_letters = bool(han[row] and han[column])
        if shared >= (SAME_ANSWER_BY_LETTERS if by_letters else SAME_LETTERS):
            key = _key("templates", sorted(f"{each.key} {text_key(each.body)}" for each in (one, other)))
            similarity = shared if by_letters else float(vectors[row] @ vectors[column])
            found.append(Answers(key, one, other, similarity))
    return sorted(found, key=lambda each: (-round(each.similarity, 6), each.one.key, each.other.key))


def _joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The groups that the pairs connect."""
    leader: dict[int, int] = {}

    def lead(place: int) -> int:
        while leader.setdefault(place, place) != place:
            leader[place] = place = leader[leader[place]]
        return place

    for one, other in pairs:
        first, second = sorted((lead(one), lead(other)))
        leader[second] = first
    groups: dict[int, list[int]] = defaultdict(list)
    for place in sorted(leader):
        groups[lead(place)].append(place)
    return list(groups.values())


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _key(kind: str, about: Iterable[str]) -> str:
    return hashlib.sha256("\0".join((kind, *about)).encode("utf-8", "replace")).hexdigest()
