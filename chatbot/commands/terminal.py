"""What the commands write to: one console on which texts stay texts, whoever wrote them."""

from __future__ import annotations

import unicodedata

from rich.console import Console
from rich.markup import escape as without_markup

# ":warning:" in an answer is what somebody wrote, and no emoji.
console = Console(highlight=False, soft_wrap=True, emoji=False)

_JOINERS = "\u200c\u200d"
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def escape(text: str) -> str:
    """For `console.print`: brackets are no markup, and nothing moves the cursor, names colours or turns the line."""
    text = plain(text)
    words = text.rstrip("\\")  # rich would double a backslash at the end, for markup that might follow
    return without_markup(words) + text[len(words) :]


def plain(text: str) -> str:
    """For a terminal: control and format characters become U+FFFD, but line breaks, tabs and joiners."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if _is_unseen(character) else character for character in text)


def _is_unseen(character: str) -> bool:
    return character not in "\n\t" and character not in _JOINERS and unicodedata.category(character) in _UNSEEN
