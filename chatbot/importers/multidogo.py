"""MultiDoGO's TSV: customer sentences of real dialogues with an intent each.

Three kinds of rows teach no intent and are left out, counted: those with several intents (joined by `<div>`), those
that only answer the agent's question (`contentonly`), and empty ones. Greetings, thanks and confirmations are labels
like any other; `outofdomain` is the reserved out of scope. A conversation is one split group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from chatbot.importers import cells
from chatbot.importers.records import Item, Record, Skipped
from chatbot.importers.table import Row, Table, each_row
from chatbot.text import language_of
from chatbot.types import Example

COLUMNS = (("utterance",), ("intent",), ("conversationid",))


def read(table: Table, *, language: str) -> Iterator[Item]:
    utterance, intent, conversation = table.need(*COLUMNS)

    def one(row: Row) -> Iterator[Item]:
        label = row.cells[intent].strip()
        reason = _why_not(label, row.cells[utterance])
        if reason:
            yield Skipped(row.place, reason)
            return
        text = cells.text_of(" ".join(row.cells[utterance].split()), utterance)
        group = hashlib.sha256(row.cells[conversation].encode("utf-8", "replace")).hexdigest()[:32]
        example = Example(text, cells.label_of(label), language_of(text, language), group=group)
        yield Record(example, row.place, frozenset({"intent"}))

    yield from each_row(table, one)


def _why_not(label: str, text: str) -> str | None:
    if not text.strip():
        return "the sentence is empty"
    if "<div>" in label:
        return "several intents in one sentence"
    if label == "contentonly":
        return "contentonly: answers the agent's question and shows no intent"
    return None
