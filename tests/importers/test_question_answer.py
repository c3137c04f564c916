from __future__ import annotations

import io

import openpyxl
import pytest

from chatbot.importers import make_plan
from chatbot.store.knowledge import Snapshot
from chatbot.types import Example, Intent, Template

from .conftest import Import, Refusal


def texts(parsed: object) -> list[tuple[str, str]]:
    return [
        (each.value.text, each.value.intent)
        for each in parsed.records  # type: ignore[attr-defined]
        if isinstance(each.value, Example)
    ]


@pytest.mark.parametrize(
    "header",
    ["question,answer", "Questions,Answers", "Question (one per line),Section content (required)", "问题,答案", "Q,A"],
)
def test_usual_headers(load: Import, header: str) -> None:
    parsed = load("faq.csv", f'{header}\n"Do you ship abroad?\n- Can you send to Wales?",Yes.\n')
    assert texts(parsed) == [
        ("Do you ship abroad?", "do_you_ship_abroad"),
        ("Can you send to Wales?", "do_you_ship_abroad"),
    ]
    assert [each.value for each in parsed.records if isinstance(each.value, Template)] == [
        Template("do_you_ship_abroad", "do_you_ship_abroad", "Yes.", source="faq.csv")
    ]
    assert [each.value for each in parsed.records if isinstance(each.value, Intent)] == [
        Intent("do_you_ship_abroad", {"en": "Do you ship abroad?"})
    ]


def test_rows_with_the_same_answer_are_one_template(load: Import) -> None:
    parsed = load("faq.csv", "question,answer\nHow long?,3 days\nopen now?,Until 5.\nwhen does it come,3  days.\n")
    bodies = [each.value.body for each in parsed.records if isinstance(each.value, Template)]
    assert bodies == ["3 days", "Until 5."]


def test_names_do_not_depend_on_the_order_of_rows(load: Import) -> None:
    rows = ["How long?,Three days.\n", "when does it come,Three days.\n", "open now?,Until 5.\n"]
    forwards = load("faq.csv", "question,answer\n" + "".join(rows))
    backwards = load("faq.csv", "question,answer\n" + "".join(reversed(rows)))
    assert sorted(texts(forwards)) == sorted(texts(backwards))


def test_section_title_intent_and_language(load: Import) -> None:
    parsed = load("faq.csv", "Section title,question,answer,intent,language\nReturns,怎么退货,寄回。,returns,Chinese\n")
    template = next(each.value for each in parsed.records if isinstance(each.value, Template))
    assert (template.key, template.intent, template.language) == ("returns.zh", "returns", "zh")


def test_the_title_stands_in_for_a_missing_question(load: Import) -> None:
    parsed = load("faq.csv", "title,question,answer\nOpening hours,,Until 5.\n")
    assert texts(parsed) == [("Opening hours", "opening_hours")]


def test_reasons(refusal: Refusal) -> None:
    text = refusal("faq.csv", "question,answer\nq,\n,a\nq,{{订单号}}\n")
    assert text.split("\n")[1:4] == [
        "  faq.csv, line 2: the answer is empty; where cells are merged, repeat the answer in each row",
        "  faq.csv, line 3: the question is empty",
        '  faq.csv, line 4: placeholder "订单号" cannot name a variable; use letters a to z, such as {order_number}',
    ]


def test_missing_columns_name_the_nearest(refusal: Refusal) -> None:
    text = refusal("faq.csv", "qestion,answer\na,b\n")
    assert text == (
        'faq.csv: no column "question" (is "qestion" meant?); found: "qestion", "answer". '
        "Such a table needs columns question and answer, or text and intent"
    )


def test_one_question_with_two_answers_is_a_conflict(load: Import) -> None:
    plan = make_plan(load("faq.csv", "question,answer\nHow long?,Three days.\nhow long,Four weeks!\n"), Snapshot(0))
    assert [
        (each.what, each.first_place and each.first_place.line, each.second_place.line) for each in plan.conflicts
    ] == [("How long?", 2, 3)]


def test_workbook(load: Import) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["Question", "Answer"])
    sheet.append(["How long?", "3 days"])
    buffer = io.BytesIO()
    book.save(buffer)
    assert texts(load("faq.xlsx", buffer.getvalue())) == [("How long?", "how_long")]


def test_personal_data_is_in_no_derived_name(load: Import) -> None:
    parsed = load("faq.csv", "question,answer\nWho reads jane@example.com?,We do.\n")
    assert texts(parsed) == [("Who reads [email]?", "who_reads_email")]
    assert "jane" not in repr(parsed)
