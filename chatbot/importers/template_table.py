"""A table of answer templates, as `chatbot export` writes it for spreadsheets: `key, intent, body` and more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chatbot.importers import own
from chatbot.importers.records import Item
from chatbot.importers.table import Row, Table, each_row

COLUMNS = (("key",), ("intent",), ("body",))
_OPTIONAL = {
    "language": "language",
    "status": "status",
    "valid from": "valid_from",
    "valid until": "valid_until",
    "owner": "owner",
    "source": "source",
}


def read(table: Table, *, language: str) -> Iterator[Item]:
    """One template for each row. An empty date says that there is no limit; other empty cells say nothing."""
    table.need(*COLUMNS)
    extra = [column for column in _OPTIONAL if table.column((column,))]

    def one(row: Row) -> Iterator[Item]:
        yield own.template(_fields(row.cells, extra), row.place, language)

    yield from each_row(table, one)


def _fields(row: Mapping[str, str], extra: list[str]) -> dict[str, object]:
    fields: dict[str, object] = {"key": row["key"], "intent": row["intent"], "body": row["body"]}
    for column in extra:
        if row[column].strip():
            fields[_OPTIONAL[column]] = row[column].strip()
        elif column.startswith("valid "):
            fields[_OPTIONAL[column]] = None
    return fields
