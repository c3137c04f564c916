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


def test_no_answer_to_what_is_out_of_scope(refusal: Refusal) -> None:
    for name in ("oos", "Out of Scope", "\uff2f\uff2f\uff33"):
        text = refusal("t.csv", f"key,intent,body\nk,{name},Hello.\n")
        assert f't.csv, line 2: intent "{name}" means out of scope; no answer can be given to it' in text
    assert 'begins with "_"' in refusal("t.csv", "key,intent,body\nk,_other,Hello.\n")


def test_the_reserved_hand_off_intent(load: Import) -> None:
    (record,) = load("t.csv", "key,intent,body\nk,_handoff,A person is coming.\n").records
    assert record.value == Template("k", "_handoff", "A person is coming.", source="t.csv")


def test_a_key_that_moves_the_cursor(refusal: Refusal) -> None:
    text = refusal("t.csv", "key,intent,body\nk\x1b[2J,i,Hello.\n")
    assert "t.csv, line 2: key holds the control character U+001B, which cannot be seen; remove it" in text
    assert "\x1b" not in refusal("t.csv", "\x1b[2J,b\n1,2\n")
