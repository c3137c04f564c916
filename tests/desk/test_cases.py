"""What an agent sees of an item."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatbot.bot import LiveBot
from chatbot.desk.cases import Case, Reader, open_case
from chatbot.desk.intake import Intake
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.store.queue import Filters, Queue
from chatbot.types import Agent, Example, Exchange

Ask = Callable[..., Exchange]
Hire = Callable[..., Agent]
Open = Callable[[str], Case]

STRANGE = "can I swap my boots for blue ones"


@pytest.fixture
def see(intake: Intake, queue: Queue, hire: Hire, store: Store, bots: LiveBot, redactor: Redactor) -> Open:
    ana, reader = hire("Ana"), Reader()

    def one(words: str) -> Case:
        intake.run()
        (item,) = queue.page(ana, Filters(words=words)).items
        return open_case(item, store=store, queue=queue, bot=bots.current(), redactor=redactor, reader=reader)

    return one


def test_suggestions_with_the_answers_that_would_be_given(ask: Ask, see: Open) -> None:
    ask(STRANGE)
    case = see("swap")
    assert {suggestion.intent for suggestion in case.suggestions} == {
        "track_order", "return_item", "opening_hours", "payment_methods", "size_guide",
    }  # fmt: skip
    chances = [suggestion.probability for suggestion in case.suggestions]
    assert chances == sorted(chances, reverse=True)
    bodies = {one.intent: one.template.body for one in case.suggestions if one.template}
    assert bodies["return_item"] == "Return it within 30 days: tinyshop.example/returns."
    assert [hit.kind for hit in case.neighbours] == ["example"] * 3


def test_what_the_bot_had_said_is_among_them_whatever_it_thinks_now(ask: Ask, see: Open, store: Store) -> None:
    ask("until when are you open in the evening", down=True)
    store.knowledge.apply(Changes(examples=(Example("until when are you open in the evening", "track_order"),)))
    case = see("evening")
    assert case.why.intent == "opening_hours"
    assert case.suggestions[0].intent == "track_order"
    assert "opening_hours" in {suggestion.intent for suggestion in case.suggestions}


def test_the_conversation_around_it(ask: Ask, see: Open, store: Store) -> None:
    conversation = store.conversations.create(language="en", channel="web").id
    ask("when do you open", conversation=conversation)
    ask(STRANGE, conversation=conversation)
    ask("are you open on sunday", conversation=conversation)
    said = see("swap").conversation
    assert [(one.message.role, one.focus) for one in said] == [
        ("customer", False), ("bot", False), ("customer", True), ("bot", True), ("customer", False), ("bot", False),
    ]  # fmt: skip


def test_what_is_several_questions_teaches_nothing(ask: Ask, see: Open) -> None:
    ask("what are your opening hours? and how do I return the boots?", down=True)
    assert see("boots").teaches is False


def test_a_reading_is_kept_until_something_is_learned(ask: Ask, see: Open, store: Store) -> None:
    ask(STRANGE)
    first = see("swap").suggestions
    assert see("swap").suggestions == first
    store.knowledge.apply(Changes(examples=(Example("can I swap my boots for the blue ones", "return_item"),)))
    assert see("swap").suggestions[0].intent == "return_item"
    assert see("swap").suggestions != first
