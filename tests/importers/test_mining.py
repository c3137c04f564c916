from __future__ import annotations

import json

from chatbot.types import Example, Status, Template

from .conftest import Import


def talk(identity: str, *turns: str) -> str:
    """Turns as "c: text" and "a: text"."""
    speakers = {"c": "customer", "a": "agent"}
    listed = [{"speaker": speakers[turn[0]], "text": turn[3:]} for turn in turns]
    return json.dumps({"type": "dialogue", "id": identity, "turns": listed}) + "\n"


def mined(load: Import, *talks: str) -> list[tuple[str, str, list[str]]]:
    """(intent, answer, questions) of each candidate."""
    values = [record.value for record in load("talks.jsonl", "".join(talks)).records]
    return [
        (
            template.intent,
            template.body,
            [each.text for each in values if isinstance(each, Example) and each.template == template.key],
        )
        for template in values
        if isinstance(template, Template)
    ]


def test_the_answer_is_what_the_agent_says_after_asking_back(load: Import) -> None:
    found = mined(
        load,
        talk(
            "1",
            "a: Good morning, thanks for contacting us. How can I help you?",
            "c: hi",
            "c: where is my order",
            "c: it is three days late",
            "a: Could I take your order number, please?",
            "c: JP-482913, I am jane@example.com",
            "a: one moment please",
            "a: it left our house on Saturday",
            "a: Is there anything else I can help you with?",
            "c: no thanks",
            "a: Have a nice day!",
        ),
    )
    assert found == [
        (
            "where_is_my_order_it_is_three_days_late",
            "it left our house on Saturday",
            ["where is my order it is three days late"],
        )
    ]


def test_near_identical_answers_are_one_candidate_with_the_commonest_wording(load: Import) -> None:
    answer = "You have 45 days from delivery to send it back."
    found = mined(
        load,
        talk("1", "c: how long can I keep it?", f"a: {answer}"),
        talk("2", "c: return period?", "a: You have 45 days from the delivery to send it back!"),
        talk("3", "c: how long have I got to return it?", f"a: {answer}"),
        talk("4", "c: is it waterproof?", "a: Yes, down to ten metres."),
    )
    assert found == [
        (
            "how_long_have_i_got_to_return_it",
            answer,
            ["how long can I keep it?", "how long have I got to return it?", "return period?"],
        ),
        ("is_it_waterproof", "Yes, down to ten metres.", ["is it waterproof?"]),
    ]


def test_everything_is_redacted_proposed_and_grouped_by_dialogue(load: Import) -> None:
    content = talk(
        "1",
        "c: can you call 020 7946 0182 about JP-123456?",
        "a: We call [phone] or {you} tomorrow at noon, jane@example.com.",
        "c: what does it cost?",
        "a: It costs nothing at all.",
    )
    parsed = load("talks.jsonl", content)
    assert all(record.mined for record in parsed.records)
    values = [record.value for record in parsed.records]
    examples = [value for value in values if isinstance(value, Example)]
    assert [value.text for value in examples] == ["what does it cost?", "can you call [phone] about [order]?"]
    assert {value.status for value in values if isinstance(value, Template | Example)} == {Status.PROPOSED}
    assert len({value.group for value in examples}) == 1
    assert [value.body for value in values if isinstance(value, Template)] == [
        "It costs nothing at all.",
        "We call [phone] or {{you}} tomorrow at noon, [email].",
    ]
    assert parsed.notes == (
        "conversations: 1; questions with an answer: 2; proposed templates: 2, "
        "none of which answers before a person approves it",
    )


def test_a_question_stays_with_the_largest_group(load: Import) -> None:
    found = mined(
        load,
        talk("1", "c: is it free?", "a: No, it costs four pounds."),
        talk("2", "c: is it free?", "a: Yes, from sixty pounds on."),
        talk("3", "c: is delivery free?", "a: Yes, from sixty pounds on."),
    )
    assert found == [
        ("is_it_free", "Yes, from sixty pounds on.", ["is it free?", "is delivery free?"]),
    ]


def test_intent_names_are_unique(load: Import) -> None:
    found = mined(
        load,
        talk("1", "c: how long?! days", "a: Three or four working days."),
        talk("2", "c: how long, days", "a: Until the end of the year."),
    )
    assert [intent for intent, _answer, _questions in found] == ["how_long_days", "how_long_days_2"]


def test_a_dialogue_without_answers_gives_nothing(load: Import) -> None:
    assert mined(load, talk("1", "c: hello there", "a: Hello! How can I help?", "c: bye")) == []
