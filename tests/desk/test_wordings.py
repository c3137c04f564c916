"""A wording is checked before anybody reads it, and each problem says its cure."""

from __future__ import annotations

from datetime import date

import pytest

from chatbot.desk.wordings import Check, Variable, check, matches
from chatbot.redact import Redactor
from chatbot.types import Template

FACTS = {"shop_name": "Tiny Shop", "support_phone": "020 7946 0123", "empty": ""}


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(r"JP-\d{6}")


def checked(body: str, redactor: Redactor, **more: object) -> Check:
    values = {"key": "refund", "intent": "refund", "body": body} | more
    return check(Template(**values), facts=FACTS, redactor=redactor)  # type: ignore[arg-type]


def test_it_reads_as_a_customer_would_read_it(redactor: Redactor) -> None:
    found = checked("{shop_name}: order {order_number} {{sic}}. Ring {support_phone}, {shop_name}.", redactor)
    assert found == Check(
        "Tiny Shop: order [your order number] {sic}. Ring 020 7946 0123, Tiny Shop.",
        (
            Variable("shop_name", "fact", "Tiny Shop"),
            Variable("order_number", "customer"),
            Variable("support_phone", "fact", "020 7946 0123"),
        ),
        (),
    )
    assert checked("订单 {order_number}", redactor, language="zh").rendered == "订单 [订单号]"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "Nothing is written yet."),
        (" \n ", "Nothing is written yet."),
        ("Within {days} days", "Nobody fills {days}: no fact has this name"),
        ("{empty}", "Nobody fills {empty}"),
        ("100 % {", "a single { or }"),
        ("Within 30\n days.\x00", "The wording holds a character that cannot be seen (U+0000, a control character)"),
        ("Within \u202e03 days.", "(U+202E, right-to-left override) in place 8; take it out"),
        ("{orderNumber}", 'a variable "orderNumber" that is not lower_snake_case'),
        ("{shop_name!r}", 'a variable "shop_name" that is not'),
        ("{shop_name.__class__}", 'a variable "shop_name.__class__"'),
    ],
)
def test_what_is_wrong_is_said_with_its_cure(body: str, problem: str, redactor: Redactor) -> None:
    (said,) = checked(body, redactor).problems
    assert problem in said
    assert said.endswith(".")
    assert said[0].isupper()


def test_what_nobody_fills_is_shown_by_its_name(redactor: Redactor) -> None:
    found = checked("Within {days} days", redactor)
    assert (found.rendered, found.variables) == ("Within {days} days", (Variable("days", "nobody"),))


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"intent": "out_of_scope"}, "What is out of scope gets no answer"),
        (
            {"key": "refund\u202e"},
            "The key holds a character that cannot be seen (U+202E, right-to-left override) in place 7",
        ),
        ({"key": "ref\u3164und"}, "The key holds a character that cannot be seen (U+3164, hangul filler)"),
        ({"key": "refund!"}, "has to be a name such as refund"),
        ({"intent": "ref\0und"}, "The name of the intent holds a character that cannot be seen (U+0000"),
        ({"key": ".zh"}, "has to be a name such as refund"),
        ({"valid_from": date(2026, 2, 1), "valid_until": date(2026, 1, 1)}, "end before it begins"),
    ],
)
def test_what_is_misplaced_is_no_answer(more: dict[str, object], problem: str, redactor: Redactor) -> None:
    (said,) = checked("Yes.", redactor, **more).problems
    assert problem in said


@pytest.mark.parametrize("key", ["refund", "refund.zh", "refund.no_number.zh", "a/b-c", "退款.zh", "Where is it"])
def test_keys_that_files_have_are_keys(key: str, redactor: Redactor) -> None:
    assert checked("Yes.", redactor, key=key).problems == ()


@pytest.mark.parametrize("body", ["One.\r\n\tTwo.\nThree.", "Thank you ❤️ 👩‍👩‍👧", "می‌خواهم"])
def test_lines_emoji_and_joined_scripts_are_no_secret(body: str, redactor: Redactor) -> None:
    assert checked(body, redactor).problems == ()


def test_personal_data_is_a_warning_and_no_obstacle(redactor: Redactor) -> None:
    found = checked("Your order JP-482913 goes to ann@example.org; see https://shop.example/help.", redactor)
    assert found.problems == ()
    assert [warning.split(":")[0].split(".")[0] for warning in found.warnings] == [
        "This holds what looks like personal data (order)",
        "This holds what looks like personal data (email)",
    ]
    assert checked("Order {order_number}, ring {support_phone}.", redactor).warnings == ()


def test_each_word_of_a_search_stands_somewhere() -> None:
    template = Template("refund.zh", "get_refund", "Within 14 days", owner="Care")
    assert matches(template, "REFUND 14 care", "Money back")
    assert matches(template, "money", "Money back")
    assert matches(template, "", "")
    assert not matches(template, "refund 15", "Money back")
