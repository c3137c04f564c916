"""Our own JSONL: one object on each line, of type intent, fact, template, example, passage or dialogue."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from chatbot.errors import ImportRefused
from chatbot.importers import cells, dialogues
from chatbot.importers.body import check_body
from chatbot.importers.documents.split import TITLE_CHARACTERS
from chatbot.importers.files import Source
from chatbot.importers.labelled import status_of
from chatbot.importers.records import BadRow, Item, Place, Problem, Record
from chatbot.text import language_of
from chatbot.types import HANDOFF_INTENT, OUT_OF_SCOPE, Example, Fact, Intent, Passage, Status, Template

_FACT_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
Fields = Mapping[str, Any]

MOST_POSITION = 1_000_000


def read(source: Source, *, language: str) -> Iterator[Item]:
    """Lines end at line feeds only: other line separators may stand inside a text."""
    found = False
    for number, line in enumerate(source.text.split("\n"), start=1):
        if not line.strip():
            continue
        found = True
        place = Place(source.name, number)
        try:
            yield _item(_object(line), place, language)
        except BadRow as error:
            yield Problem(place, str(error))
    if not found:
        raise ImportRefused(f"{source.name} is empty")


def _object(line: str) -> Fields:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadRow(f"not valid JSON ({error.msg}, column {error.colno})") from None
    except (ValueError, RecursionError):
        raise BadRow("not usable JSON (a number too long, or nested too deep)") from None
    if not isinstance(value, dict):
        raise BadRow(f'each line must be an object such as {{"type": "fact", …}}, and this is {cells.kind(value)}')
    return value


def _item(fields: Fields, place: Place, language: str) -> Item:
    labelled = "type" not in fields and "text" in fields and "intent" in fields
    kind = "example" if labelled else fields.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        near = difflib.get_close_matches(kind, _READERS, n=1) if isinstance(kind, str) else []
        hint = f'; is "{near[0]}" meant?' if near else ""
        said = "no type" if kind is None else f"unknown type {kind!r:.40}"
        raise BadRow(f"{said}; known: {', '.join(_READERS)}{hint}")
    known, read_one = _READERS[kind]
    for name in fields:
        if name != "type" and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f'is "{near[0]}" meant?' if near else f"known: {', '.join(known)}"
            raise BadRow(f'unknown field "{name:.40}" of type {kind}; {hint}')
    return read_one(fields, place, language)


def template(fields: Fields, place: Place, language: str) -> Record:
    """A template record. Raises BadRow where a field is missing or wrong."""
    body = cells.text_of(_need(fields, "body"), "body")
    check_body(body)
    intent = cells.name_of(_need(fields, "intent"), "intent")
    if intent != HANDOFF_INTENT and cells.label_of(intent) == OUT_OF_SCOPE:
        raise BadRow(f'intent "{intent}" means out of scope; no answer can be given to it')
    start, end = _dates(fields)
    value = Template(
        key=cells.name_of(_need(fields, "key"), "key"),
        intent=intent,
        body=body,
        language=_language(fields, body, language),
        status=_status(fields),
        valid_from=start,
        valid_until=end,
        owner=_optional(fields, "owner"),
        source=_optional(fields, "source"),
    )
    return Record(value, place, frozenset(fields) - {"type", "key"})


def _example(fields: Fields, place: Place, language: str) -> Record:
    text = cells.text_of(_need(fields, "text"), "text")
    link = fields.get("template")
    value = Example(
        text=text,
        intent=cells.label_of(_need(fields, "intent")),
        language=_language(fields, text, language),
        template=None if link is None else cells.name_of(link, "template"),
        source=_optional(fields, "source"),
        group=cells.name_of(fields["group"], "group", limit=64) if fields.get("group") else "",
        status=_status(fields),
    )
    return Record(value, place, frozenset(fields) - {"type", "text"})


def _passage(fields: Fields, place: Place, language: str) -> Record:
    body = cells.text_of(_need(fields, "body"), "body")
    link = _optional(fields, "link")
    if link and not link.casefold().startswith(("https://", "http://")):
        raise BadRow(f'link "{link:.40}" is no web address; write it as https://shop.example/page')
    start, end = _dates(fields)
    position = fields.get("position", 1)
    if not isinstance(position, int) or isinstance(position, bool) or not 0 <= position <= MOST_POSITION:
        raise BadRow(f"position must be a whole number from 0 on and is {position!r:.40}")
    value = Passage(
        document=cells.name_of(_need(fields, "document"), "document"),
        title=cells.name_of(_need(fields, "title"), "title", limit=TITLE_CHARACTERS),
        body=body,
        link=link,
        language=_language(fields, body, language),
        status=_status(fields),
        valid_from=start,
        valid_until=end,
        position=position,
    )
    return Record(value, place, frozenset(fields) - {"type", "document", "title", "body"})


def _intent(fields: Fields, place: Place, language: str) -> Record:
    name = cells.name_of(_need(fields, "name"), "name")
    if name != HANDOFF_INTENT:
        name = cells.label_of(name, "name")
    title = fields.get("title", {})
    if isinstance(title, str):
        title = {language: title}
    if not isinstance(title, dict):
        raise BadRow(f"title must be text, or an object by language, and is {cells.kind(title)}")
    titles = {cells.language_code(code): cells.name_of(text, f"title {code:.20}") for code, text in title.items()}
    return Record(Intent(name, titles), place, frozenset({"titles"}))


def _fact(fields: Fields, place: Place, language: str) -> Record:
    del language
    name = cells.name_of(_need(fields, "name"), "name")
    if not _FACT_NAME.fullmatch(name):
        raise BadRow(f'name "{name:.40}" must be lower_snake_case, such as support_phone')
    return Record(Fact(name, cells.text_of(_need(fields, "value"), "value")), place, frozenset({"value"}))


def _dialogue(fields: Fields, place: Place, language: str) -> Item:
    stated = _language(fields, "", language) if fields.get("language") else None
    return dialogues.dialogue(fields.get("id"), _need(fields, "turns"), place, language=stated)


def _dates(fields: Fields) -> tuple[date | None, date | None]:
    start = cells.date_of(fields.get("valid_from"), "valid_from")
    end = cells.date_of(fields.get("valid_until"), "valid_until")
    if start and end and start > end:
        raise BadRow(f"valid_from {start} is after valid_until {end}")
    return start, end


def _need(fields: Fields, name: str) -> object:
    if name not in fields:
        raise BadRow(f'the field "{name}" is missing')
    value: object = fields[name]
    return value


def _optional(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return cells.name_of(value, name) if value not in (None, "") else ""


def _language(fields: Fields, text: str, default: str) -> str:
    value = fields.get("language")
    return language_of(text, default) if value is None else cells.language_code(value)


def _status(fields: Fields) -> Status:
    value = fields.get("status")
    return Status.APPROVED if value is None else status_of(value)


_READERS: dict[str, tuple[tuple[str, ...], Callable[[Fields, Place, str], Item]]] = {
    "intent": (("name", "title"), _intent),
    "fact": (("name", "value"), _fact),
    "template": (
        ("key", "intent", "language", "body", "valid_from", "valid_until", "owner", "status", "source"),
        template,
    ),
    "example": (("text", "intent", "language", "template", "status", "source", "group"), _example),
    "passage": (
        ("document", "title", "body", "link", "language", "status", "valid_from", "valid_until", "position"),
        _passage,
    ),
    "dialogue": (("id", "language", "turns"), _dialogue),
}
"""The known fields and the reader of each type."""
