from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from chatbot.importers import make_plan
from chatbot.importers.dialogues import dialogue, read_abcd, read_crosswoz
from chatbot.importers.files import Source
from chatbot.importers.records import Dialogue, Place, Problem, Said
from chatbot.store.knowledge import Snapshot

from .conftest import Import


def source(data: Any) -> Source:
    return Source("d.json", json.dumps(data).encode())


def test_own_turns() -> None:
    place = Place("d.jsonl", 3)
    turns = [
        {"speaker": "Customer", "text": " hi ", "time": "2026-03-02T08:14:00Z"},
        {"speaker": "note", "text": "angry"},
        {"speaker": "agent", "text": "hello"},
        {"speaker": "agent", "text": " "},
    ]
    assert dialogue("d1", turns, place, language="en") == Dialogue(
        "d1",
        (Said(True, "hi", datetime(2026, 3, 2, 8, 14, tzinfo=UTC)), Said(False, "hello")),
        place,
        "en",
        left_out=("note",),
    )


def test_speakers_with_other_names_are_counted(load: Import) -> None:
    turns = [{"speaker": "Kunde", "text": "wie lange?"}, {"speaker": "Berater", "text": "Drei Tage."}] * 2
    parsed = load("d.jsonl", json.dumps({"type": "dialogue", "id": 1, "turns": turns}))
    assert parsed.notes[0].startswith(
        '4 messages left out, of speakers that are neither customer nor agent: "kunde" (2), "berater" (2); '
        "a customer is called customer, user, "
    )
    assert make_plan(parsed, Snapshot(0)).summary()[0] == "nothing to write"


def test_abcd() -> None:
    data = [
        {"convo_id": 7, "original": [["agent", "Hi"], ["action", "x"], ["customer", "Help"]]},
        {"original": [["a"]]},
    ]
    first, second = list(read_abcd(source(data)))
    assert first == Dialogue(
        "7", (Said(False, "Hi"), Said(True, "Help")), Place("d.json", 1, "dialogue 1"), left_out=("action",)
    )
    assert second == Problem(Place("d.json", 2, "dialogue 2"), 'an entry of "original" is no pair [speaker, text]')


def test_abcd_by_split() -> None:
    data = {"dev": [{"convo_id": 7, "original": [["customer", "Help"]]}]}
    assert [item.place.part for item in read_abcd(source(data)) if isinstance(item, Dialogue)] == ["dev[0]"]


def test_crosswoz() -> None:
    data = {"11": {"messages": [{"role": "usr", "content": "你好"}, {"role": "sys", "content": "好"}]}, "12": 5}
    first, second = list(read_crosswoz(source(data)))
    assert first == Dialogue("11", (Said(True, "你好"), Said(False, "好")), Place("d.json", 1, "dialogue 11"))
    assert isinstance(second, Problem)
    assert second.reason == 'a dialogue needs a list "messages" of {"role", "content"}'
