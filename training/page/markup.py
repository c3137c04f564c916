"""HTML and SVG that are escaped by construction: what is no `Markup` is text, and text becomes entities."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

MOST_SHOWN = 400
"""Characters of one text; whoever needs more looks it up at the desk."""

CUT = "…"
_VOID = frozenset(("meta", "br", "circle", "line", "path", "rect", "polyline"))
_PERCENT = re.compile(r"(?<=\d) %")
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
"""Parts of emoji and of words in some scripts."""


class Markup(str):
    """Already safe to stand in a page. Only `tag` and `joined` make it, and the style sheet is read as it."""

    __slots__ = ()


def tag(element: str, /, *parts: object, **attributes: object) -> Markup:
    """`class_` is class, `stroke_width` is stroke-width; an attribute that is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if element in _VOID and not parts:
        return Markup(f"<{element}{written}/>")
    return Markup(f"<{element}{written}>{joined(parts)}</{element}>")


def joined(parts: Iterable[object]) -> Markup:
    return Markup("".join(part if isinstance(part, Markup) else _escaped(str(part)) for part in parts))


def _escaped(text: str) -> str:
    """A line never ends between a number and its percent sign."""
    return _PERCENT.sub("\u00a0%", html.escape(shown(text)))


def shown(text: str, most: int = MOST_SHOWN) -> str:
    """As people can read it: what would be invisible or turn the page's direction is written out, and it ends."""
    cut = text if len(text) <= most else f"{text[:most]}{CUT} ({len(text):,} characters)"
    return "".join(_visible(character) for character in cut)


def _visible(character: str) -> str:
    number = ord(character)
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "␡"
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "�"
    if (kind in ("Cc", "Cf", "Zl", "Zp") and character not in _JOINERS) or 0xE0000 <= number <= 0xE0FFF:
        return f"⟨U+{number:04X}⟩"
    return character
