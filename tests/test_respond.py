"""The answer path end to end on a real, small, trained shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from chatbot.bot import Bot, LiveBot
from chatbot.errors import NotFound
from chatbot.phrases import phrase
from chatbot.redact import Redactor
from chatbot.replies import reply_to_parts
from chatbot.respond import Context, answer, respond
from chatbot.store import Store
from chatbot.store.explanations import explain
from chatbot.store.knowledge import Changes
from chatbot.types import Action, Decision, Example, Exchange, Message, Reason, Status

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


def test_two_questions_get_two_answers_with_their_questions(bot: Bot, redactor: Redactor) -> None:
    given = answer(redactor.redact("Hello! When do you open? And which cards do you take?"), bot, ENGLISH)
    assert given.reply == (
        "About “When do you open”:\nWe are open 9 to 18, Monday to Saturday. Ring 020 7946 0123.\n\n"
        "About “which cards do you take”:\nWe take Visa, Mastercard and PayPal."
    )
    assert [part.decision.intent for part in given.parts] == ["opening_hours", "payment_methods"]
    assert (given.decision.action, given.decision.reason) == (Action.ANSWER, Reason.SEVERAL)
    assert given.decision.probability == min(part.decision.probability for part in given.parts)


def test_a_value_is_asked_for_once_after_the_answers(
    conversation: str, bot: Bot, store: Store, redactor: Redactor
) -> None:
    asked = say("where is my parcel? which cards do you take?", conversation, bot, store, redactor)
    assert asked.replied.text == (
        "About “which cards do you take”:\nWe take Visa, Mastercard and PayPal.\n\n"
        "About “where is my parcel”:\nI can look at that for you. What is your order number?"
    )
    assert asked.replied.action is Action.CLARIFY
    given = say("JP-482913", conversation, bot, store, redactor)
    assert given.replied.text == "Order JP-482913 is on its way; see tinyshop.example/track."


def test_a_part_for_a_person_is_named(bots: LiveBot, store: Store, redactor: Redactor) -> None:
    (hours,) = [each for each in store.knowledge.snapshot().templates if each.key == "payment_methods"]
    store.knowledge.apply(Changes(templates=(replace(hours, status=Status.RETIRED),)))
    given = answer(redactor.redact("when do you open and which cards do you take?"), bots.current(), ENGLISH)
    first, second = given.reply.split("\n\n")
    assert first.startswith("About “when do you open”:\nWe are open 9 to 18")
    assert second == f"About “which cards do you take”:\n{phrase('handoff', 'en')}"
    assert (given.decision.action, given.decision.reason) == (Action.HANDOFF, Reason.SEVERAL)
    assert [part.decision.reason for part in given.parts] == [Reason.SURE, Reason.NO_TEMPLATE]


def test_the_quoted_question_is_short_and_shows_no_mask(bot: Bot) -> None:
    offer = bot.knowledge.offer(language="en", day=TODAY, values={})
    asked = f"Where is my order [order] with the {'very ' * 20}big tent?"
    reply = reply_to_parts([asked], [Decision(Action.HANDOFF, Reason.UNSURE, 0.1)], offer)
    assert reply.startswith("About “Where is my order with the very very very very very very…”:\nI do not have")


@pytest.mark.parametrize(
    "text",
    [
        "when do you open on saturday and sunday", "do you take visa and paypal?", "hello and thanks",
        "hi. when do you open?",
    ],
)  # fmt: skip
def test_one_question_is_not_split(text: str, bot: Bot, redactor: Redactor) -> None:
    assert answer(redactor.redact(text), bot, ENGLISH).parts == ()


def test_words_that_an_agent_has_labelled_are_not_split(bots: LiveBot, store: Store, redactor: Redactor) -> None:
    text = "When do you open? Which cards do you take?"
    assert len(answer(redactor.redact(text), bots.current(), ENGLISH).parts) == 2
    store.knowledge.apply(Changes(examples=(Example(text, "payment_methods", source="review"),)))
    given = answer(redactor.redact(text), bots.current(), ENGLISH)
    assert (given.parts, given.decision.intent) == ((), "payment_methods")


def test_the_parts_are_stored_with_the_turn(conversation: str, bot: Bot, store: Store, redactor: Redactor) -> None:
    said = say("when do you open? where is my parcel?", conversation, bot, store, redactor)
    why = explain(str(said.replied.turn_id), database=store.database)
    assert (why.reason, why.intent, why.template_key, why.follows_up) == (
        Reason.SEVERAL,
        "track_order",
        "track_order",
        False,
    )
    told = [(part.action, part.reason, part.intent, part.template_key, part.template_revision) for part in why.parts]
    assert told == [
        (Action.ANSWER, Reason.SURE, "opening_hours", "opening_hours", 1),
        (Action.CLARIFY, Reason.NEEDS_VARIABLE, "track_order", "track_order", 1),
    ]


def test_a_moment_please_does_not_lose_the_question(
    conversation: str, bot: Bot, store: Store, redactor: Redactor
) -> None:
    say("where is my parcel", conversation, bot, store, redactor)
    for text in ("one moment", "let me find it"):
        assert say(text, conversation, bot, store, redactor).replied.action is not Action.ANSWER
    given = say("JP-482913", conversation, bot, store, redactor)
    assert given.replied.text == "Order JP-482913 is on its way; see tinyshop.example/track."


def test_another_answer_ends_the_question_for_a_value(
    conversation: str, bot: Bot, store: Store, redactor: Redactor
) -> None:
    say("where is my parcel", conversation, bot, store, redactor)
    assert say("when do you open", conversation, bot, store, redactor).replied.action is Action.ANSWER
    given = say("JP-482913", conversation, bot, store, redactor)
    assert explain(str(given.replied.turn_id), database=store.database).reason is not Reason.COMPLETED


def test_values_that_belong_together_are_asked_for_together(
    bots: LiveBot, conversation: str, store: Store, redactor: Redactor
) -> None:
    body = "Order {order_number}: we write to {customer_email}."
    (track,) = [each for each in store.knowledge.snapshot().templates if each.key == "track_order"]
    store.knowledge.apply(Changes(templates=(replace(track, body=body),)))
    both = phrase("ask.together", "en").format(names="your order number and your e-mail address")
    assert say("where is my parcel", conversation, bots.current(), store, redactor).replied.text == both
    for one in ("JP-482913", "it is me@home.example"):
        assert say(one, conversation, bots.current(), store, redactor).replied.text == both
    given = say("JP-482913, me@home.example", conversation, bots.current(), store, redactor)
    assert given.replied.text == "Order JP-482913: we write to me@home.example."


def test_what_two_questions_need_completes_both(
    bots: LiveBot, conversation: str, store: Store, redactor: Redactor
) -> None:
    (back,) = [each for each in store.knowledge.snapshot().templates if each.key == "return_item"]
    store.knowledge.apply(Changes(templates=(replace(back, body="The label for {order_number} is on its way."),)))
    asked = say("where is my parcel? how do I return an item?", conversation, bots.current(), store, redactor)
    assert asked.replied.text == (
        "About “where is my parcel” and “how do I return an item”:\n"
        "I can look at that for you. What is your order number?"
    )
    given = say("JP-482913", conversation, bots.current(), store, redactor)
    assert given.replied.text == (
        "About “Track my order”:\nOrder JP-482913 is on its way; see tinyshop.example/track.\n\n"
        "About “Return an item”:\nThe label for JP-482913 is on its way."
    )


FOLLOWING = replace(ENGLISH, said=frozenset({"opening_hours"}))


def test_the_same_answer_is_not_given_twice(bot: Bot, redactor: Redactor) -> None:
    before = redactor.redact("what are your opening hours on weekdays")
    given = answer(redactor.redact("and in winter?"), bot, replace(FOLLOWING, previous=before))
    assert given.decision.action is not Action.ANSWER
    assert "We are open" not in given.reply


@pytest.mark.parametrize("text", ["what is the capital of peru", "tell me a joke", "lol", "and who won the election?"])
def test_the_question_before_is_not_dragged_into_another_topic(text: str, bot: Bot, redactor: Redactor) -> None:
    context = replace(FOLLOWING, previous=redactor.redact("what are your opening hours"))
    given = answer(redactor.redact(text), bot, context)
    assert given.decision.action is not Action.ANSWER


def test_an_answer_that_ran_out_while_its_value_was_awaited_is_not_given(
    bots: LiveBot, store: Store, redactor: Redactor
) -> None:
    (track,) = [each for each in store.knowledge.snapshot().templates if each.key == "track_order"]
    store.knowledge.apply(Changes(templates=(replace(track, valid_until=TODAY),)))
    waiting = replace(
        ENGLISH,
        values={"order_number": "JP-482913"},
        asked_templates=("track_order",),
        asked_variable="order_number",
    )
    query = redactor.redact("it is JP-482913")
    given = answer(query, bots.current(), waiting)
    assert (given.decision.reason, given.reply.split(";")[0]) == (Reason.COMPLETED, "Order JP-482913 is on its way")
    late = answer(query, bots.current(), replace(waiting, day=date(2026, 11, 23)))
    assert late.decision.action is not Action.ANSWER
    assert "on its way" not in late.reply


def test_who_writes_chinese_reads_chinese_whatever_the_conversation_began_with(
    conversation: str, bot: Bot, store: Store, redactor: Redactor
) -> None:
    given = say("营业时间", conversation, bot, store, redactor)
    assert given.replied.text == "我们周一至周六 9 点到 18 点营业。"
    assert say("when do you open", conversation, bot, store, redactor).replied.text.startswith("We are open")
