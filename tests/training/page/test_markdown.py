"""What customers wrote is no Markdown; that the report says what the page says is in test_page.py."""

from __future__ import annotations

import pytest

from training.page.markdown import plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where is my order? 94.3 % (of 12)", "where is my order? 94.3 % (of 12)"),
        ("a | b", r"a \| b"),
        ("<b>*bold* _so_ `code` ~gone~</b>", r"\<b\>\*bold\* \_so\_ \`code\` \~gone\~\</b\>"),
        ("![x](http://evil.example)", r"!\[x\](http\://evil.example)"),
        ("www.evil.example and ann@shop.example", r"www\.evil.example and ann\@shop.example"),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("=====", r"\====="),
        ("1. first", r"1\. first"),
        ("1.5 litres, +2.0", "1.5 litres, +2.0"),
        ("+2.0", "+2.0"),
        ("back\\slash &amp; $x$", r"back\\slash \&amp; \$x\$"),
        ("two\nlines\u202e", "two␊lines⟨U+202E⟩"),
        ("退货怎么办", "退货怎么办"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_long_text_ends() -> None:
    assert plain("x" * 1000, 10) == "xxxxxxxxxx… (1,000 characters)"
