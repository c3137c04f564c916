"""Comparing texts: a normal form, a stable key, and the language that the script itself shows."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_SPACE = re.compile(r"\s+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")


def normalise(text: str) -> str:
    """The form in which two texts count as the same: NFKC, case folded, white space collapsed, end marks dropped."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPACE.sub(" ", folded).strip().rstrip(".!?…。！？ ")


def text_key(text: str) -> str:
    """SHA-256 (hex) of the normal form: the identity of an example and of its vector."""
    return hashlib.sha256(normalise(text).encode("utf-8", "replace")).hexdigest()


def language_of(text: str, default: str) -> str:
    """Chinese ("zh") when at least a third of the letters are Han characters, else `default`.

    Script is all that five words tell reliably; languages in Latin script are the shop's setting.
    """
    letters = len(_LETTER.findall(text))
    return "zh" if letters and len(_HAN.findall(text)) * 3 >= letters else default
