from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.importers import make_plan, parse, rasa
from chatbot.redact import Redactor
from chatbot.store.knowledge import Snapshot
from chatbot.types import Example, Template

from .conftest import Import, Refusal

NLU = """version: "3.1"
nlu:
- intent: track_order
  examples: |
    - where is [my parcel](item)
    - track [JP-123456]{"entity": "order", "role": "main"}

- intent: faq/opening_hours
  examples:
  - text: when do you open?
    metadata: {sentiment: neutral}
- synonym: parcel
  examples: |
    - packet
"""
DOMAIN = """intents: [track_order, {bye: {use_entities: []}}]
responses:
  utter_track_order:
  - text: "Order {orderNumber} is on its way."
  utter_faq/opening_hours:
  - text: "From 9 to 5, {name}."
  - text: "We open at 9."
  - image: "clock.png"
  utter_ask_name:
  - text: "Who are you?"
"""


def test_examples_and_responses_of_two_files_are_linked(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nlu.yml").write_text(NLU)
    (tmp_path / "domain.yml").write_text(DOMAIN)
    (tmp_path / "config.yml").write_text("pipeline: []\n")
    parsed = parse([tmp_path], redactor=Redactor(r"JP-\d{6}"), language="en")
    examples = [each.value for each in parsed.records if isinstance(each.value, Example)]
    assert [(each.text, each.intent, each.template) for each in examples] == [
        ("where is my parcel", "track_order", "utter_track_order"),
        ("track [order]", "track_order", "utter_track_order"),
        ("when do you open?", "faq/opening_hours", None),
    ]
    assert [each.place.line for each in parsed.records if isinstance(each.value, Example)] == [5, 6, 10]
    templates = [each.value for each in parsed.records if isinstance(each.value, Template)]
    assert [(each.intent, each.body) for each in templates] == [
        ("track_order", "Order {order_number} is on its way."),
        ("faq/opening_hours", "From 9 to 5, {name}."),
        ("faq/opening_hours", "We open at 9."),
    ]
    assert templates[0].key == "utter_track_order"
    assert templates[1].key.startswith("utter_faq/opening_hours.")
    notes = "\n".join(parsed.notes)
    assert "config.yml left out" in notes
    assert "a response that answers no intent" in notes
    assert "a response without text" in notes
    assert "synonym" in notes


def test_an_edited_response_is_a_change(load: Import) -> None:
    content = "intents: [bye]\nresponses:\n  utter_bye:\n  - text: Bye.\n"
    stored = Snapshot(1, templates=(Template("utter_bye", "bye", "Goodbye.", source="old.yml", id=4),))
    plan = make_plan(load("domain.yml", content), stored)
    assert [(each.key, each.body) for each in plan.changes.templates] == [("utter_bye", "Bye.")]
    assert plan.counts["templates"].changed == 1


def test_a_response_to_what_is_out_of_scope_is_left_out(load: Import) -> None:
    parsed = load(
        "domain.yml",
        "nlu:\n- intent: out_of_scope\n  examples: |\n    - a joke\nresponses:\n  utter_out_of_scope:\n  - text: No.\n",
    )
    assert [type(record.value) for record in parsed.records] == [Example]
    assert "out of scope" in parsed.notes[0]


def test_broken_yaml_names_the_line(refusal: Refusal) -> None:
    assert refusal("nlu.yml", "nlu:\n- intent: a\n  examples: |\n  - x\n bad: [").startswith("nlu.yml, line ")


def test_tags_construct_nothing(refusal: Refusal) -> None:
    text = refusal("nlu.yml", "nlu:\n- !!python/object/apply:os.getcwd []\n")
    assert "must have named fields" in text


def test_aliases_do_not_multiply(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rasa, "ITEM_LIMIT", 500)
    many = ", ".join(["*e"] * 100)
    entries = "\n".join(["- *n"] * 100)
    text = refusal("nlu.yml", f"e: &e {{text: a}}\nx: &n {{intent: a, examples: [{many}]}}\nnlu:\n{entries}\n")
    assert text == "nlu.yml holds more than 500 entries; split it"


def test_deep_nesting(refusal: Refusal) -> None:
    assert "nested too deep" in refusal("nlu.yml", "nlu: " + "[" * 5_000)


def test_a_line_without_a_dash(refusal: Refusal) -> None:
    text = refusal("nlu.yml", "nlu:\n- intent: a\n  examples: |\n    - one\n    two\n")
    assert 'line 5 of the examples must begin with "- "' in text
