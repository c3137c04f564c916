from __future__ import annotations

from chatbot.types import Example

from .conftest import Import

HEADER = "conversationId\tturnNumber\tsentenceNumber\tutteranceId\tutterance\tslot-labels\tintent\n"


def row(conversation: str, text: str, intent: str) -> str:
    return f"{conversation}\t0\t0\tu\t{text}\tO\t{intent}\n"


def test_labels_and_what_is_left_out(load: Import) -> None:
    content = HEADER + (
        row("c1", "good morning", "openinggreeting")
        + row("c1", "i want to fly", "bookflight")
        + row("c1", '"bemidji mn\n to kings mountain"', "bookflight")
        + row("c2", "boston", "contentonly")
        + row("c2", "seat and pass", "getseatinfo<div>getboardingpass")
        + row("c2", " ", "bookflight")
        + row("c2", "who are you", "outofdomain")
    )
    parsed = load("train.tsv", content)
    values = [each.value for each in parsed.records if isinstance(each.value, Example)]
    assert [(value.text, value.intent) for value in values] == [
        ("good morning", "openinggreeting"),
        ("i want to fly", "bookflight"),
        ("bemidji mn to kings mountain", "bookflight"),
        ("who are you", "out_of_scope"),
    ]
    assert [each.place.line for each in parsed.records] == [2, 3, 4, 9]
    assert len({value.group for value in values[:3]}) == 1
    assert values[3].group != values[0].group
    assert [note.split(" left out")[0] + note[note.rindex(": ") :] for note in parsed.notes] == [
        "1: answers the agent's question and shows no intent",
        "1: several intents in one sentence",
        "1: the sentence is empty",
    ]
