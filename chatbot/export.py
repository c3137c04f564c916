"""Knowledge out: everything as JSONL that an import reads back unchanged, and tables for spreadsheets.

A spreadsheet takes a cell that begins with = + - or @ for a formula, so the tables put an apostrophe before it; the
importers take it off again. Where people write decimal commas, spreadsheets part cells at semicolons and do not see our
quotation marks: there a cell also begins behind a semicolon or a line's end in the middle of a text.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from chatbot.store.knowledge import Snapshot
from chatbot.types import Example, Passage, Template

TEMPLATE_FIELDS: Final = (
    "key",
    "intent",
    "language",
    "body",
    "status",
    "valid_from",
    "valid_until",
    "owner",
    "source",
)
PASSAGE_FIELDS: Final = (
    "document",
    "title",
    "body",
    "link",
    "language",
    "status",
    "valid_from",
    "valid_until",
    "position",
)
EXAMPLE_FIELDS: Final = ("text", "intent", "language", "template", "status", "source", "group")

# JSON allows these in a text, and many programs take them for the end of a line.
_LINE_ENDS: Final = {ord(each): f"\\u{ord(each):04x}" for each in "\x85\u2028\u2029"}
# Full-width signs count as signs in East Asian spreadsheets. An apostrophe that stood there before gets a second one.
_FORMULA = re.compile(r"^(?='*[\t\r\n])|(?<![^;\r\n])(?=['\"\t]*[=+\-@＝＋－＠])")


def export_jsonl(snapshot: Snapshot) -> Iterator[str]:
    """One line for each fact, intent, template, example and passage, each ending in a line feed."""
    for fact in snapshot.facts:
        yield json_line({"type": "fact", "name": fact.name, "value": fact.value})
    for intent in snapshot.intents:
        yield json_line({"type": "intent", "name": intent.name, "title": dict(intent.titles)})
    for template in snapshot.templates:
        yield json_line({"type": "template"} | _fields(template, TEMPLATE_FIELDS))
    for example in snapshot.examples:
        yield json_line({"type": "example"} | _fields(example, EXAMPLE_FIELDS))
    for passage in snapshot.passages:
        yield json_line({"type": "passage"} | _fields(passage, PASSAGE_FIELDS))


def export_examples_csv(snapshot: Snapshot) -> Iterator[str]:
    """A table of `EXAMPLE_FIELDS`, one line a piece, with formula-safe cells."""
    return _table(EXAMPLE_FIELDS, snapshot.examples)


def export_templates_csv(snapshot: Snapshot) -> Iterator[str]:
    """A table of `TEMPLATE_FIELDS`, one record a piece, with formula-safe cells."""
    return _table(TEMPLATE_FIELDS, snapshot.templates)


def write_export(
    lines: Iterable[str], path: Path, *, private: bool = False, ready: Callable[[int], None] | None = None
) -> int:
    """Write to a temporary file and put it in place whole; how many pieces were written.

    A CSV begins with a byte-order mark: without it Excel reads UTF-8 as something else. `private`: nobody but the owner
    may read it. `ready` gets the number before the file is put in place, which does not happen where it raises.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    encoding = "utf-8-sig" if path.suffix.casefold() == ".csv" else "utf-8"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    count = 0
    try:
        with open(part, "w", encoding=encoding, newline="", opener=_private if private else None) as file:
            for line in lines:
                file.write(line)
                count += 1
            file.flush()
            os.fsync(file.fileno())
        if ready is not None:
            ready(count)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def safe_cell(text: str) -> str:
    """A cell in which no spreadsheet finds a formula; `chatbot.importers.table.plain_cell` gives `text` back."""
    return _FORMULA.sub("'", text)


def _table(names: Sequence[str], values: Iterable[Template | Example]) -> Iterator[str]:
    yield table_row(names)
    for value in values:
        fields = _fields(value, names)
        yield table_row([safe_cell("" if fields[name] is None else str(fields[name])) for name in names])


def table_row(cells: Iterable[str]) -> str:
    """A record of CSV; its cells are not made formula-safe here."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _fields(value: Template | Example | Passage, names: Sequence[str]) -> dict[str, Any]:
    fields = asdict(value)
    return {name: each.isoformat() if isinstance(each := fields[name], date) else each for name in names}


def json_line(record: Mapping[str, Any]) -> str:
    """A record as one line of JSONL."""
    return json.dumps(record, ensure_ascii=False).translate(_LINE_ENDS) + "\n"
