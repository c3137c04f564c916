from __future__ import annotations

from chatbot.importers import make_plan
from chatbot.store.knowledge import Snapshot
from chatbot.types import Example, Status, Template

from .conftest import Import

HEADER = "flags,instruction,category,intent,response\n"


def templates(parsed: object) -> list[Template]:
    return [each.value for each in parsed.records if isinstance(each.value, Template)]  # type: ignore[attr-defined]


def examples(parsed: object) -> list[Example]:
    return [each.value for each in parsed.records if isinstance(each.value, Example)]  # type: ignore[attr-defined]


def test_one_answer_for_an_intent_gets_the_intents_name_as_its_key(load: Import) -> None:
    parsed = load(
        "bitext.csv",
        HEADER
        + 'B,cancel my order,ORDER,cancel_order,"Open order {{Order Number}}\nand press Cancel."\n'
        + 'B,stop order JP-123456,ORDER,cancel_order,"Open order {{Order Number}}\nand press Cancel."\n',
    )
    assert templates(parsed) == [
        Template("cancel_order", "cancel_order", "Open order {order_number}\nand press Cancel.", source="bitext.csv")
    ]
    assert [(each.text, each.intent, each.template) for each in examples(parsed)] == [
        ("cancel my order", "cancel_order", "cancel_order"),
        ("stop order [order]", "cancel_order", "cancel_order"),
    ]
    assert [record.place.line for record in parsed.records] == [2, 2, 4]


def test_placeholders_in_questions_become_what_the_redactor_makes_of_them(load: Import) -> None:
    parsed = load("b.csv", HEADER + "B,cancel {{Order Number}} of my {{Account Type}},O,cancel,Press Cancel.\n")
    assert examples(parsed)[0].text == "cancel [order] of my account type"


def test_keys_of_several_answers_do_not_depend_on_the_order_of_rows(load: Import) -> None:
    rows = ["B,when is it here,D,delivery,In three days.\n", "B,how long,D,delivery,By Friday at the latest.\n"]
    forwards = {each.key: each.body for each in templates(load("b.csv", HEADER + "".join(rows)))}
    backwards = {each.key: each.body for each in templates(load("b.csv", HEADER + "".join(reversed(rows))))}
    assert forwards == backwards
    assert sorted(forwards.values()) == ["By Friday at the latest.", "In three days."]
    assert all(key.startswith("delivery-") for key in forwards)


def test_many_answers_for_one_intent_are_proposals_with_a_note(load: Import) -> None:
    bodies = [
        "Alpha one.",
        "Bravo two!",
        "Charlie three",
        "Delta four.",
        "Echo five.",
        "You can follow the parcel on our website.",
    ]
    rows = "".join(f"B,question {number},D,delivery,{body}\n" for number, body in enumerate(bodies))
    parsed = load("b.csv", HEADER + rows + "B,question 9,D,delivery,You can follow your parcel on our website.\n")
    assert {each.status for each in templates(parsed)} == {Status.PROPOSED}
    assert len(templates(parsed)) == 6
    assert parsed.notes == (
        '"delivery" has 7 different answers: imported as 6 proposals, for a person to approve one or a few',
    )
    assert {each.status for each in examples(parsed)} == {Status.APPROVED}


def test_an_answer_to_what_is_out_of_scope_is_not_kept(load: Import) -> None:
    parsed = load("b.csv", HEADER + "B,tell me a joke,X,out_of_scope,I cannot.\n")
    assert templates(parsed) == []
    assert [(each.text, each.intent, each.template) for each in examples(parsed)] == [
        ("tell me a joke", "out_of_scope", None)
    ]


def test_rows_twice_in_the_file_count_once(load: Import) -> None:
    parsed = load("b.csv", HEADER + "B,cancel it,O,cancel,Press Cancel.\n" * 3)
    counts = make_plan(parsed, Snapshot(0)).counts
    assert (counts["examples"].added, counts["examples"].duplicates) == (1, 2)
    assert (counts["templates"].added, counts["intents"].added) == (1, 1)
