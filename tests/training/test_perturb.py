from __future__ import annotations

import random
from collections import Counter

import pytest

from training.perturb import (
    SHORT_FORMS,
    SLIPS,
    Perturb,
    double,
    drop,
    lookalike,
    lower,
    missing_space,
    neighbour_key,
    swap,
    text_message,
    typo,
    upper,
    without_marks,
)

QUESTION = "Where is my order? It's late"
ALL: tuple[Perturb, ...] = (*SLIPS, typo, lookalike, missing_space, upper, lower, without_marks, text_message)


def many(change: Perturb, text: str) -> set[str]:
    return {change(text, random.Random(seed)) for seed in range(300)}


def test_each_slip_changes_one_place_of_a_word() -> None:
    assert many(swap, "order") == {"roder", "odrer", "oredr", "ordre"}
    assert many(drop, "order") == {"rder", "oder", "orer", "ordr", "orde"}
    assert many(double, "Order") == {"Oorder", "Orrder", "Ordder", "Ordeer", "Orderr"}
    assert many(neighbour_key, "Zap") == {"Xap", "Zsp", "Zao"}
    assert many(lookalike, "oil") == {"0il", "o1l", "oi1"}


def test_equal_neighbours_are_not_swapped() -> None:
    assert many(swap, "Aab") == {"Aba"}
    assert many(swap, "aaa") == {"aaa"}


def test_short_words_and_numbers_are_spared() -> None:
    assert all(found.startswith("is it ") and found.endswith(" 7") for found in many(typo, "is it late 7"))
    assert many(drop, "is it") == {"s it", "i it", "is t", "is i"}  # where there is no longer word


def test_a_typo_is_any_of_the_slips() -> None:
    assert many(typo, "word") == set.union(*(many(slip, "word") for slip in SLIPS))


def test_a_missing_space_joins_two_words() -> None:
    assert many(missing_space, "one two three") == {"onetwo three", "one twothree"}


def test_casing_and_punctuation() -> None:
    chance = random.Random(0)
    assert upper(QUESTION, chance) == "WHERE IS MY ORDER? IT'S LATE"
    assert lower(QUESTION, chance) == "where is my order? it's late"
    assert without_marks(QUESTION, chance) == "Where is my order Its late"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Where is my card? Please help", "wheres me card pls help"),
        ("Can you send it to me tomorrow?", "can u send it 2 me 2moro"),
        ("What's the yard", "whats the yard"),
    ],
)
def test_a_text_message(text: str, written: str) -> None:
    assert text_message(text, random.Random(0)) == written


def test_short_forms_are_shorter() -> None:
    assert [form for form, short in SHORT_FORMS.items() if len(short) >= len(form) and form != "my"] == []


@pytest.mark.parametrize("change", ALL)
@pytest.mark.parametrize("text", ["", " ", "?!", "7", "订单在哪里", "a", QUESTION])
def test_any_text_and_the_same_chance_the_same_result(change: Perturb, text: str) -> None:
    assert change(text, random.Random(3)) == change(text, random.Random(3))
    if change in SLIPS and text not in ("a", QUESTION):
        assert change(text, random.Random(3)) == text


def test_all_four_kinds_come_about_as_often() -> None:
    lengths = Counter(len(typo("order", random.Random(seed))) for seed in range(1000))
    assert 200 < lengths[4] < 300
    assert 200 < lengths[6] < 300
    assert 400 < lengths[5] < 600
