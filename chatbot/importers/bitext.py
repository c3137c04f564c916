"""Bitext's customer-support CSV: `instruction, intent, response`; other columns are ignored."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.importers import cells
from chatbot.importers.body import body_from
from chatbot.importers.records import Answered, Item
from chatbot.importers.table import Row, Table, each_row
from chatbot.text import language_of

COLUMNS = (("instruction",), ("intent",), ("response",))

_ANONYMIZED = re.compile(r"(?<!\s)\s+Anonymized(?=\s{0,9}\}\})")
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_ORDER = re.compile(r"(?i)\b(order|purchase)\b")


def read(table: Table, *, language: str) -> Iterator[Item]:
    """One answered question for each row."""
    instruction, intent, response = table.need(*COLUMNS)

    def one(row: Row) -> Iterator[Item]:
        question = cells.text_of(row.cells[instruction], instruction)
        answer = cells.text_of(row.cells[response], response)
        yield Answered(
            body=body_from(_ANONYMIZED.sub("", answer)),
            place=row.place,
            language=language_of(question, language),
            question=_PLACEHOLDER.sub(_spoken, question),
            intent=cells.label_of(row.cells[intent]),
        )

    yield from each_row(table, one)


def _spoken(match: re.Match[str]) -> str:
    """An order number as the redactor masks it in what customers type; other placeholders as their words."""
    return "[order]" if _ORDER.search(match[1]) else str(match[1]).strip().lower()
