from __future__ import annotations

from chatbot.importers.answers import link
from chatbot.importers.records import Answered, Place
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
