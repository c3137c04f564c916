from __future__ import annotations

from chatbot.importers.answers import link
from chatbot.importers.records import Answered, Place
from chatbot.templates import choose_wording
from chatbot.types import Intent, Template


def answered(line: int, question: str, body: str, **fields: str) -> Answered:
    return Answered(body, Place("f.csv", line), fields.pop("language", "en"), question, **fields)


def test_languages_have_their_own_answers() -> None:
    records, _notes = link(
        [
            answered(2, "refund?", "Soon.", intent="refund"),
            answered(3, "退款", "很快。", intent="refund", language="zh"),
        ],
        language="en",
    )
    assert [record.value.key for record in records if isinstance(record.value, Template)] == ["refund", "refund.zh"]


def test_what_the_file_states() -> None:
    records, _notes = link(
        [answered(2, "refund?", "Soon.", intent="refund"), answered(3, "open?", "Until 5.")], language="en"
    )
    assert [(type(record.value).__name__, set(record.stated)) for record in records] == [
        ("Template", {"intent", "body"}),
        ("Example", {"intent", "template"}),
        ("Intent", set()),
        ("Template", {"body"}),
        ("Example", {"template"}),
    ]


def test_a_title_names_the_intent_for_customers() -> None:
    records, _notes = link([answered(2, "open?", "Until 5.", title="Opening hours")], language="en")
    assert records[0].value == Intent("open", {"en": "Opening hours"})


def test_answers_whose_names_meet_stay_apart() -> None:
    records, _notes = link([answered(2, "open?", "Until 5."), answered(3, "open!", "On Monday.")], language="en")
    assert [record.value.intent for record in records if isinstance(record.value, Template)] == ["open_2", "open"]


def templates(*items: Answered) -> list[Template]:
    records, _notes = link(items, language="en")
    return [record.value for record in records if isinstance(record.value, Template)]


def test_of_two_answers_to_one_intent_the_one_with_the_evidence_is_shown() -> None:
    for intent in ("refund", "shop.refund"):
        found = templates(
            answered(2, "how long", "Soon.", intent=intent), answered(3, "how", "By card.", intent=intent)
        )
        for wanted in found:
            wording = choose_wording(found, values={}, evidence={wanted.key: 0.9})
            assert wording is not None
            assert wording.template == wanted


def test_a_dot_in_a_key_is_the_language_and_nothing_else() -> None:
    found = templates(
        answered(2, "how", "Soon.", intent="shop.refund"),
        answered(3, "how", "By card.", intent="shop_refund"),
        answered(4, "退款", "很快。", intent="shop_refund", language="zh"),
        answered(5, "退款", "三天。", intent="a", language="zh"),
        answered(6, "退钱", "五天。", intent="a", language="zh"),
    )
    assert [(each.intent, each.answer) for each in found[1:3]] == [("shop_refund", "shop_refund")] * 2
    assert found[0].answer.startswith("shop_refund-")
    assert len({each.answer for each in found[3:]}) == 2
    assert all(each.key == f"{each.answer}.zh" for each in found[2:])
