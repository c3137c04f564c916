from __future__ import annotations

import json
from pathlib import Path

from chatbot.importers import Question, read_questions
from chatbot.types import Example

from .conftest import Import, Refusal


def test_lists_of_pairs(load: Import) -> None:
    data = {"train": [["say hi in french", "translate"]], "oos_train": [["who won", "oos"]]}
    records = load("data.json", json.dumps(data)).records
    assert [(each.value, each.place.part) for each in records] == [
        (Example("say hi in french", "translate", source="data.json"), "train[0]"),
        (Example("who won", "out_of_scope", source="data.json"), "oos_train[0]"),
    ]


def test_entries_that_are_no_pairs(refusal: Refusal) -> None:
    text = refusal("data.json", json.dumps({"train": [["a", "b"], ["a"], ["a", 7], "ab"]}))
    assert text.split("\n")[1:4] == [
        "  data.json, train[1]: an entry must be a pair [text, intent]",
        "  data.json, train[2]: intent must be text and is a number",
        "  data.json, train[3]: an entry must be a pair [text, intent]",
    ]


def test_cut_off(refusal: Refusal) -> None:
    assert refusal("data.json", '{"train": [["a",\n "b"], [').startswith("data.json, line 2: not valid JSON")


def test_a_list_that_is_none(refusal: Refusal) -> None:
    assert 'data.json: "test" must be a list of [text, intent], not a number' in refusal(
        "data.json", '{"train": [["a", "b"]], "test": 3}'
    )


def test_questions(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"test": [["a b", "x"], ["a b", "x"]]}))
    assert read_questions(path) == [Question("a b", "x", None, 1), Question("a b", "x", None, 2)]
