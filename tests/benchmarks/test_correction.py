from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.correction import (
    CONTRACTIONS,
    SWAPS,
    Changed,
    Delay,
    Effect,
    answered_table,
    changed_table,
    correct,
    delayed,
    first_replies,
    misread,
    parse,
    soon,
    swapped,
    ways,
)
from benchmarks.desk import Desk
from benchmarks.draws import Labelled
from chatbot.settings import Settings
from chatbot.wiring import open_house

SWAP = Labelled("can I swap my boots for blue ones", "return_item")
HOURS = Labelled("what are your opening hours", "opening_hours")
OTHERS = [HOURS, Labelled("do you take visa", "payment_methods"), Labelled("is the coat true to size", "size_guide")]


def test_what_is_asked_for() -> None:
    asked = parse(["--data", "sets", "--corrections", "2"])
    assert (asked.data, asked.corrections, asked.seed, asked.threads) == (Path("sets"), 2, 0, 0)


def test_the_ways_to_write_a_question() -> None:
    found = ways("How do I change my PIN?", 0)
    slip = found.pop("a slip of the finger")
    assert slip != "How do I change my PIN?"
    assert found == {
        "capitals": "HOW DO I CHANGE MY PIN?",
        "no marks, small letters": "how do i change my pin",
        "more marks": "How do I change my PIN???",
        '"please"': "How do I change my PIN please?",
        '"hi, "': "Hi, how do I change my PIN?",
        "another small word": "How can i change my PIN?",
    }, "there is nothing to contract"


@pytest.mark.parametrize(
    ("text", "pairs", "expected"),
    [
        ("I'm waiting for my card", CONTRACTIONS, "I am waiting for my card"),
        ("it isn't here", CONTRACTIONS, "it is not here"),
        ("Can I pay here", SWAPS, "Could i pay here"),
        ("pay now", SWAPS, "pay now"),
    ],
)
def test_words_are_swapped_whole(text: str, pairs: tuple[tuple[str, str], ...], expected: str) -> None:
    assert swapped(text, pairs) == expected


def test_the_tables() -> None:
    one = Effect(True, {"capitals": (False, True)}, [(True, True)], [Changed(0.8, False, True)], 1000, True)
    other = Effect(False, {"capitals": (False, False)}, [], [Changed(0.7, True, False)] * 3, 1000, True)
    assert answered_table([one, other]).splitlines()[2:] == [
        "| the question itself | 2 | 0.00 % | 50.00 % |",
        "| capitals | 2 | 0.00 % | 50.00 % |",
        "| all of these ways | 2 | 0.00 % | 50.00 % |",
        "| asked so by others (cosine 0.9 or more) | 1 | 100.00 % | 100.00 % |",
    ]
    lines = changed_table([one, other]).splitlines()
    assert "| changed, mean | 0.20 % |" in lines
    assert "| corrections that change at most 0.1 % | 1 of 2 |" in lines
    assert "| of the changed: now right, no more right, neither | 1, 3, 0 |" in lines
    assert "| least cosine of a changed one to the corrected | 0.70 |" in lines
    assert "| an undo until it is committed | 4 | 4 | 4 |" in delayed([Delay(1, 2, 3, 4, 5)])


def test_one_correction_reaches_its_paraphrases_and_is_undone(settings: Settings) -> None:
    rest = [SWAP, *OTHERS]
    with open_house(settings) as house:
        desk = Desk.of(house, {}, rest)
        known = first_replies(desk, rest)
        assert misread(rest, known, 4, 0)[0] == SWAP
        desk.take_in([SWAP])
        effect = correct(desk, SWAP, rest, known, 0)
        assert (effect.own, effect.others, effect.restored) == (True, 3, True)
        assert effect.ways["capitals"] == (False, True)
        assert effect.ways["no marks, small letters"] == (False, True)
        assert [one.similarity < 0.9 for one in effect.changed] == [True] * len(effect.changed)
        delay = soon(desk, [SWAP])[0]
    assert 0 < delay.answered < 1000
    assert 0 < delay.restored < 1000
