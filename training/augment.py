"""Texts said otherwise, so that few examples teach more: slips of the finger, left-out words, other words.

A rewrite takes a text and a source of chance and gives a text of the same meaning, perhaps the same text. More of them
can be handed to `tune_encoder`; `back_translation` makes one out of a translator that you have.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

from training.perturb import text_message, typo

Rewrite = Callable[[str, random.Random], str]
Translate = Callable[[Sequence[str]], Sequence[str]]
"""Texts in one language to as many in another, in the same order."""

LEAST_WORDS = 4
"""A shorter text loses its meaning with a word."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_MASK = re.compile(r"[\[<{][A-Za-z_]+[\]>}]")

SYNONYMS: tuple[tuple[str, ...], ...] = (
    ("buy", "purchase", "get"), ("cancel", "call off", "stop"), ("change", "modify", "alter"),
    ("cheap", "inexpensive"), ("check", "verify", "look up"), ("choose", "select", "pick"),
    ("cost", "price", "charge"), ("delete", "remove", "erase"), ("delivery", "shipment", "shipping"),
    ("email", "mail"), ("fast", "quick", "quickly"), ("fee", "charge", "cost"), ("find", "locate", "see"),
    ("fix", "repair", "solve"), ("get", "receive", "obtain"), ("help", "assist", "support"),
    ("how much", "what"), ("information", "details", "info"), ("issue", "problem", "trouble"),
    ("money", "cash", "funds"), ("need", "want", "require"), ("order", "purchase"), ("package", "parcel", "delivery"),
    ("phone", "mobile", "cell phone"), ("refund", "money back", "reimbursement"), ("send", "ship", "post"),
    ("show", "tell"), ("soon", "shortly"), ("start", "begin"), ("stop", "end", "quit"), ("store", "shop"),
    ("strange", "odd", "weird"), ("trip", "journey"), ("use", "make use of"), ("wrong", "incorrect", "mistaken"),
    ("yet", "so far"),
)  # fmt: skip
"""Words of customers that can stand for each other; one word may stand in several rows."""


def without_a_word(text: str, chance: random.Random) -> str:
    """One word left out; never a mask such as [EMAIL]."""
    words = [found for found in _WORD.finditer(text) if not _masked(text, found)]
    if len(words) < LEAST_WORDS:
        return text
    gone = chance.choice(words)
    return " ".join((text[: gone.start()] + text[gone.end() :]).split())


def other_word(text: str, chance: random.Random) -> str:
    """One word replaced by one that means the same; the text itself where none is known."""
    found = [
        (match, others)
        for form, others in _OTHERS.items()
        for match in _forms(form).finditer(text)
        if not _masked(text, match)
    ]
    if not found:
        return text
    match, others = chance.choice(found)
    word = chance.choice(others)
    word = word.capitalize() if match.group()[0].isupper() else word
    return text[: match.start()] + word + text[match.end() :]


def back_translation(there: Translate, back: Translate) -> Callable[[Sequence[str]], list[str]]:
    """What each text becomes on the way through another language; the text itself where a mask was lost on the way, or
    nothing came back. Whole lists, since translators are slow: make the paraphrases once and add them as examples with
    the same intent and the same split group."""

    def paraphrase(texts: Sequence[str]) -> list[str]:
        returned = back(there(texts))
        if len(returned) != len(texts):
            raise ValueError(f"{len(texts)} texts went into the translator and {len(returned)} came back")
        return [
            new.strip() if new.strip() and _MASK.findall(new) == _MASK.findall(text) else text
            for text, new in zip(texts, returned, strict=True)
        ]

    return paraphrase


def typing_slip(text: str, chance: random.Random) -> str:
    """One slip of the finger, or, one time in four, the spelling of a text message; masks stay whole."""
    if _MASK.search(text):
        return text
    return text_message(text, chance) if chance.random() < 0.25 else typo(text, chance)


REWRITES: Mapping[str, Rewrite] = {"typos": typing_slip, "words": without_a_word, "synonyms": other_word}

_OTHERS: Mapping[str, list[str]] = {
    word: sorted({other for row in SYNONYMS if word in row for other in row} - {word})
    for word in sorted({word for row in SYNONYMS for word in row})
}


def _forms(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{word}\b", re.IGNORECASE)


def _masked(text: str, found: re.Match[str]) -> bool:
    return text[max(found.start() - 1, 0) : found.start()] in ("[", "<", "{")
