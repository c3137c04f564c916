"""Single values: what a text, a label, a language or a date in a file must be, and the names made from texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from chatbot.importers.records import BadRow
from chatbot.text import composed
from chatbot.types import OUT_OF_SCOPE

CELL_LIMIT = 10_000
NAME_LIMIT = 200
LANGUAGE_LIMIT = 16

_JOINERS = "\u200c\u200d"
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_HALF = re.compile(r"[\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[\W_]+")
_OUT_OF_SCOPE = {"oos", "ood", "outofscope", "outofdomain"}
_LANGUAGES = {
    "english": "en",
    "英文": "en",
    "英语": "en",
    "chinese": "zh",
    "中文": "zh",
    "汉语": "zh",
    "zh-cn": "zh",
    "zh_cn": "zh",
    "zh-hans": "zh",
    "en-us": "en",
    "en-gb": "en",
    "en_us": "en",
    "en_gb": "en",
}
_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def kind(value: object) -> str:
    """What a JSON or YAML value is, in words."""
    return "nothing (null)" if value is None else _KINDS.get(type(value), type(value).__name__)


def text_of(value: object, what: str) -> str:
    """`value` as trimmed text. Raises BadRow if it is none, empty, too long or cannot be stored."""
    if not isinstance(value, str):
        raise BadRow(f"{what} must be text and is {kind(value)}")
    if len(value) > CELL_LIMIT:
        raise BadRow(f"{what}: cell too long ({len(value):,} characters; the limit is {CELL_LIMIT:,})")
    if "\0" in value:
        raise BadRow(f"{what} holds a NUL character; remove it")
    if _HALF.search(value):
        raise BadRow(f"{what} holds half a character (a lone surrogate); type it again")
    text = value.strip()
    if not text:
        raise BadRow(f"{what} is empty")
    return text


def visible(text: str) -> str:
    """`text` for a line that people read: what could move their cursor or hide words becomes U+FFFD."""
    return "".join("\ufffd" if _is_unseen(character) else character for character in text)


def _is_unseen(character: str) -> bool:
    """Control and format characters, halves of characters, and line separators; joiners are part of words and emoji."""
    return character not in _JOINERS and unicodedata.category(character) in _UNSEEN


def name_of(value: object, what: str, *, limit: int = NAME_LIMIT) -> str:
    """A name on one line of at most `limit` characters, all of which can be seen."""
    name = _SPACE.sub(" ", text_of(value, what))
    hidden = next((character for character in name if _is_unseen(character)), None)
    if hidden is not None:
        raise BadRow(f"{what} holds the control character U+{ord(hidden):04X}, which cannot be seen; remove it")
    if len(name) > limit:
        raise BadRow(f"{what} is too long ({len(name):,} characters; the limit is {limit})")
    return name


def label_of(value: object, what: str = "intent") -> str:
    """An intent as foreign files name it; every usual spelling of "out of scope" becomes the reserved label."""
    name = name_of(value, what)
    if is_out_of_scope(name):
        return OUT_OF_SCOPE
    if unicodedata.normalize("NFKC", name).startswith("_"):
        raise BadRow(f'{what} "{name}" begins with "_"; such names are reserved')
    return name


def is_out_of_scope(name: str) -> bool:
    """Whether an intent's name is a usual spelling of "out of scope", in any width and case."""
    return _NOT_WORD.sub("", unicodedata.normalize("NFKC", name)).casefold() in _OUT_OF_SCOPE


def language_code(value: object) -> str:
    """ "English" and "中文" as codes; any other name is kept as it is."""
    name = name_of(value, "language", limit=LANGUAGE_LIMIT)
    return _LANGUAGES.get(name.casefold(), name)


def date_of(value: object, what: str) -> date | None:
    """An ISO date; None and empty text mean that there is no limit."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):  # a spreadsheet gives its dates with a midnight
            return date.fromisoformat(value.strip().removesuffix("T00:00:00"))
    except ValueError:
        pass
    raise BadRow(f"{what} {value!r:.40} is no date; write it as 2026-12-31")


def key_part(name: str) -> str:
    """A name for use in a template key, where a dot would begin the mark of a wording (`Template.answer`)."""
    return name.replace(".", "_")


def slug(text: str, *, limit: int = 60) -> str:
    """A readable name from a text: words of any script in lower case, joined by "_", cut between words."""
    words = [word for word in _NOT_WORD.split(composed(text).casefold()) if word]
    name = ""
    for word in words:
        longer = f"{name}_{word}" if name else word
        if len(longer) > limit:
            break
        name = longer
    return name or ("_".join(words)[:limit] if words else "question")


class Names:
    """Names given out once each. The next number of each name is remembered: thousands of rows may share one."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """`name`, or with the first free number behind it."""
        candidate = name
        while candidate in self._taken:
            number = self._next.get(name, 2)
            self._next[name] = number + 1
            candidate = f"{name}_{number}"
        self._taken.add(candidate)
        return candidate
