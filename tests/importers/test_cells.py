from __future__ import annotations

from datetime import date

import pytest

from chatbot.importers import cells
from chatbot.importers.records import BadRow


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Where's my order?", "where_s_my_order"),
        ("退款要多久？", "退款要多久"),
        ("???", "question"),
        ("a" * 80, "a" * 60),
        ("can you tell me how long the delivery to the islands takes in winter", None),
    ],
)
def test_slug(text: str, name: str | None) -> None:
    expected = name or "can_you_tell_me_how_long_the_delivery_to_the_islands_takes_in"
    assert cells.slug(text, limit=61 if name is None else 60) == expected


def test_unique() -> None:
    assert [cells.unique("a", taken) for taken in ([], ["a"], ["a", "a_2"])] == ["a", "a_2", "a_3"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "x must be text and is nothing (null)"),
        (True, "x must be text and is true or false"),
        ("\ud800", "x holds half a character (a lone surrogate); type it again"),
        ("  ", "x is empty"),
    ],
)
def test_what_is_no_text(value: object, reason: str) -> None:
    with pytest.raises(BadRow) as bad:
        cells.text_of(value, "x")
    assert str(bad.value) == reason


def test_languages() -> None:
    assert [cells.language_code(each) for each in ("English", "中文", "zh-CN", "pt-BR", "Klingon")] == [
        "en",
        "zh",
        "zh",
        "pt-BR",
        "Klingon",
    ]


def test_dates() -> None:
    assert [cells.date_of(each, "d") for each in (None, "", "2026-03-01", "2026-03-01T00:00:00")] == [
        None,
        None,
        date(2026, 3, 1),
        date(2026, 3, 1),
    ]
    with pytest.raises(BadRow, match="is no date; write it as 2026-12-31"):
        cells.date_of("31.12.2026", "d")
