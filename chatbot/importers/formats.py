"""The known formats: which one a file is, by its content, and the reader of each."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from chatbot.errors import ImportRefused
from chatbot.importers import (
    bitext,
    clinc150,
    dialogues,
    documents,
    labelled,
    multidogo,
    own,
    question_answer,
    rasa,
    template_table,
)
from chatbot.importers.files import DOCUMENT_SUFFIXES, Source
from chatbot.importers.records import Item
from chatbot.importers.table import Table, missing_columns, read_text_table
from chatbot.importers.workbook import read_workbook

TABLES: dict[str, Callable[..., Iterator[Item]]] = {
    "multidogo": multidogo.read,
    "bitext": bitext.read,
    "templates": template_table.read,
    "question-answer": question_answer.read,
    "labelled": labelled.read,
    "bitext-validation": lambda table, *, language: labelled.read(table, language=language, text=("utterance",)),
    "banking77": lambda table, *, language: labelled.read(
        table, language=language, text=("text",), label=("category",)
    ),
}
_DOCUMENTS: dict[str, Callable[..., Iterator[Item]]] = {
    "jsonl": own.read,
    "clinc150": clinc150.read,
    "rasa": rasa.read,
    "abcd": dialogues.read_abcd,
    "crosswoz": dialogues.read_crosswoz,
    "document": documents.read,
}
_LANGUAGE_IS_FOUND_LATER = {"rasa", "abcd", "crosswoz"}
FORMATS = (*TABLES, *_DOCUMENTS)

# In the order of asking: what needs the most particular columns goes first.
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "multidogo": multidogo.COLUMNS,
    "bitext": bitext.COLUMNS,
    "templates": template_table.COLUMNS,
    "question-answer": (question_answer.QUESTION, question_answer.ANSWER),
    "labelled": (labelled.TEXT, labelled.LABEL),
}
_YAML = re.compile(r"(?m)^(?:version|nlu|responses|intents|domain)\s*:")


def read(source: Source, *, format: str | None, language: str) -> Iterator[Item]:
    """The items of one file. Raises ImportRefused where the format is unknown or the file is not of it."""
    if format is not None and format not in FORMATS:
        near = difflib.get_close_matches(format, FORMATS, n=1)
        hint = f'; is "{near[0]}" meant?' if near else ""
        raise ImportRefused(f'format "{format}" is unknown; known: {", ".join(FORMATS)}{hint}')
    if source.is_zip and format in _DOCUMENTS:
        raise ImportRefused(f"{source.name} is a workbook, which cannot hold the format {format}")
    if source.is_zip or format in TABLES:
        return _tables(source, format, language)
    name = format or _document(source)
    if name is None:
        return _tables(source, None, language)
    if name in _LANGUAGE_IS_FOUND_LATER:
        return _DOCUMENTS[name](source)
    return _DOCUMENTS[name](source, language=language)


def is_left_out(source: Source) -> bool:
    """Whether a file met in a folder is a YAML file about other things, such as Rasa's stories or its settings."""
    return source.found and source.suffix in (".yml", ".yaml") and not rasa.has_sections(source)


def _document(source: Source) -> str | None:
    """The format of a file that is no table, or None."""
    if source.suffix in DOCUMENT_SUFFIXES and source.suffix != ".txt":
        return "document"
    if source.suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    if source.suffix in (".yml", ".yaml"):
        return "rasa"
    if source.suffix in (".csv", ".tsv"):
        return None
    start = source.text.lstrip()[:1]
    if start in ("{", "["):
        return "jsonl" if _is_own(source.text) else _json_layout(source)
    if _YAML.search(source.text[:10_000]):
        return "rasa"
    return "document" if source.suffix == ".txt" and not _is_table(source) else None


def _is_table(source: Source) -> bool:
    try:
        return _table_format(read_text_table(source)) is not None
    except ImportRefused:
        return False


def _is_own(text: str) -> bool:
    first = text.lstrip().split("\n", 1)[0]
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and ("type" in value or {"text", "intent"} <= value.keys())


def _json_layout(source: Source) -> str:
    entry = _first_entry(source.json)
    if isinstance(entry, dict) and "original" in entry:
        return "abcd"
    if isinstance(entry, dict) and "messages" in entry:
        return "crosswoz"
    if isinstance(entry, list) and isinstance(source.json, dict):
        return "clinc150"
    raise ImportRefused(
        f"{source.name}: this JSON is of no known layout (CLINC150, ABCD, CrossWOZ); "
        "our own records stand one on each line of a .jsonl file"
    )


def _first_entry(data: Any) -> Any:
    """What the lists in a file hold: the first entry of the first list that has one, or the first value."""
    if isinstance(data, list):
        return data[0] if data else None
    if not isinstance(data, dict):
        return None
    for value in data.values():
        if isinstance(value, list) and value:
            return value[0]
        if isinstance(value, dict):
            return value
    return None


def _tables(source: Source, format: str | None, language: str) -> Iterator[Item]:
    tables = read_workbook(source) if source.is_zip else [read_text_table(source)]
    chosen = [(table, format or _table_format(table)) for table in tables]
    # Further sheets of a workbook may be about other things, as long as one is understood.
    known = [(table, name) for table, name in chosen if name]
    if not known:
        table = tables[0]
        near = min(_NEEDED.values(), key=lambda wanted: _lacking(table, wanted))
        raise ImportRefused(
            f"{table.name}: {missing_columns(table.columns, near)}. Such a table needs columns question and answer, "
            "or text and intent"
        )
    for table, name in known:
        yield from TABLES[name](table, language=language)


def _table_format(table: Table) -> str | None:
    for name, wanted in _NEEDED.items():
        if all(set(spellings) & set(table.columns) for spellings in wanted):
            return name
    return None


def _lacking(table: Table, wanted: tuple[tuple[str, ...], ...]) -> int:
    """How many columns are missing; of equals those that need few count as nearer."""
    return sum(10 for spellings in wanted if not set(spellings) & set(table.columns)) + len(wanted)
