"""The answer path end to end on a real, small, trained shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from chatbot.bot import Bot, LiveBot
from chatbot.errors import NotFound
from chatbot.redact import Redactor
from chatbot.respond import Context, answer, respond
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Action, Example, Exchange, Message, Reason

TODAY = date(2026, 11, 22)
ENGLISH = Context(language="en", day=TODAY)


@pytest.fixture
def conversation(store: Store) -> str:
    return store.conversations.create(language="en", channel="api").id


def say(text: str, conversation: str, bot: Bot, store: Store, redactor: Redactor, **more: Any) -> Exchange:
    message = replace(Message(conversation, text), **more)
    return respond(message, bot=bot, store=store, redactor=redactor)


def test_a_known_question_gets_the_approved_answer_with_its_facts(bot: Bot, redactor: Redactor) -> None:
    given = answer(redactor.redact("what are your opening hours?"), bot, ENGLISH)
    assert given.decision.action is Action.ANSWER
    assert given.reply == "We are open 9 to 18, Monday to Saturday. Ring 020 7946 0123."
    assert given.decision.template is not None
    assert (given.decision.template.key, given.decision.template.revision) == ("opening_hours", 1)


def test_a_missing_value_is_asked_for_and_then_used(
    conversation: str, bot: Bot, store: Store, redactor: Redactor
) -> None:
    asked = say("where is my parcel", conversation, bot, store, redactor)
    assert asked.replied.text == "I can look at that for you. What is your order number?"
    assert asked.replied.action is Action.CLARIFY
    given = say("it is jp-482913", conversation, bot, store, redactor)
    assert given.replied.text == "Order JP-482913 is on its way; see tinyshop.example/track."
    stored = [message.text for message in store.conversations.transcript(conversation)]
    assert stored[2:] == ["it is [order]", "Order [order] is on its way; see tinyshop.example/track."]


def test_the_shops_own_phone_number_stays_readable_in_what_is_stored(
    conversation: str, bot: Bot, store: Store, redactor: Redactor
) -> None:
    say("when do you open", conversation, bot, store, redactor)
    assert "020 7946 0123" in store.conversations.transcript(conversation)[1].text


def test_a_repeated_key_answers_once(conversation: str, bot: Bot, store: Store, redactor: Redactor) -> None:
    first = say("how can I pay", conversation, bot, store, redactor, key="k1")
    again = say("how can I pay", conversation, bot, store, redactor, key="k1")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.replied.id == first.replied.id
    assert len(store.conversations.transcript(conversation)) == 2


def test_only_a_choice_that_was_offered_counts(conversation: str, bot: Bot, store: Store, redactor: Redactor) -> None:
    with pytest.raises(NotFound, match='"return_item" was not offered'):
        say("Return an item", conversation, bot, store, redactor, choice="return_item")


def test_a_choice_is_answered(bot: Bot, redactor: Redactor) -> None:
    given = answer(redactor.redact("Return an item"), bot, replace(ENGLISH, choice="return_item"))
    assert (given.decision.action, given.decision.reason) == (Action.ANSWER, Reason.CHOSEN)
    assert given.reply == "Return it within 30 days: tinyshop.example/returns."


def test_the_button_for_a_person_always_hands_over(bot: Bot, redactor: Redactor) -> None:
    given = answer(redactor.redact(""), bot, replace(ENGLISH, wants_person=True))
    assert (given.decision.action, given.decision.reason) == (Action.HANDOFF, Reason.ASKED_FOR_PERSON)


@pytest.mark.parametrize("text", ["", "???", "🙂🙂🙂", "...!", "\u200b"])
def test_what_holds_no_word_is_not_answered(text: str, bot: Bot, redactor: Redactor) -> None:
    given = answer(redactor.redact(text), bot, ENGLISH)
    assert (given.decision.action, given.decision.reason) == (Action.CLARIFY, Reason.NOT_UNDERSTOOD)


@pytest.mark.parametrize("text", ["qwertz uiop asdf", "what is the capital of peru", "x" * 100_000, "a b " * 25_000])
def test_what_the_shop_cannot_know_is_not_answered(text: str, bot: Bot, redactor: Redactor) -> None:
    assert answer(redactor.redact(text), bot, ENGLISH).decision.action is not Action.ANSWER


def test_a_chinese_customer_reads_the_chinese_wording(bot: Bot, redactor: Redactor) -> None:
    given = answer(redactor.redact("营业时间"), bot, replace(ENGLISH, language="zh", choice="opening_hours"))
    assert given.reply == "我们周一至周六 9 点到 18 点营业。"


def test_the_same_question_gets_the_same_answer_alone_and_in_a_batch(bot: Bot, redactor: Redactor) -> None:
    queries = [redactor.redact(text) for text in ("do you take visa", "are the boots small", "shop hours on sunday")]
    for alone, together in zip((bot.read(query) for query in queries), bot.read_many(queries), strict=True):
        assert alone.ranked(3)[0][0] == together.ranked(3)[0][0]
        assert alone.ranked(1)[0][1] == pytest.approx(together.ranked(1)[0][1], abs=1e-3)


def test_a_correction_answers_the_next_customer(bots: LiveBot, store: Store, redactor: Redactor) -> None:
    question = "der parcel he no here, wat do"
    before = answer(redactor.redact(question), bots.current(), ENGLISH).decision
    assert (before.action, before.intent) != (Action.ANSWER, "return_item")
    store.knowledge.apply(Changes(examples=(Example(question, "return_item", source="review"),)))
    for wording in (question, question.upper(), f"{question}??"):
        after = answer(redactor.redact(wording), bots.current(), ENGLISH).decision
        assert after.intent == "return_item"
        assert after.probability > 0.5


def test_who_changes_the_topic_is_not_answered_about_the_old_one(
    conversation: str, bot: Bot, store: Store, redactor: Redactor
) -> None:
    say("where is my parcel", conversation, bot, store, redactor)
    given = say("forget it, how do I return an item of order JP-482913", conversation, bot, store, redactor)
    assert "on its way" not in given.replied.text


def test_a_language_without_a_wording_hears_english(bot: Bot, redactor: Redactor) -> None:
    for language in ("en-GB", "fr"):
        context = replace(ENGLISH, language=language, choice="opening_hours")
        assert answer(redactor.redact("hours"), bot, context).reply.startswith("We are open")
