from __future__ import annotations

import json
from datetime import date

import pytest

from chatbot.types import Example, Fact, Intent, Status, Template

from .conftest import Import, Refusal


def lines(*records: object) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def test_every_type(load: Import) -> None:
    content = lines(
        {"type": "fact", "name": "shop_name", "value": "Juniper"},
        {"type": "intent", "name": "refund", "title": {"en": "Refund", "zh": "退款"}},
        {"type": "intent", "name": "bye", "title": "Bye"},
        {
            "type": "template",
            "key": "refund.zh",
            "intent": "refund",
            "language": "zh",
            "body": "{shop_name} {{x}} jane@example.com",
            "valid_from": "2026-01-01",
            "valid_until": None,
            "owner": "Care",
            "status": "retired",
        },
        {"type": "example", "text": "I am jane@example.com", "intent": "refund", "template": "refund.zh"},
        {"text": "退款\u2028多久", "intent": "refund"},
    )
    parsed = load("k.jsonl", content)
    assert [(record.value, record.place.line) for record in parsed.records] == [
        (Fact("shop_name", "Juniper"), 1),
        (Intent("refund", {"en": "Refund", "zh": "退款"}), 2),
        (Intent("bye", {"en": "Bye"}), 3),
        (
            Template(
                "refund.zh",
                "refund",
                "{shop_name} {{x}} jane@example.com",
                "zh",
                Status.RETIRED,
                date(2026, 1, 1),
                owner="Care",
                source="k.jsonl",
            ),
            4,
        ),
        (Example("I am [email]", "refund", template="refund.zh", source="k.jsonl"), 5),
        (Example("退款\n多久", "refund", "zh", source="k.jsonl"), 6),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "[1, 2]",
            'each line must be an object such as {"type": "fact", …}, and this is a list',
        ),
        (
            "{",
            "not valid JSON (Expecting property name enclosed in double quotes, column 2)",
        ),
        (
            '{"type": "exmple", "text": "a"}',
            "unknown type 'exmple'; known: intent, fact, template, example, passage, dialogue; is \"example\" meant?",
        ),
        (
            '{"a": 1}',
            "no type; known: intent, fact, template, example, passage, dialogue",
        ),
        (
            '{"type": ["fact"]}',
            "unknown type ['fact']; known: intent, fact, template, example, passage, dialogue",
        ),
        (
            '{"type": "example", "text": "a", "intnet": "b"}',
            'unknown field "intnet" of type example; is "intent" meant?',
        ),
        (
            '{"type": "example", "text": "a"}',
            'the field "intent" is missing',
        ),
        (
            '{"type": "example", "text": 5, "intent": "b"}',
            "text must be text and is a number",
        ),
        (
            '{"type": "example", "text": "\\ud83d", "intent": "b"}',
            "text holds half a character (a lone surrogate); type it again",
        ),
        (
            '{"type": "example", "text": "\\u200b", "intent": "b"}',
            "the text holds only characters that cannot be seen",
        ),
        (
            '{"type": "fact", "name": "Shop", "value": "b"}',
            'name "Shop" must be lower_snake_case, such as support_phone',
        ),
        (
            '{"type": "intent", "name": "a", "title": ["b"]}',
            "title must be text, or an object by language, and is a list",
        ),
        (
            '{"type": "template", "key": "a", "intent": "b", "body": "c {"}',
            "body has a single { or } that belongs to no variable; double it: {{ or }}",
        ),
        (
            '{"type": "template", "key": "a", "intent": "out_of_scope", "body": "c"}',
            'intent "out_of_scope" means out of scope; no answer can be given to it',
        ),
        (
            '{"type": "template", "key": "a", "intent": "b", "body": "c", "valid_from": "2026-02-30"}',
            "valid_from '2026-02-30' is no date; write it as 2026-12-31",
        ),
        (
            (
                '{"type": "template", "key": "a", "intent": "b", "body": "c", "valid_from": "2026-02-03", '
                '"valid_until": "2026-02-01"}'
            ),
            "valid_from 2026-02-03 is after valid_until 2026-02-01",
        ),
        (
            '{"type": "dialogue", "turns": []}',
            "turns must be a list of turns and is empty",
        ),
        (
            '{"type": "dialogue", "turns": [{"speaker": "customer", "text": "a"}]}',
            'the field "id" is missing',
        ),
        (
            '{"type": "dialogue", "id": "d", "turns": [{"speaker": "agent", "text": "a", "time": "noon"}]}',
            "time of turn 1 'noon' is no time; write it as 2026-03-02T08:14:00Z",
        ),
        (
            "[" * 100_000,
            "not usable JSON (a number too long, or nested too deep)",
        ),
        (
            "1" * 5000,
            "not usable JSON (a number too long, or nested too deep)",
        ),
    ],
)
def test_reasons(refusal: Refusal, line: str, reason: str) -> None:
    good = '{"type": "fact", "name": "a", "value": "b"}'
    assert refusal("k.jsonl", f"{good}\n\n{line}\n").split("\n")[1] == f"  k.jsonl, line 3: {reason}"


def test_the_reserved_hand_off_sentence_can_be_imported(load: Import) -> None:
    content = lines(
        {"type": "intent", "name": "_handoff", "title": {}},
        {"type": "template", "key": "h", "intent": "_handoff", "body": "A person comes."},
    )
    assert [record.value for record in load("k.jsonl", content).records] == [
        Intent("_handoff"),
        Template("h", "_handoff", "A person comes.", source="k.jsonl"),
    ]
