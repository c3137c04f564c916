from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.importers.body import body_from, check_body, literal, variables
from chatbot.importers.records import BadRow


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("Order {{Order Number}}.", "Order {order_number}."),
        ("{orderNumber} and { first-name }", "{order_number} and {first_name}"),
        ("{{Website/App Name}} {{Numéro}}", "{website_app_name} {numero}"),
        ("{{24/7 Support}} {{113542617735902}}", "{n_24_7_support} {number}"),
        ('Send {"a": {"b": 1}}', 'Send {{"a": {{"b": 1}}}}'),
        ('{{"a"}} } {', '{{{{"a"}}}} }} {{'),
        ("{}", "{{}}"),
    ],
)
def test_placeholders(text: str, body: str) -> None:
    assert body_from(text) == body
    check_body(body)


@pytest.mark.parametrize("body", ["{", "a } b", "{Order}", "{a.b}", "{a!r}", "{a:>3}", "{}", "{0}", "{a:{b}}"])
def test_bodies_that_are_refused(body: str) -> None:
    with pytest.raises(BadRow):
        check_body(body)


def test_variables_in_order() -> None:
    assert variables("{b} {{c}} {a} {b}") == ["b", "a", "b"]


@given(st.text())
def test_a_literal_body_says_the_text(text: str) -> None:
    check_body(literal(text))
    assert literal(text).format() == text


@given(st.text(alphabet="{}ab A9\n\"'é订_"))
def test_whatever_comes_in_is_a_valid_body_or_refused(text: str) -> None:
    try:
        body = body_from(text)
    except BadRow:
        return
    check_body(body)
