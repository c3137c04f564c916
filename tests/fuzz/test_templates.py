"""A template's body is taken apart, checked and filled: whatever stands in it, no hole and no code comes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.desk.wordings import check
from chatbot.importers.body import body_from, check_body, literal
from chatbot.importers.body import variables as named
from chatbot.importers.records import BadRow
from chatbot.redact import Redactor
from chatbot.templates import choose_wording, render, variables
from chatbot.types import Template

from .hostile import short
from .profile import in_time, tried
from .strategies import TEXTS

PIECES = st.sampled_from(
    [
        *(
            "{",
            "}",
            "{{",
            "}}",
            "{order_number}",
            "{shop_name}",
            "{ a }",
            "{a.b}",
            "{a[0]}",
            "{a!r}",
            "{a:>9}",
            "{0}",
            "{}",
        ),
        *(
            "{class}",
            "{ｓ}",
            "{{Order Number}}",
            "{{ }}",
            "words",
            "\n",
            "%s",
            "${x}",
            "{customer_email}",
            "{__class__}",
        ),
    ]
)
BODIES = st.lists(st.one_of(PIECES, TEXTS), max_size=8).map("".join)
VALUES = st.dictionaries(
    st.sampled_from(["order_number", "shop_name", "customer_email", "a", "class"]), st.one_of(PIECES, TEXTS)
)
REDACTOR = Redactor()


@tried(150)
@given(BODIES, VALUES)
def test_a_body_is_refused_or_filled_whole(body: str, values: dict[str, str]) -> None:
    template = Template("key", "intent", body)
    try:
        names = variables(body)
    except ValueError:
        return
    missing = [name for name in names if not values.get(name)]
    if missing:
        with pytest.raises(KeyError, match=missing[0]):
            render(template, values)
        return
    shown = render(template, values)
    for name in names:
        assert values[name] in shown
    if not names:
        assert shown == body.replace("{{", "{").replace("}}", "}")
    wording = choose_wording([template], values=values, evidence={"key": float("nan")})
    assert wording is not None
    assert wording.missing == ()


@tried(100)
@given(BODIES)
def test_what_an_import_makes_of_a_body_can_be_filled(text: str) -> None:
    try:
        body = body_from(text)
    except BadRow:
        return
    check_body(body)
    assert tuple(dict.fromkeys(named(body))) == variables(body)
    render(Template("key", "intent", body), dict.fromkeys(variables(body), "{x}"))


@tried(80)
@given(BODIES)
def test_literal_text_is_said_as_it_stands(text: str) -> None:
    body = literal(text)
    check_body(body)
    assert render(Template("key", "intent", body), {}) == text


@tried(80)
@given(BODIES, TEXTS, TEXTS)
def test_what_the_desk_says_of_a_wording(body: str, key: str, intent: str) -> None:
    with in_time(body):
        found = check(Template(key, intent, body), facts={"shop_name": "Tiny {Shop}"}, redactor=REDACTOR)
    assert found.rendered == body or not found.problems or found.variables or "{" not in body or "{{" in body
    assert all(sentence[:1].isupper() for sentence in found.problems)


def test_hostile_values_stay_values() -> None:
    template = Template("key", "intent", "Order {order_number} is on its way.")
    for text in short():
        if text:
            assert render(template, {"order_number": text}) == f"Order {text} is on its way."
