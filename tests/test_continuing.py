"""When a message is taken together with the question before it: constructed readings, no model."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from chatbot.continuing import Continuation, may_continue
from chatbot.decide import Offer
from chatbot.phrases import phrase
from chatbot.types import OUT_OF_SCOPE, Action, Answer, Choice, Decision, Reading, Reason, Template

INTENTS = ("hours", "places", "price", OUT_OF_SCOPE)
TEMPLATES = {name: [Template(name, name, f"About {name}.")] for name in INTENTS[:3]}
OFFER = Offer(TEMPLATES, {}, {}, "en", date(2026, 11, 22))


def read(*shares: float, answered: bool = False) -> Answer:
    """What would be said to a message with these probabilities of INTENTS."""
    reading = Reading(np.ones(4, np.float32), INTENTS, np.array(shares), {})
    intent, probability = reading.ranked(1)[0]
    if intent == OUT_OF_SCOPE:
        decision = Decision(Action.HANDOFF, Reason.OUT_OF_SCOPE, probability, intent)
    elif answered:
        decision = Decision(Action.ANSWER, Reason.SURE, probability, intent, TEMPLATES[intent][0])
    else:
        choices = (Choice(intent, intent.capitalize(), probability),)
        decision = Decision(Action.CLARIFY, Reason.UNSURE, probability, intent, choices=choices)
    return Answer(decision, "reply", "en", reading=reading)


UNCLEAR = read(0.3, 0.3, 0.4, 0.0)
ABOUT_HOURS = read(1.0, 0.0, 0.0, 0.0, answered=True)
TAKEN = Continuation(
    UNCLEAR, read(0.01, 0.98, 0.01, 0.0, answered=True), ABOUT_HOURS, said={"hours"}, goes_on=False, offer=OFFER
)


def test_a_surer_reading_with_the_question_before_is_taken() -> None:
    assert TAKEN.answer() == replace(TAKEN.whole, follows_up=True)


@pytest.mark.parametrize(
    "changed",
    [
        replace(TAKEN, own=read(0.0, 0.9, 0.1, 0.0)),  # no surer by enough
        replace(TAKEN, before=read(0.05, 0.95, 0.0, 0.0)),  # the question before says the same by itself
        replace(TAKEN, whole=read(0.2, 0.7, 0.1, 0.0)),  # not sure
        replace(TAKEN, said={"hours", "places"}),  # the same answer again
    ],
)
def test_without_a_gain_the_message_keeps_its_own_answer(changed: Continuation) -> None:
    assert changed.answer() is None


def test_what_the_message_itself_points_to_needs_no_other_support() -> None:
    agreeing = replace(TAKEN, own=read(0.2, 0.6, 0.2, 0.0), before=read(0.05, 0.95, 0.0, 0.0))
    assert agreeing.answer() == replace(TAKEN.whole, follows_up=True)


def test_new_choices_come_from_the_question_before_and_then_from_the_message() -> None:
    given = replace(TAKEN, whole=read(0.85, 0.15, 0.0, 0.0, answered=True), goes_on=True).answer()
    assert given is not None
    assert given.follows_up
    assert (given.decision.action, given.decision.reason) == (Action.CLARIFY, Reason.UNSURE)
    assert [choice.intent for choice in given.decision.choices] == ["places", "price"]


def test_the_same_answer_again_is_told_and_not_repeated() -> None:
    given = replace(TAKEN, whole=ABOUT_HOURS, goes_on=True).answer()
    assert given is not None
    assert (given.decision.action, given.decision.reason, given.decision.intent) == (
        Action.CLARIFY,
        Reason.SAID_ALREADY,
        "hours",
    )
    assert given.reply == phrase("said_already", "en")
    assert [choice.intent for choice in given.decision.choices] == ["price"]


def test_only_an_unclear_message_may_continue() -> None:
    assert may_continue(UNCLEAR.decision)
    assert may_continue(read(0.2, 0.2, 0.0, 0.6).decision)
    assert not may_continue(read(0.1, 0.0, 0.0, 0.9).decision)
    assert not may_continue(ABOUT_HOURS.decision)
