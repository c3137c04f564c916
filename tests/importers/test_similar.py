from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.importers.similar import group_similar, most_typical


def test_groups_follow_the_order() -> None:
    texts = [
        "Your parcel arrives within 3 working days.",
        "We are closed on Sundays.",
        "Your parcel arrives within 5 working days!",
        "we are closed on sunday",
    ]
    assert group_similar(texts, 0.7) == [[0, 2], [1, 3]]


def test_more_texts_than_one_block() -> None:
    texts = [f"answer {'abcdefghij'[i % 10] * 20}" for i in range(600)]
    groups = group_similar(texts, 0.9)
    assert [len(group) for group in groups] == [60] * 10
    assert groups[3][:3] == [3, 13, 23]


def test_most_typical() -> None:
    assert most_typical(["where is my order", "where is my order please", "hello"]) == "where is my order"
    assert most_typical(["bb", "aa", "ccc"]) == "aa"


@settings(max_examples=50)
@given(st.lists(st.text(max_size=8), max_size=20))
def test_each_position_is_in_one_group(texts: list[str]) -> None:
    groups = group_similar(texts, 0.6)
    assert sorted(position for group in groups for position in group) == list(range(len(texts)))
