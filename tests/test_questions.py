"""The proposal of parts: what separates questions, what belongs together, and never a word that was not written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.questions import MOST_CHARACTERS, MOST_PARTS, is_courtesy, split

WORDS = st.sampled_from(
    [
        "where", "is", "my", "order", "and", "also", "can", "I", "please", "return", "it", "what", "if", "plus", "the",
        "?", ".", "!", ",", ";", ":", "&", "\n", " ", "3.95", "[order]", "thanks", "hello", "btw", "send", "refund",
        "另外", "还有", "以及", "怎么退货", "吗", "，", "。", "？", "谢谢",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("where is it and can I cancel it?", ("where is it", "can I cancel it?")),
        ("How much is it? How long does it take?", ("How much is it?", "How long does it take?")),
        ("how much is it?and how long", ("how much is it?", "how long")),
        ("I want a refund & I need an invoice", ("I want a refund", "I need an invoice")),
        ("cancel the tent and send me the boots", ("cancel the tent", "send me the boots")),
        ("My code fails. Also, do you take Visa?", ("My code fails", "do you take Visa?")),
        ("It broke, by the way the label is missing", ("It broke", "the label is missing")),
        ("What size, when does it open and where is it?", ("What size", "when does it open", "where is it?")),
        ("can I pay later?\ndo you ship to Spain?", ("can I pay later?", "do you ship to Spain?")),
        ("Hi! Where is it? Thanks!! Can I send it back?", ("Where is it?", "Can I send it back?")),
        ("It costs £3.95, is that right? And do you ship?", ("It costs £3.95, is that right?", "do you ship?")),
        ("Wo ist mein Paket? Kann ich bar zahlen?", ("Wo ist mein Paket?", "Kann ich bar zahlen?")),
        ("怎么退货？多久能退款？", ("怎么退货？", "多久能退款？")),
        ("我想退货，另外运费是多少", ("我想退货", "运费是多少")),
        ("请问怎么付款以及能不能开发票", ("请问怎么付款", "能不能开发票")),
        ("你好，怎么付款？还有，有没有发票？谢谢", ("怎么付款？", "有没有发票？")),
    ],
)  # fmt: skip
def test_questions_are_told_apart(text: str, parts: tuple[str, ...]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "?",
        "???!!!",
        "where is my order",
        "where is my order?",
        "Where is my order? Thanks!",
        "Hello. Good morning! Where is it?",
        "thanks and have a nice day",
        "a tent and a stove",
        "do you sell tents and stoves?",
        "are you open on Saturday and Sunday?",
        "is it black and white, or grey?",
        "I moved and the parcel must go to the new house",
        "it rains and I am wet",
        "The zip is stuck. It is new. Can you mend it?",
        "Can you mend it? It is new. The zip is stuck.",
        "When my parcel arrives, can I refuse it?",
        "can you cancel it and refund me",
        "I want to link my card. How do I do that?",
        "My tent is torn, can you help me with this?",
        "What is going on? Where is my parcel?",
        "can we move it from 12 p.m. to 2 p.m. instead?",
        "I paid £3.95 at shop.example/pay.html and it failed",
        "我买了帐篷和炉子",
        "太大了，颜色也不对，可以退吗？",
        "你好，谢谢",
    ],
)
def test_what_is_one_question_stays_whole(text: str) -> None:
    assert split(text) == ()


def test_beyond_the_most_parts_the_last_holds_the_rest() -> None:
    parts = split("Where is it? What size? Who made it? How big is it? Can I see it? Do you see it?")
    assert parts == ("Where is it?", "What size?", "Who made it?", "How big is it? Can I see it? Do you see it?")
    assert len(parts) == MOST_PARTS


def test_a_story_is_read_as_one() -> None:
    assert split("Where is it? What is it? " + "x" * MOST_CHARACTERS) == ()


@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=60).map(" ".join), st.lists(WORDS).map("".join)))
def test_parts_are_pieces_of_the_text_in_their_order(text: str) -> None:
    parts = split(text)
    assert len(parts) != 1
    assert len(parts) <= MOST_PARTS
    place = 0
    for part in parts:
        assert part.strip()
        place = text.index(part, place) + len(part)


@pytest.mark.parametrize(
    "unit",
    [
        "and ", "what is it? ", " ", "?", ",", "thanks ", "谢谢了", "麻烦了", "and also ", "还有", "a", ". ", "\n",
        "please can you ",
    ],
)  # fmt: skip
def test_the_time_is_bounded_whatever_is_sent(unit: str) -> None:
    for length in (MOST_CHARACTERS, 100_000):
        text = (unit * length)[:length]
        started = time.process_time()
        split(text)
        assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("text", "courtesy"),
    [
        ("Hello!", True), ("thanks a lot, bye", True), ("谢谢您！", True), ("你好", True), ("", False),
        ("thanks, where is it", False),
    ],
)  # fmt: skip
def test_courtesies(text: str, courtesy: bool) -> None:
    assert is_courtesy(text) is courtesy
