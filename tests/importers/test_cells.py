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
    names = cells.Names(["a_3", "b"])
    assert [names.unique(each) for each in ("a", "a", "a", "b", "a_2")] == ["a", "a_2", "a_4", "b_2", "a_2_2"]


@pytest.mark.parametrize("hidden", ["\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\ufeff"])
def test_names_hold_only_what_can_be_seen(hidden: str) -> None:
    with pytest.raises(BadRow) as bad:
        cells.name_of(f"a{hidden}b", "intent")
    code = f"U+{ord(hidden):04X}"
    assert str(bad.value) == f"intent holds the control character {code}, which cannot be seen; remove it"
    assert cells.visible(f"a{hidden}b") == "a\ufffdb"


def test_joiners_are_part_of_words() -> None:
    for name in ("\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f469\u200d\U0001f527"):
        assert cells.name_of(name, "intent") == name == cells.visible(name)


def test_spellings_of_out_of_scope() -> None:
    names = ("oos", "Out of Scope", "out-of-domain", "\uff4f\uff4f\uff53")
    assert {cells.label_of(name) for name in names} == {"out_of_scope"}
    with pytest.raises(BadRow, match="reserved"):
        cells.label_of("\uff3fhandoff")


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
