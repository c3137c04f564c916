"""What of a value has come through: read as a person would who puts the pieces together again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.canaries.corpus import Canary
from chatbot.redact import Redactor, cleaned

MOST_IN_A_ROW = 4
"""So many signs of a value that stand together, spaces and dashes aside, are a leak."""

_NOT_SAID = re.compile(r"[^a-z0-9]")
_HAN = str.maketrans("零〇一幺二三四五六七八九", "001123456789")
_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WORDS = {word: str(digit) for digit, word in enumerate(_NAMES)}
_WORD = re.compile(rf"\b({'|'.join(_WORDS)}|oh)\b", re.IGNORECASE)
_MASK = re.compile(r"\[[a-z]+\]")


@dataclass(frozen=True, slots=True)
class Recall:
    masked: int
    of: int

    @property
    def share(self) -> float:
        return self.masked / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.masked} of {self.of}"


def searchable(text: str) -> str:
    """Letters and digits alone, small and narrow, with numbers in words as digits."""
    plain = unicodedata.normalize("NFKC", text)
    plain = _WORD.sub(lambda word: _WORDS.get(word[0].lower(), "0"), plain).translate(_HAN)
    return _NOT_SAID.sub("", plain.casefold())


def leaked(canary: Canary, redacted: str) -> bool:
    """Whether a redacted text still holds a piece of the value."""
    rest, value = searchable(_MASK.sub(" ", redacted)), searchable(_telling(canary.value))
    length = min(MOST_IN_A_ROW, len(value))
    return any(value[at : at + length] in rest for at in range(len(value) - length + 1))


def _telling(value: str) -> str:
    """Of a link its token and of an address what stands before the @: that a shop has pages is no secret."""
    if value.startswith("https://"):
        return re.split(r"[=]", value)[-1]
    return value.partition("@")[0]


def recall_of(redactor: Redactor, canaries: Iterable[Canary]) -> Recall:
    found = [not leaked(canary, redactor.redact(cleaned(canary.text)).text) for canary in canaries]
    return Recall(sum(found), len(found))
