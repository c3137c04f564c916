"""Filling answers: never a hole, and the wording that fits best."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.templates import ASKABLE, Wording, choose_wording, render, variables
from chatbot.types import Template

NAMES = st.sampled_from(["order_number", "customer_email", "customer_phone", "shop_name", "support_phone"])
PIECES = st.one_of(st.text(st.characters(exclude_characters="{}")), NAMES.map(lambda name: f"{{{name}}}"))
BODIES = st.lists(PIECES, max_size=6).map("".join)
VALUES = st.dictionaries(NAMES, st.text(max_size=8))


def template(key: str, body: str = "Hello.", *, valid_until: date | None = None) -> Template:
    return Template(key, "refund", body, valid_until=valid_until)


def chosen(*templates: Template, **values: str) -> tuple[str, tuple[str, ...]] | None:
    """Key of the chosen wording and what is missing."""
    wording = choose_wording(templates, values=values, evidence={})
    return (wording.template.key, wording.missing) if wording else None


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("Hello.", ()),
        ("{b} and {a}, {b} again", ("b", "a")),
        ("a {{literal}} brace", ()),
        ("{{{name}}}", ("name",)),
        ("", ()),
    ],
)
def test_variables_in_order_of_appearance(body: str, names: tuple[str, ...]) -> None:
    assert variables(body) == names


@pytest.mark.parametrize(
    "body", ["{", "}", "{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{order number}", "{a-b}", "{ a }", "{a"]
)
def test_braces_that_are_no_variable(body: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        variables(body)


def test_the_error_shows_how_to_write_it() -> None:
    with pytest.raises(ValueError) as caught:
        variables("Your {order number}")
    assert str(caught.value) == (
        '"{order number}" is not a variable; write {lower_snake_case}, and a literal brace twice'
    )


def test_a_filled_answer() -> None:
    text = render(template("a", "Order {order_number}, {{as is}}: {order_number}."), {"order_number": "JP-1", "x": "y"})
    assert text == "Order JP-1, {as is}: JP-1."


def test_a_value_is_never_read_as_a_template() -> None:
    assert render(template("a", "Hi {name}."), {"name": "{customer_email} {0} {{"}) == "Hi {customer_email} {0} {{."


@pytest.mark.parametrize("values", [{}, {"name": ""}, {"other": "x"}])
def test_a_hole_is_an_error(values: dict[str, str]) -> None:
    with pytest.raises(KeyError, match="name"):
        render(template("a", "Dear {name}, hello."), values)


@given(BODIES, VALUES)
def test_an_answer_is_whole_or_not_given(body: str, values: dict[str, str]) -> None:
    needed = variables(body)
    if any(not values.get(name) for name in needed):
        with pytest.raises(KeyError):
            render(template("a", body), values)
        return
    expected = body
    for name in needed:
        expected = expected.replace(f"{{{name}}}", "\0" + name + "\0")
    for name in needed:
        expected = expected.replace(f"\0{name}\0", values[name])
    if "\0" not in body and not any("\0" in value for value in values.values()):
        assert render(template("a", body), values) == expected


@given(st.text(), VALUES)
def test_whatever_is_written_it_is_refused_or_rendered(body: str, values: dict[str, str]) -> None:
    try:
        rendered = render(template("a", body), values)
    except (KeyError, ValueError):
        return
    assert all(values[name] in rendered for name in variables(body))


@given(st.lists(BODIES, max_size=5), VALUES)
def test_what_is_chosen_can_be_shown_or_asked_for(bodies: list[str], values: dict[str, str]) -> None:
    templates = [template(f"a{number}.x", body) for number, body in enumerate(bodies)]
    wording = choose_wording(templates, values=values, evidence={})
    if wording is None:
        assert all(any(name not in ASKABLE and not values.get(name) for name in variables(body)) for body in bodies)
    elif wording.missing:
        assert set(wording.missing) <= set(ASKABLE)
    else:
        render(wording.template, values)


def test_nothing_to_choose_from() -> None:
    assert choose_wording([], values={}, evidence={}) is None


def test_the_fullest_wording_that_can_be_shown() -> None:
    plain = template("a", "Soon.")
    fuller = template("a.order", "Order {order_number}: soon.")
    fullest = template("a.both", "Order {order_number}: soon, {shop_name}.")
    assert chosen(plain, fuller, fullest) == ("a", ())
    assert chosen(plain, fuller, fullest, order_number="JP-1") == ("a.order", ())
    assert chosen(plain, fuller, fullest, order_number="JP-1", shop_name="Tiny") == ("a.both", ())
    assert chosen(plain, fuller, fullest, shop_name="Tiny") == ("a", ())


def test_equally_good_ones_in_their_order() -> None:
    assert chosen(template("a.one"), template("a.two")) == ("a.one", ())
    assert chosen(template("b"), template("a")) == ("b", ())


def test_what_holds_for_these_days_goes_before_the_evergreen() -> None:
    fuller = template("a", "Order {order_number}: in 3 days.")
    dated = template("a.december", "In 9 days.", valid_until=date(2026, 12, 31))
    assert chosen(fuller, dated, order_number="JP-1") == ("a.december", ())
    assert chosen(fuller, replace(dated, valid_from=date(2026, 12, 1), valid_until=None), order_number="JP-1") == (
        "a.december",
        (),
    )


def test_it_asks_for_the_order_number() -> None:
    assert chosen(template("a", "Order {order_number} is on its way.")) == ("a", ("order_number",))
    assert chosen(template("a", "Order {order_number} is on its way."), order_number="") == ("a", ("order_number",))


def test_it_asks_as_little_as_possible() -> None:
    two = template("a.two", "{order_number} {customer_email}")
    one = template("a.one", "{customer_email}")
    assert chosen(two, one) == ("a.one", ("customer_email",))
    assert chosen(two, one, order_number="JP-1") == ("a.two", ("customer_email",))  # the fuller of two single questions


def test_it_asks_for_the_wording_that_holds_for_these_days() -> None:
    evergreen = template("a", "{order_number}: in 3 days.")
    dated = template("a.december", "{order_number}: in 9 days.", valid_until=date(2026, 12, 31))
    assert chosen(evergreen, dated) == ("a.december", ("order_number",))


def test_it_never_asks_for_what_a_customer_cannot_know() -> None:
    unknown = template("a", "Ring {support_phone} about {order_number}.")
    assert chosen(unknown) is None
    assert chosen(unknown, order_number="JP-1") is None
    assert chosen(unknown, support_phone="020") == ("a", ("order_number",))


def test_evidence_tells_which_answer_is_meant() -> None:
    templates = [
        template("late"),
        template("late.order", "{order_number}"),
        template("broken"),
        template("none", "{x}"),
    ]

    def best(values: dict[str, str], **evidence: float) -> Wording | None:
        return choose_wording(
            templates, values=values, evidence={key.replace("__", "."): each for key, each in evidence.items()}
        )

    assert best({}, broken=0.7, late=0.6) == Wording(templates[2])
    assert best({}, broken=0.7, late__order=0.8) == Wording(templates[0])  # an answer is as near as its nearest wording
    assert best({"order_number": "1"}, broken=0.7, late__order=0.8) == Wording(templates[1])
    assert best({}, none=0.9, broken=0.7) == Wording(templates[2])  # the nearest can never be shown
    assert best({}, unknown=0.9) == Wording(templates[0])
    assert best({}, broken=-0.5, late=-0.7) == Wording(templates[2])
