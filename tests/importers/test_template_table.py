from __future__ import annotations

from datetime import date

from chatbot.types import Status, Template

from .conftest import Import, Refusal


def test_columns(load: Import) -> None:
    content = (
        "key,intent,language,body,status,valid_from,valid_until,owner,source\n"
        "k,i,zh,'=1 {a},proposed,2026-01-01,,Care,old.csv\n"
        "l,i,,Hello.,,,,,\n"
    )
    first, second = load("t.csv", content).records
    assert first.value == Template("k", "i", "=1 {a}", "zh", Status.PROPOSED, date(2026, 1, 1), None, "Care", "old.csv")
    assert second.value == Template("l", "i", "Hello.", source="t.csv")
    assert second.stated == {"intent", "body", "valid_from", "valid_until"}


def test_a_wrong_body(refusal: Refusal) -> None:
    assert "  t.csv, line 2: body has a variable" in refusal("t.csv", "key,intent,body\nk,i,{Order Number}\n")
