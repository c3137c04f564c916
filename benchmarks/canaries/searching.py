"""Looks for values in whatever was written: databases with their free pages, logs, reports, exports, model files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.canaries.corpus import Canary
from benchmarks.canaries.leaks import searchable

BIG = 4_000_000
"""Bytes from which on a file is taken for a model, of which only what can be read is looked at."""
LONG = 12
"""So many letters and digits in a row are no coincidence, whatever stands between them."""

_READABLE = re.compile(rb"[\x20-\x7e]{4,}|(?:[\x20-\x7e]\x00){4,}|(?:\xef[\xbc\xbd][\x80-\xbf]){4,}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_BREAK = re.compile(r"\\[nrt]|\s")
"""As JSON writes them, and as they are."""


@dataclass(frozen=True, slots=True)
class Found:
    canary: Canary
    file: Path


def files_with(canaries: Iterable[Canary], files: Iterable[Path]) -> list[Found]:
    """Every file that holds one of the values, in whatever way it was written there."""
    wanted = list(canaries)
    found = []
    for file in files:
        plain, squeezed = _texts(file.read_bytes())
        found += [Found(canary, file) for canary in wanted if _holds(plain, squeezed, canary)]
    return found


def _texts(content: bytes) -> tuple[str, str]:
    """As it reads, and with letters and digits alone."""
    if len(content) > BIG:
        content = b"\n".join(_READABLE.findall(content))
    wide = content.replace(b"\0", b"") if b"\0" in content else b""
    text = "\n".join(each.decode("utf-8", "ignore") for each in (content, wide))
    text = _BREAK.sub(" ", _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text))
    plain = unicodedata.normalize("NFKC", text).casefold()
    return plain, searchable(plain)


def _holds(plain: str, squeezed: str, canary: Canary) -> bool:
    value = canary.value.casefold()
    short = searchable(value)
    if len(short) >= LONG and short in squeezed:
        return True
    said = _BREAK.sub(" ", unicodedata.normalize("NFKC", canary.text)).casefold()
    return said in plain or any(_stands_alone(form, plain) for form in {value, short} if len(form) >= 6)


def _stands_alone(form: str, text: str) -> bool:
    """Not as a part of a longer number: ids, times and weights are full of those."""
    at = text.find(form)
    while at >= 0:
        before, behind = text[at - 1 : at], text[at + len(form) : at + len(form) + 1]
        if not (before.isdigit() and form[0].isdigit()) and not (behind.isdigit() and form[-1].isdigit()):
            return True
        at = text.find(form, at + 1)
    return False
