"""A bot that reads nothing twice, and what it may keep of its readings when the knowledge changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from chatbot.bot import Bot
from chatbot.classifier import LexicalHead, Scores
from chatbot.encoder import Encoder
from chatbot.knowledge import NEIGHBOURS
from chatbot.types import Reading, Redacted, Vector

MOST_DIFFERENT = 500
"""With more examples that come or go than this, every text is read anew."""

ROUNDING = 1e-4


@dataclass(slots=True)
class Memory:
    """What a model version makes of texts, whatever the knowledge is: by the text as it was spelled."""

    vectors: dict[str, Vector] = field(default_factory=dict)
    margins: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def keep_only(self, spelled: Collection[str]) -> None:
        for held in (self.vectors, self.margins):
            for text in held.keys() - spelled:
                del held[text]


class RememberingEncoder:
    """An encoder that knows some vectors already, to the letter of their texts, and keeps what it makes with them."""

    def __init__(self, encoder: Encoder, vectors: dict[str, Vector]) -> None:
        self._encoder = encoder
        self._vectors = vectors

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vector:
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if missing:
            self._vectors.update(zip(missing, self._encoder.encode(missing), strict=True))
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return np.stack([self._vectors[text] for text in texts])


@dataclass(frozen=True)
class RememberingHead(LexicalHead):
    """A lexical head that counts each text's n-grams once."""

    known: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def _margins(self, text: str) -> NDArray[np.float64]:
        if text not in self.known:
            self.known[text] = super()._margins(text)
        return self.known[text]


@dataclass(frozen=True)
class Remembering(Bot):
    """`close` holds the readings by the encoder, `seen` all of them, by text and whether it was read closely."""

    close: dict[str, Reading] = field(default_factory=dict)
    seen: dict[tuple[str, bool], Reading] = field(default_factory=dict)

    @classmethod
    def of(cls, bot: Bot, close: Mapping[str, Reading]) -> Remembering:
        """With readings that are right for this very bot."""
        parts = {each.name: getattr(bot, each.name) for each in fields(Bot)}
        return cls(**parts, close=dict(close))

    def read_many(self, queries: Sequence[Redacted], *, closely: bool = False) -> list[Reading]:
        new = [query for query in dict.fromkeys(queries) if (query.text, closely) not in self.seen]
        for query, reading in zip(new, super().read_many(new, closely=closely), strict=True):
            self.seen[query.text, closely] = reading
        return [self.seen[query.text, closely] for query in queries]

    def _read_closely(self, texts: Sequence[str], spelled: Sequence[str], lexical: Scores) -> list[Reading]:
        rows = [row for row, text in enumerate(texts) if text not in self.close]
        if rows:
            asked, right = ([form[row] for row in rows] for form in (texts, spelled))
            self.close.update(zip(asked, super()._read_closely(asked, right, lexical[rows]), strict=True))
        return [self.close[text] for text in texts]


def remembering(bot: Bot, memory: Memory) -> Bot:
    """The same bot, which looks into the memory first."""
    head = bot.classifier.lexical
    lexical = RememberingHead(head.places, head.idf, head.weights, head.bias, memory.margins)
    classifier = replace(bot.classifier, lexical=lexical)
    return replace(bot, classifier=classifier, encoder=RememberingEncoder(bot.encoder, memory.vectors))


def carried(earlier: Remembering, bot: Bot) -> dict[str, Reading]:
    """The close readings of an earlier bot that are right for a later one too: no example that comes, goes or changes
    between them is or would be among the neighbours, and the words are spelled alike."""
    old, new = earlier.knowledge.examples, bot.knowledge.examples
    coming = [example for number, example in new.items() if old.get(number) != example]
    going = [example for number, example in old.items() if new.get(number) != example]
    if len(coming) + len(going) > MOST_DIFFERENT:
        return {}
    texts = {example.text for example in (*coming, *going)}
    vectors = bot.encoder.encode([example.text for example in coming])
    return {
        text: reading
        for text, reading in earlier.close.items()
        if _is_far(reading, vectors, texts)
        and earlier.knowledge.same_words(text) == bot.knowledge.same_words(text)
        and _spelled_alike(text, earlier, bot)
    }


def _spelled_alike(text: str, one: Bot, other: Bot) -> bool:
    return one.speller is other.speller or one.speller.corrected(text) == other.speller.corrected(text)


def _is_far(reading: Reading, coming: Vector, changed: Collection[str]) -> bool:
    if reading.vector is None or len(reading.neighbours) < NEIGHBOURS:
        return False
    if any(hit.text in changed for hit in reading.neighbours):
        return False
    if not len(coming):
        return True
    furthest = min(hit.similarity for hit in reading.neighbours)
    return float((coming @ reading.vector).max()) < furthest - ROUNDING
