from __future__ import annotations

import pytest

from benchmarks.redaction import ORDER_NUMBER
from chatbot.disguise import in_digits, on_one_line, without_gaps
from chatbot.redact import MOST_PUZZLED, Redactor
from chatbot.types import Redacted

REDACTOR = Redactor(ORDER_NUMBER)


def test_a_cut_line_goes_on() -> None:
    view = on_one_line("ring 138\n1234 \r\n 5678 now\n\nbye", " ")
    assert view is not None
    assert view.text == "ring 138 1234 5678 now\n\nbye"
    start = view.text.index("138")
    assert view.span(start, start + 13) == (5, 21)
    assert view.span(0, 4) is None
    assert view.span(start, start + 3) is None  # up to the seam, and not over it


def test_what_left_nothing_behind_lies_between_two_characters() -> None:
    view = on_one_line("a@\nb.co c", "")
    assert view is not None
    assert (view.text, view.span(0, 6), view.span(2, 6), view.span(0, 2)) == ("a@b.co c", (0, 7), None, None)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("4 1 1 1 1 now", "41111 now"), ("D-E-8-9 x", "DE89 x"), ("4 1 1", None), ("40 10 20 30", None),
        ("1 2 3 4 please", "1234 please"), ("1.2 3 4", None),
    ],
)  # fmt: skip
def test_signs_by_themselves(text: str, seen: str | None) -> None:
    view = without_gaps(text)
    assert (view.text if view else None) == seen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("oh seven seven double oh nine one!", "0770091!"), ("电话一三八〇零幺完", "电话138001完"),
        ("one two three", None), ("triple Two, five-six seven eight nine", "22256789"),
        ("boneone two three four five six", None),
    ],
)  # fmt: skip
def test_numbers_in_words(text: str, seen: str | None) -> None:
    view = in_digits(text)
    assert (view.text if view else None) == seen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call 138\n1234\n5678 now", "call [phone] now"),
        ("IBAN D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0", "IBAN [iban]"),
        ("orderJP-123456was lost", "order[order]was lost"),
        ("JP-12\n3456", "[order]"),
        ("mail me@\nexample.com", "mail [email]"),
        ("zhang88 艾特 example 点 com", "[email]"),
        ("ip：2001:db8:1:2:3:4:5:6", "ip：[ip]"),
        ("my password is\n\nhunter2", "my password is\n\n[secret]"),
        ("?\ntoken=d9d90dfde1ee3c6ecad7", "?\ntoken=[secret]"),
        ("card 4111_1111_1111_1111", "card [card]"),
        ("110105-19491231-002X", "[id]"),
        ("IBAN:DE89370400440532013000thanks", "IBAN:[iban]thanks"),
        ("sizes\n38\n40\n42", "sizes\n38\n40\n42"),
        ("XJP-123456B", "XJP-123456B"),
    ],
)
def test_what_is_masked(text: str, expected: str) -> None:
    redacted = REDACTOR.redact(text)
    assert redacted.text == expected
    assert REDACTOR.redact(expected) == redacted


def test_two_numbers_in_one_run_are_masked_once() -> None:
    assert REDACTOR.redact("1 3 8 1 2 3 4 5 6 7 8 1 3 8 1 2 3 4 5 6 7 9").text.count("[") <= 1


@pytest.mark.parametrize(
    ("text", "number"),
    [("where is JP-12\n3456", "JP-123456"), ("orderjp-123456", "JP-123456"), ("JP-111111 or J", "JP-111111")],
)
def test_an_answer_names_the_order_as_the_shop_writes_it(text: str, number: str) -> None:
    assert REDACTOR.facts(text) == {"order_number": number}


def test_what_is_too_long_is_read_once() -> None:
    text = "x" * MOST_PUZZLED + " 138\n1234\n5678"
    assert REDACTOR.redact(text) == Redacted(text, ())
