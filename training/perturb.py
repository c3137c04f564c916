"""How people really type: a slip of the finger, no capitals or nothing else, a missing space, the spelling of a text
message. Pure: the same text and the same chance, the same result; a text that a change cannot touch stays as it is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping

Perturb = Callable[[str, random.Random], str]

ROWS_OF_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SHORTEST_MISTYPED = 3
"""Letters of a word. In "is" or "my" a slip makes another word more often than a misspelt one."""

SHORT_FORMS = {
    "are": "r", "be": "b", "because": "cuz", "before": "b4", "between": "btwn", "can you": "can u", "could": "cud",
    "do not": "dont", "does not": "doesnt", "for": "4", "from": "frm", "great": "gr8", "have": "hv", "how is": "hows",
    "i am": "im", "i have": "ive", "is not": "isnt", "just": "jst", "late": "l8", "later": "l8r", "message": "msg",
    "minutes": "mins", "my": "me", "number": "no", "okay": "ok", "people": "ppl", "please": "pls",
    "should": "shud", "some": "sum", "someone": "sum1", "thank you": "ty", "thanks": "thx", "that": "tht", "to": "2",
    "today": "2day", "tomorrow": "2moro", "tonight": "2nite", "wait": "w8", "waiting": "w8ing", "want to": "wanna",
    "what": "wot", "what is": "whats", "when is": "whens", "where is": "wheres", "why": "y", "with": "w",
    "without": "w/o", "would": "wud", "you": "u", "your": "ur",
}  # fmt: skip
LOOKALIKES = {"o": "0", "i": "1", "l": "1", "e": "3", "a": "4", "s": "5"}

_WORD = re.compile(r"[A-Za-z]+")
_MARKS = re.compile(r"[^\w\s]")
_SHORTENED = re.compile("|".join(rf"\b{form}\b" for form in sorted(SHORT_FORMS, key=len, reverse=True)), re.IGNORECASE)


def swap(text: str, chance: random.Random) -> str:
    """Two neighbouring letters of a word, different ones, in the wrong order."""
    places = [place for place in _places(text) if text[place + 1 : place + 2].isalpha()]
    different = [place for place in places if text[place].lower() != text[place + 1].lower()]
    if not different:
        return text
    at = chance.choice(different)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def drop(text: str, chance: random.Random) -> str:
    return _at_one_letter(text, chance, lambda _: "")


def double(text: str, chance: random.Random) -> str:
    return _at_one_letter(text, chance, lambda letter: letter + letter.lower())


def neighbour_key(text: str, chance: random.Random) -> str:
    """A letter replaced by one whose key lies left or right of it."""

    def beside(letter: str) -> str:
        found = chance.choice(_BESIDE[letter.lower()])
        return found.upper() if letter.isupper() else found

    return _at_one_letter(text, chance, beside)


def typo(text: str, chance: random.Random) -> str:
    """One slip of any of the four kinds."""
    return chance.choice(SLIPS)(text, chance)


def lookalike(text: str, chance: random.Random) -> str:
    """A digit for one letter that it looks like: "0rder"."""
    places = [place for place in _places(text) if text[place].lower() in LOOKALIKES]
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + LOOKALIKES[text[at].lower()] + text[at + 1 :]


def missing_space(text: str, chance: random.Random) -> str:
    """Two words run into one."""
    places = [place for place, sign in enumerate(text) if sign.isspace()]
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + text[at + 1 :]


def upper(text: str, chance: random.Random) -> str:  # noqa: ARG001 - all changes have one form
    return text.upper()


def lower(text: str, chance: random.Random) -> str:  # noqa: ARG001
    return text.lower()


def without_marks(text: str, chance: random.Random) -> str:  # noqa: ARG001
    """No punctuation at all, apostrophes among it."""
    return _MARKS.sub("", text)


def text_message(text: str, chance: random.Random) -> str:
    """Small letters, no punctuation, every word shortened that has a short form: "pls", "2moro", "wheres"."""
    plain = without_marks(lower(text, chance), chance)
    return _SHORTENED.sub(lambda found: SHORT_FORMS[found.group()], plain)


SLIPS: tuple[Perturb, ...] = (swap, drop, double, neighbour_key)

_BESIDE: Mapping[str, str] = {
    key: row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
    for row in ROWS_OF_KEYS
    for place, key in enumerate(row)
}


def _at_one_letter(text: str, chance: random.Random, change: Callable[[str], str]) -> str:
    places = _places(text)
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + change(text[at]) + text[at + 1 :]


def _places(text: str) -> list[int]:
    """Of the letters a to z in words that are long enough; of all such letters where no word is."""
    words = list(_WORD.finditer(text))
    long_enough = [word for word in words if len(word.group()) >= SHORTEST_MISTYPED] or words
    return [place for word in long_enough for place in range(word.start(), word.end())]
