"""CLINC150's JSON: lists of `[text, intent]` under train, val, test and oos_…; `oos` is the reserved out of scope."""

from __future__ import annotations

from collections.abc import Iterator

from chatbot.errors import ImportRefused
from chatbot.importers import cells
from chatbot.importers.files import Source
from chatbot.importers.records import BadRow, Item, Place, Problem, Record
from chatbot.text import language_of
from chatbot.types import Example


def read(source: Source, *, language: str) -> Iterator[Item]:
    """Places carry the list and the position in it, since such files are one long line; `line` counts all entries."""
    data = source.json
    if not isinstance(data, dict):
        raise ImportRefused(f'{source.name} must be an object with lists such as "train" and is {cells.kind(data)}')
    number = 0
    for part, pairs in data.items():
        if not isinstance(pairs, list):
            raise ImportRefused(
                f'{source.name}: "{part:.40}" must be a list of [text, intent], not {cells.kind(pairs)}'
            )
        for position, pair in enumerate(pairs):
            number += 1
            place = Place(source.name, number, f"{part}[{position}]")
            try:
                yield Record(_example(pair, language), place, frozenset({"intent"}))
            except BadRow as error:
                yield Problem(place, str(error))


def _example(pair: object, language: str) -> Example:
    if not isinstance(pair, list) or len(pair) != 2:
        raise BadRow("an entry must be a pair [text, intent]")
    text = cells.text_of(pair[0], "text")
    return Example(text, cells.label_of(pair[1]), language_of(text, language))
