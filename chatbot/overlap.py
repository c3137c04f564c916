"""How many of a question's words stand in a text, rare ones counting more: a sentence vector sees too little of it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from chatbot.text import normalise

_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]{2,}|\d+|[\u3400-\u9fff]+")
_ENDINGS = ("ing", "ies", "ied", "es", "ed", "s", "e", "y")
"""English ones; in another language a few words meet that differ, and in both texts alike."""

_SHORTEST = 3


def words_of(text: str) -> frozenset[str]:
    """The words of a text without their endings; of Chinese each pair of neighbouring characters."""
    found: set[str] = set()
    for word in _WORD.findall(text.casefold()):
        if "\u3400" <= word[0] <= "\u9fff":
            found.update(word[place : place + 2] for place in range(max(1, len(word) - 1)))
        else:
            found.add(_stem(word))
    return frozenset(found)


def share_words(text: str, others: Iterable[str]) -> bool:
    """Whether a word of the text stands in another one, or another one is the very same."""
    words, same = words_of(text), normalise(text)
    return any(not words.isdisjoint(words_of(other)) or normalise(other) == same for other in others)


@dataclass(frozen=True, slots=True)
class Rarity:
    """The weight of each word among so many texts: the logarithm of how few of them hold it."""

    texts: int
    counts: Mapping[str, int]

    @classmethod
    def among(cls, texts: Iterable[Collection[str]]) -> Rarity:
        found = list(texts)
        return cls(len(found), Counter(word for words in found for word in words))

    def of(self, word: str) -> float:
        return math.log((self.texts + 1) / (self.counts.get(word, 0) + 0.5))

    def weights(self, question: Collection[str]) -> dict[str, float]:
        return {word: self.of(word) for word in question}


def covered(weights: Mapping[str, float], text: Collection[str]) -> float:
    """The share, 0 to 1, of a question's words that the text holds, weighed by rarity."""
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in text) / total if total > 0 else 0.0


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word
