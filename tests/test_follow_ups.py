"""What earlier turns mean for the next message: pure rules over the newest turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.follow_ups import (
    GOES_ON_FOR,
    Pending,
    may_lean_on_another,
    pending,
    question_before,
    says_that_it_goes_on,
)
from chatbot.types import Action, Past, Reason

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def turn(
    text: str = "where is it",
    reason: Reason = Reason.SURE,
    action: Action = Action.ANSWER,
    *,
    minutes: int = 1,
    follows_up: bool = False,
) -> Past:
    return Past(text, action, reason, NOW - timedelta(minutes=minutes), follows_up=follows_up)


ASKS = Past("where is it", Action.CLARIFY, Reason.NEEDS_VARIABLE, NOW, asked=("track_order",), asks_for="order_number")
UNSURE = turn("one moment", Reason.UNSURE, Action.CLARIFY)
PERSON = turn("one moment", Reason.UNSURE, Action.HANDOFF)
ANSWERED = turn("opening hours")


def test_a_value_stays_asked_for_over_two_turns_without_an_answer() -> None:
    wanted = Pending(("track_order",), "order_number")
    assert [pending(past) for past in ([ASKS], [UNSURE, ASKS], [PERSON, UNSURE, ASKS])] == [wanted] * 3
    assert pending([UNSURE, PERSON, UNSURE, ASKS]) == Pending()


def test_another_answer_ends_the_asking() -> None:
    several = turn("two questions", Reason.SEVERAL, Action.HANDOFF)
    assert [pending(past) for past in ([], [ANSWERED, ASKS], [several, ASKS], [UNSURE, ANSWERED, ASKS])] == [
        Pending()
    ] * 4


def test_the_question_before_is_the_last_that_stands_on_its_own() -> None:
    question = turn("do you ship to Spain")
    follow_up = turn("and to France?", follows_up=True)
    value = turn("JP-[order]", Reason.COMPLETED)
    noise = turn("???", Reason.NOT_UNDERSTOOD, Action.CLARIFY)
    for past in ([question], [follow_up, question], [value, follow_up, question], [noise, question, turn("older")]):
        assert question_before(past, NOW) is question
    assert question_before([], NOW) is None
    assert question_before([follow_up], NOW) is None


def test_what_is_long_ago_or_for_a_person_is_not_gone_on_with() -> None:
    minutes = GOES_ON_FOR.total_seconds() // 60
    assert question_before([turn(minutes=int(minutes))], NOW) is not None
    assert question_before([turn(minutes=int(minutes) + 1)], NOW) is None
    person = turn("a person please", Reason.ASKED_FOR_PERSON, Action.HANDOFF)
    assert question_before([person, turn()], NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "and to France?", "And how long does it take then, as I am away for most of the month?", "what about boots",
        "How about Sunday?", "ok, and the label?", "what if it breaks", "how long are they valid?", "is that free?",
        "那退货呢", "那要几天送到呢？", "如果坏了怎么办", "它多少钱？",
    ],
)  # fmt: skip
def test_words_that_say_that_they_go_on(text: str) -> None:
    assert says_that_it_goes_on(text)
    assert may_lean_on_another(text)


@pytest.mark.parametrize(
    "text", ["thanks", "never mind", "lol", "it is fine", "do you sell tents?", "谢谢", "怎么退货？", ""]
)
def test_words_that_do_not_say_so_may_still_be_short(text: str) -> None:
    assert not says_that_it_goes_on(text)
    assert may_lean_on_another(text)


@pytest.mark.parametrize(
    "text",
    [
        "I would like to know how long it takes until the parcel is there",
        "请问你们家的帐篷和睡袋现在还有没有库存可以买",
    ],
)
def test_a_long_message_stands_on_its_own(text: str) -> None:
    assert not may_lean_on_another(text)


@given(st.text(max_size=400))
def test_any_text_has_an_answer(text: str) -> None:
    assert may_lean_on_another(text) >= says_that_it_goes_on(text)
