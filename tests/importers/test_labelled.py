from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.errors import ImportRefused
from chatbot.importers import Question, read_questions
from chatbot.types import Example, Status

from .conftest import Import, Refusal


def found(load: Import, name: str, content: str, **options: object) -> list[Example]:
    return [each.value for each in load(name, content, **options).records if isinstance(each.value, Example)]


def test_banking77(load: Import) -> None:
    rows = found(load, "train.csv", "text,category\nWhere is my card?,card_arrival\n,\nis it,Refund_not_showing_up\n")
    assert [(row.text, row.intent, row.source) for row in rows] == [
        ("Where is my card?", "card_arrival", "train.csv"),
        ("is it", "Refund_not_showing_up", "train.csv"),
    ]


def test_bitext_validation_layout(load: Import) -> None:
    rows = found(load, "v.csv", "utterance,intent,entity_type\ncancel it,cancel_order,order_id\n")
    assert [(row.text, row.intent) for row in rows] == [("cancel it", "cancel_order")]


def test_optional_columns_and_semicolons(load: Import) -> None:
    content = "Text;Intent;Language;Template;Status;Group\n退款;refund;中文;refund.zh;Proposed;c7\nrefund;refund;;;;\n"
    first, second = found(load, "e.csv", content)
    assert first == Example("退款", "refund", "zh", "refund.zh", "e.csv", "c7", Status.PROPOSED)
    assert second == Example("refund", "refund", "en", None, "e.csv", "", Status.APPROVED)


@pytest.mark.parametrize("label", ["oos", "out of scope", "Out-Of-Scope", "outofdomain"])
def test_spellings_of_out_of_scope(load: Import, label: str) -> None:
    assert found(load, "e.csv", f"text,intent\nhello,{label}\n")[0].intent == "out_of_scope"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_text_that_looks_like_a_formula_is_text(load: Import, sign: str) -> None:
    assert found(load, "e.csv", f"text,intent\n{sign}1 sum,a\n")[0].text == f"{sign}1 sum"


def test_reasons_for_bad_rows(refusal: Refusal) -> None:
    content = "text,intent,status\n,a,\nhi,,\nhi,_secret,\nhi,a,maybe\nhi\na,b,c,d\n"
    assert refusal("e.csv", content).split("\n") == [
        "6 rows cannot be imported; nothing was written:",
        "  e.csv, line 2: text is empty",
        "  e.csv, line 3: intent is empty",
        '  e.csv, line 4: intent "_secret" begins with "_"; such names are reserved',
        "  e.csv, line 5: status 'maybe' is unknown; use one of approved, proposed, retired",
        "  e.csv, line 6: 1 cells, and the header has 3",
        "  e.csv, line 7: 4 cells, and the header has 3; a cell with a comma or quotation mark in it must stand in "
        "quotation marks",
        "Correct them, or import the rest and leave these out by asking to skip bad rows.",
    ]


def test_bad_rows_can_be_left_out(load: Import) -> None:
    parsed = load("e.csv", "text,intent\n,a\nhi,b\n", skip_bad=True)
    assert [record.value for record in parsed.records] == [Example("hi", "b", source="e.csv")]
    assert [problem.reason for problem in parsed.problems] == ["text is empty"]


def test_questions_for_evaluation_keep_every_row_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("text,intent,template\ncall 020 7946 0182,call,t1\ncall 020 7946 0182,call,\n")
    assert read_questions(path) == [
        Question("call 020 7946 0182", "call", "t1", 2),
        Question("call 020 7946 0182", "call", None, 3),
    ]


def test_questions_of_a_file_without_labels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "facts.jsonl"
    path.write_text('{"type": "fact", "name": "a", "value": "b"}\n')
    with pytest.raises(ImportRefused, match="holds no labelled questions"):
        read_questions(path)
