"""Slips of the finger, put right with the shop's own words before a message is read.

A sentence encoder cuts "roder" into pieces that mean nothing, and the whole question moves away: with one typo in a
message BANKING77's questions lost 6.4 points of accuracy (docs/benchmarks.md). So a word that neither the examples nor
the encoder know is read as the word of the examples that is one slip away, or as two of them that were run together.
A word that stands in any example, or that the encoder knows whole, with or without an ending, is never touched.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")
_APOSTROPHE = re.compile(r"['’]")
_MISTYPED = re.compile(r"(?=.*[a-z])[a-z]*\d?[a-z]*")
"""Letters with at most one digit among them ("0rder"): more of these are a number of something."""

SHORTEST = 4
"""Letters of a word that a slip leads back to; of shorter ones too many are one slip apart."""

LEAST_PART = 2
LONGEST = 24
_ENDINGS = ("s", "es", "ed", "d", "ing")
_SHORTEST_STEM = 3


@dataclass(frozen=True, slots=True)
class Speller:
    """`counts` says how often each word stands in the examples; `near` finds words by what one missing letter leaves of
    them; `is_whole` tells a word that the encoder knows as one piece."""

    counts: Mapping[str, int]
    near: Mapping[str, tuple[str, ...]]
    is_whole: Callable[[str], bool]

    @classmethod
    def of(cls, texts: Iterable[str], is_whole: Callable[[str], bool]) -> Speller:
        return cls({}, {}, is_whole).knowing(texts)

    def knowing(self, texts: Iterable[str]) -> Speller:
        """One that knows the words of these texts as well."""
        counts, near = Counter(self.counts), dict(self.near)
        for text in texts:
            counts.update(_words(text))
        for word in counts.keys() - self.counts.keys():
            # What only a slip made, in an example too, is nothing to lead others to.
            if SHORTEST <= len(word) <= LONGEST and self.is_whole(word):
                for left in _one_less(word):
                    near[left] = (*near.get(left, ()), word)
        return Speller(counts, near, self.is_whole)

    def forgetting(self, texts: Iterable[str]) -> Speller:
        """One without these texts of those that it knows; what other texts hold too stays."""
        counts, near = Counter(self.counts), dict(self.near)
        for text in texts:
            counts.subtract(_words(text))
        kept = {word: count for word, count in counts.items() if count > 0}
        for word in self.counts.keys() - kept.keys():
            for left in _one_less(word) & near.keys():
                others = tuple(known for known in near[left] if known != word)
                near[left] = others
                if not others:
                    del near[left]
        return Speller(kept, near, self.is_whole)

    def corrected(self, text: str) -> str:
        return _TOKEN.sub(lambda found: self._word(found.group()), text)

    def _word(self, token: str) -> str:
        word = token.casefold()
        if not (len(word) + 1 >= SHORTEST and len(word) <= LONGEST and _MISTYPED.fullmatch(word)):
            return token
        if word in self.counts or (word.isalpha() and any(map(self.is_whole, _stems(word)))):
            return token
        return self._one_slip_away(word) or self._run_together(word) or token

    def _one_slip_away(self, word: str) -> str | None:
        """The most frequent one; a longest common start decides between equals."""
        found = {known for left in _one_less(word) for known in self.near.get(left, ()) if is_one_slip(word, known)}
        return max(found, key=lambda known: (self.counts[known], _same_start(word, known), known), default=None)

    def _run_together(self, word: str) -> str | None:
        pairs = [(word[:cut], word[cut:]) for cut in range(LEAST_PART, len(word) - LEAST_PART + 1)]
        known = [(first, second) for first, second in pairs if first in self.counts and second in self.counts]
        best = max(known, key=lambda pair: min(self.counts[pair[0]], self.counts[pair[1]]), default=None)
        return " ".join(best) if best else None


def _words(text: str) -> list[str]:
    """Each word of a text; one with an apostrophe as its parts and without it ("isn't": isn, t, isnt)."""
    found = _WORD.findall(text.casefold())
    return [part for word in found for part in {*_APOSTROPHE.split(word), _APOSTROPHE.sub("", word)}]


def is_one_slip(one: str, other: str) -> bool:
    """One letter more, less or other, or two neighbours swapped."""
    if len(one) > len(other):
        one, other = other, one
    start = _same_start(one, other)
    if len(one) < len(other):
        return len(other) - len(one) == 1 and one[start:] == other[start + 1 :]
    rest, its = one[start:], other[start:]
    return rest[1:] == its[1:] or (rest[:2] == its[1::-1] and rest[2:] == its[2:])


def _stems(word: str) -> Iterator[str]:
    """The word, and what it may be a form of: "chipped" is no slip of "shipped" where "chip" is a word."""
    yield word
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM:
            yield stem
            if ending != "s" and stem[-1] == stem[-2]:
                yield stem[:-1]


def _one_less(word: str) -> set[str]:
    """The word, and all that one missing letter leaves of it."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _same_start(one: str, other: str) -> int:
    for place, (first, second) in enumerate(zip(one, other, strict=False)):
        if first != second:
            return place
    return min(len(one), len(other))
