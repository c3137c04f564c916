from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.importers.small_talk import Courtesies, asks, is_answer, is_question, sentences

NONE = Courtesies(frozenset())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hi! I need to return an item.", ["I need to return an item."]),
        ("hello, whers my order?", ["whers my order?"]),
        ("Thanks for trying to help. That's it. Take care.", []),
        ("ok great. how long is it?", ["how long is it?"]),
        ("yes I bought the tent in May", ["I bought the tent in May"]),
        ("[email]", []),
        ("你好，退款要多久？谢谢", ["退款要多久？"]),
    ],
)
def test_customers(text: str, kept: list[str]) -> None:
    assert NONE.without(text, by_customer=True) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hi, thanks for contacting us, you're speaking with Priya. It left today.", ["It left today."]),
        ("Sorry to hear they don't fit! Use juniper.example/returns today.", ["Use juniper.example/returns today."]),
        ("I'm sorry, we do not ship to Ireland.", ["I'm sorry, we do not ship to Ireland."]),
        ("One moment please. Have a nice day!", []),
        ("您好，很高兴为您服务。三天到。不客气", ["三天到。"]),
    ],
)
def test_agents(text: str, kept: list[str]) -> None:
    assert NONE.without(text, by_customer=False) == kept


def test_what_opens_most_conversations_is_a_courtesy_and_a_frequent_answer_is_none() -> None:
    dialogues = [
        [
            (False, "Juniper and Pine support desk here."),
            (True, "how long"),
            (False, "Three working days."),
            (True, "and"),
            (False, f"Parcel {number}."),
        ]
        for number in range(6)
    ]
    assert Courtesies.of(dialogues).common == {"juniper and pine support desk here", "parcel 0"}
    assert Courtesies.of(dialogues[:4]).common == frozenset()


def test_kinds_of_turns() -> None:
    assert [is_question(text, opens=False) for text in ("how long is it", "JP 4 blue", "退款要多久", "I got it")] == [
        True,
        False,
        True,
        False,
    ]
    assert is_question("my stove arrived broken", opens=True)
    assert [is_answer(text) for text in ("less than a week", "[email] [phone]", "三天之内就会送到的", "Monday")] == [
        True,
        False,
        True,
        False,
    ]
    assert [asks(text) for text in ("Could I take your name, please?", "请提供订单号", "It is free.")] == [
        True,
        True,
        False,
    ]


@given(st.text())
def test_sentences_lose_only_white_space(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
