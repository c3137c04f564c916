from __future__ import annotations

import pytest

from training.page.markup import MOST_SHOWN, Markup, joined, shown, tag


def test_what_is_no_markup_is_escaped() -> None:
    made = tag("p", "<script>", tag("b", 'a & "b"'), class_="x", data_name='"><i', title=None)
    assert made == '<p class="x" data-name="&quot;&gt;&lt;i">&lt;script&gt;<b>a &amp; &quot;b&quot;</b></p>'
    assert isinstance(made, Markup)
    assert joined(["<", Markup("<br/>"), 3]) == "&lt;<br/>3"


def test_empty_elements_and_nested_names() -> None:
    assert tag("rect", x=1, stroke_width=2) == '<rect x="1" stroke-width="2"/>'
    assert tag("rect", tag("title", "a")) == "<rect><title>a</title></rect>"
    assert tag("meta", name="viewport") == '<meta name="viewport"/>'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u202eb\u2066c", "a⟨U+202E⟩b⟨U+2066⟩c"),
        ("a\x00b\tc\nd\x7f", "a␀b␉c␊d␡"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("broken\ud800", "broken�"),
        ("line\u2028end", "line⟨U+2028⟩end"),
        ("👩\u200d👧 退货", "👩\u200d👧 退货"),
    ],
)
def test_what_nobody_would_see_is_written_out(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_a_long_text_ends() -> None:
    assert shown("x" * 10_000) == "x" * MOST_SHOWN + "… (10,000 characters)"
    assert len(shown("x" * MOST_SHOWN)) == MOST_SHOWN


def test_a_percent_sign_stays_with_its_number() -> None:
    assert joined(["at 5 % of % all"]) == "at 5\u00a0% of % all"
