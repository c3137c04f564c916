"""What every document reader gives: headings and pieces of text in their order, cleaned but never reworded."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

_SPACE = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r" ?\n\s*")  # behind _SPACE there are no two spaces
_JOINERS = "\u200c\u200d"
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_NO_CHARACTER = re.compile(r"&#[0-9]{20,};?")


@dataclass(frozen=True, slots=True)
class Block:
    """One heading (`level` 1 to 6) or one piece of text (`level` 0) at `line` of its file, of a PDF at that page.

    `continues` says that it belongs with the block before: a further item of a list, a further row of a table. `head`
    is the first row of such a table, which a passage that begins further down repeats. `anchor` is a heading's id.
    """

    text: str
    line: int
    level: int = 0
    continues: bool = False
    head: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """One document. All but its blocks is what it says of itself, empty where it says nothing; dates as written."""

    blocks: tuple[Block, ...]
    url: str = ""
    language: str = ""
    title: str = ""
    valid_from: str = ""
    valid_until: str = ""


def clean(text: str) -> str:
    """The text without characters that cannot be seen, and with single spaces; its line breaks stay."""
    seen = "".join(
        character
        for character in text.replace("\r\n", "\n").replace("\r", "\n")
        if character in "\n\t" or character in _JOINERS or unicodedata.category(character) not in _UNSEEN
    )
    return _BREAKS.sub("\n", _SPACE.sub(" ", seen)).strip()


def without_huge_references(text: str) -> str:
    """`html.unescape` raises ValueError for a reference of thousands of digits; no such character is there."""
    return _NO_CHARACTER.sub("\ufffd", text)


def unescaped(text: str) -> str:
    """ "&amp;" and the like as the characters that they stand for."""
    return html.unescape(without_huge_references(text))


def one_line(text: str) -> str:
    return clean(text).replace("\n", " ")
