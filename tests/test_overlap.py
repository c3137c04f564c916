"""Shared words: endings fall away, rare words count more."""

from __future__ import annotations

import pytest

from chatbot.overlap import Rarity, covered, share_words, words_of


def test_words_lose_case_and_endings_and_chinese_is_read_in_pairs() -> None:
    assert words_of("Repairing 2 zips repaired a-zip’s") == {"repair", "2", "zip"}
    assert words_of("退货邮费") == {"退货", "货邮", "邮费"}
    assert words_of("费 ok?") == {"费", "ok"}
    assert words_of("!?") == frozenset()


@pytest.mark.parametrize(
    ("text", "others", "expected"),
    [
        ("parcels?", ["hello", "where is my parcel"], True),
        ("退货吗", ["怎么退货"], True),
        ("政个让单", ["怎么退货", "退款多久"], False),
        ("hgahg", ["hiya", "hello there"], False),
        ("h", ["hi", "48 h"], False),
        ("H", ["h"], True),
        ("parcel", [], False),
    ],
)
def test_sharing_a_word(text: str, others: list[str], expected: bool) -> None:
    assert share_words(text, others) is expected


def test_rare_words_weigh_more_and_unknown_ones_most() -> None:
    rarity = Rarity.among([{"gift", "card"}, {"gift", "wrap"}, {"gift"}])
    assert rarity.of("gift") < rarity.of("card") < rarity.of("kayak")


def test_the_share_of_a_question_that_a_text_holds() -> None:
    rarity = Rarity.among([{"gift", "card"}, {"wrap"}])
    weights = rarity.weights({"card", "kayak"})
    assert covered(weights, {"card", "gift"}) == pytest.approx(
        rarity.of("card") / (rarity.of("card") + rarity.of("kayak"))
    )
    assert covered(weights, {"card", "kayak"}) == 1.0
    assert covered(weights, {"tent"}) == 0.0
    assert covered({}, {"tent"}) == 0.0


def test_what_stands_in_every_text_says_nothing() -> None:
    rarity = Rarity.among([{"the", "a"}, {"the"}])
    assert rarity.of("the") == pytest.approx(0.182, abs=0.001)
    assert Rarity.among([]).of("any") > 0
