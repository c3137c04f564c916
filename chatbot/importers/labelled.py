"""Tables of a text and its label in each row: BANKING77, the Bitext validation layout, and our own `text,intent`."""

from __future__ import annotations

from collections.abc import Iterator

from chatbot.importers import cells
from chatbot.importers.records import BadRow, Item, Record
from chatbot.importers.table import Row, Table, each_row
from chatbot.text import language_of
from chatbot.types import Example, Status

TEXT = ("text", "utterance", "instruction", "question", "query", "message", "sentence", "文本", "问题", "问句")
LABEL = ("intent", "category", "label", "class", "意图", "标签", "类别", "分类")
LANGUAGE = ("language", "lang", "locale", "语言")
_OPTIONAL = ("template", "status", "source", "group")


def read(
    table: Table, *, language: str, text: tuple[str, ...] = TEXT, label: tuple[str, ...] = LABEL
) -> Iterator[Item]:
    """One example for each row. Columns language, template, status, source and group are read where they are there."""
    text_column, label_column = table.need(text, label)
    language_column = table.column(LANGUAGE)
    extra = {name for name in _OPTIONAL if table.column((name,))}

    def one(row: Row) -> Iterator[Item]:
        example = Example(
            text=cells.text_of(row.cells[text_column], text_column),
            intent=cells.label_of(row.cells[label_column]),
        )
        stated = {"intent"}
        given = {name: row.cells[name].strip() for name in extra if row.cells[name].strip()}
        if language_column and row.cells[language_column].strip():
            given["language"] = cells.language_code(row.cells[language_column])
        yield Record(_with(example, given, language), row.place, frozenset(stated | given.keys()))

    yield from each_row(table, one)


def _with(example: Example, given: dict[str, str], language: str) -> Example:
    return Example(
        text=example.text,
        intent=example.intent,
        language=given.get("language") or language_of(example.text, language),
        template=cells.name_of(given["template"], "template") if "template" in given else None,
        source=cells.name_of(given["source"], "source") if "source" in given else "",
        group=cells.name_of(given["group"], "group", limit=64) if "group" in given else "",
        status=status_of(given["status"]) if "status" in given else Status.APPROVED,
    )


def status_of(value: object) -> Status:
    """Raises BadRow that lists the known ones."""
    try:
        return Status(str(value).strip().casefold())
    except ValueError:
        known = ", ".join(status.value for status in Status)
        raise BadRow(f"status {value!r:.40} is unknown; use one of {known}") from None
