"""Whole conversations between customers and agents: our own turns, ABCD's `original`, CrossWOZ's `messages`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from chatbot.errors import ImportRefused
from chatbot.importers import cells
from chatbot.importers.files import Source
from chatbot.importers.records import BadRow, Dialogue, Item, Place, Problem, Said

CUSTOMER = ("customer", "user", "usr", "client", "visitor", "caller", "end-user", "客户", "顾客", "用户", "访客")
AGENT = ("agent", "sys", "assistant", "bot", "operator", "support", "representative", "客服", "坐席", "系统")


def dialogue(identity: object, turns: object, place: Place, *, language: str | None = None) -> Dialogue:
    """A dialogue of `{"speaker", "text", "time"}` turns. Raises BadRow where a turn is no such object."""
    if not isinstance(turns, list) or not turns:
        raise BadRow(f"turns must be a list of turns and is {cells.kind(turns) if turns != [] else 'empty'}")
    said = []
    for number, turn in enumerate(turns, start=1):
        if not isinstance(turn, Mapping):
            raise BadRow(f"turn {number} must be an object and is {cells.kind(turn)}")
        said.append((turn.get("speaker"), turn.get("text"), turn.get("time")))
    return _dialogue(identity, said, place, language)


def read_abcd(source: Source) -> Iterator[Item]:
    """A list of dialogues, or lists under split names; `original` is a list of [speaker, text]."""
    data = source.json
    parts = data if isinstance(data, dict) else {"": data}
    for split, entries in parts.items():
        if not isinstance(entries, list):
            raise ImportRefused(f'{source.name}: "{split}" must be a list of dialogues and is {cells.kind(entries)}')
        for number, entry in enumerate(entries):
            place = Place(source.name, number + 1, f"{split}[{number}]" if split else f"dialogue {number + 1}")
            yield _checked(place, entry, _abcd)


def read_crosswoz(source: Source) -> Iterator[Item]:
    """Dialogues by id, or a list of them; `messages` are `{"role": "usr" or "sys", "content"}`."""
    data = source.json
    if not isinstance(data, dict | list):
        raise ImportRefused(f"{source.name} must hold dialogues and holds {cells.kind(data)}")
    pairs: Iterable[tuple[Any, Any]] = data.items() if isinstance(data, dict) else enumerate(data)
    for number, (identity, entry) in enumerate(pairs):
        place = Place(source.name, number + 1, f"dialogue {identity}")
        yield _checked(place, entry, partial(_crosswoz, identity=identity))


def _checked(place: Place, entry: object, read: Callable[[Any, Place], Dialogue]) -> Item:
    try:
        return read(entry, place)
    except BadRow as error:
        return Problem(place, str(error))


def _abcd(entry: Any, place: Place) -> Dialogue:
    lines = entry.get("original") if isinstance(entry, dict) else None
    if not isinstance(lines, list):
        raise BadRow('a dialogue needs a list "original" of [speaker, text]')
    for line in lines:
        if not isinstance(line, list) or len(line) != 2:
            raise BadRow('an entry of "original" is no pair [speaker, text]')
    identity = entry.get("convo_id", place.part)
    return _dialogue(identity, [(line[0], line[1], None) for line in lines], place)


def _crosswoz(entry: Any, place: Place, *, identity: object) -> Dialogue:
    messages = entry.get("messages") if isinstance(entry, dict) else None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise BadRow('a dialogue needs a list "messages" of {"role", "content"}')
    return _dialogue(identity, [(each.get("role"), each.get("content"), None) for each in messages], place)


def _identity(value: object) -> str:
    if value is None:
        raise BadRow('the field "id" is missing')
    return cells.name_of(str(value) if isinstance(value, int) else value, "id")


def _dialogue(
    identity: object, turns: Iterable[tuple[object, object, object]], place: Place, language: str | None = None
) -> Dialogue:
    """What customers and agents said; empty lines and other speakers (notes, actions) are left out."""
    said = []
    left_out = []
    for number, (speaker, text, time) in enumerate(turns, start=1):
        role = cells.name_of(speaker, f"speaker of turn {number}").casefold()
        if text is None or (isinstance(text, str) and not text.strip()):
            continue
        if role not in CUSTOMER and role not in AGENT:
            left_out.append(role)
            continue
        said.append(Said(role in CUSTOMER, cells.text_of(text, f"text of turn {number}"), _time(time, number)))
    return Dialogue(_identity(identity), tuple(said), place, language, tuple(left_out))


def _time(value: object, number: int) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
    except ValueError:
        pass
    raise BadRow(f"time of turn {number} {value!r:.40} is no time; write it as 2026-03-02T08:14:00Z")
