from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chatbot.importers import formats
from chatbot.importers.files import Source

from .conftest import Import, Refusal

BANKING = "text,category\nhi,x\n"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.txt", BANKING, "Record"),
        ("a.csv", "instruction,intent,response\na,b,c\n", "Answered"),
        ("a.csv", "question;answer\na;b\n", "Answered"),
        ("a.tsv", "conversationId\tutterance\tintent\nc\thi\tx\n", "Record"),
        ("a.csv", "key,intent,body\na,b,c\n", "Record"),
        ("a.json", json.dumps({"train": [["a", "b"]]}), "Record"),
        ("a.json", json.dumps([{"original": [["agent", "a"]]}]), "Dialogue"),
        ("a.json", json.dumps({"1": {"messages": []}}), "Dialogue"),
        ("a.json", '{"text": "a", "intent": "b"}\n', "Record"),
        ("a", '{"type": "fact", "name": "a", "value": "b"}', "Record"),
        ("a", "version: '3.1'\nnlu:\n- intent: a\n  examples: |\n    - b\n", "RasaExample"),
    ],
)
def test_found_by_content(name: str, content: str, kind: str) -> None:
    items = formats.read(Source(name, content.encode()), format=None, language="en")
    assert [type(item).__name__ for item in items] == [kind]


def test_given_by_name(load: Import, refusal: Refusal) -> None:
    assert len(load("a.csv", BANKING, format="banking77").records) == 1
    assert refusal("a.csv", BANKING, format="bitext") == (
        'a.csv: no column "instruction" and no column "intent" and no column "response"; found: "text", "category"'
    )
    assert refusal("a.csv", BANKING, format="banking") == (
        f'format "banking" is unknown; known: {", ".join(formats.FORMATS)}; is "banking77" meant?'
    )


@pytest.mark.parametrize("format", formats.FORMATS)
def test_every_format_refuses_other_files_in_words(refusal: Refusal, format: str) -> None:
    assert refusal("a.csv", "7", format=format)


def test_json_of_no_known_layout(refusal: Refusal) -> None:
    assert "of no known layout" in refusal("a.json", '[{"text": "a", "intents": ["b"]}]')
    assert "of no known layout" in refusal("a.json", "{}")


def test_a_table_about_something_else(refusal: Refusal) -> None:
    assert refusal("a.csv", "name,price\ntent,40\n") == (
        'a.csv: no column "question" and no column "answer"; found: "name", "price". '
        "Such a table needs columns question and answer, or text and intent"
    )


def test_every_format_is_documented_with_an_example_that_is_read(load: Import) -> None:
    document = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    sections = re.findall(r"(?m)^## `([a-z0-9-]+)`$(.*?)(?=^## |\Z)", document, re.DOTALL)
    assert [name for name, _text in sections] == sorted(formats.FORMATS)
    for name, text in sections:
        blocks = re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)
        assert blocks, name
        for suffix, content in blocks:
            for parsed in (load(f"{name}.{suffix}", content), load(f"{name}.{suffix}", content, format=name)):
                assert parsed.records or parsed.documents, name
