"""A shop's first day, and an intent's first minute: few examples, with the real encoder."""

from __future__ import annotations

from datetime import date

import pytest

from chatbot.bot import Bot, LiveBot
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.respond import Context, answer
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Action, Answer, Example, Template
from training.progress import Lines
from training.retrain import retrain
from training.runs import Trained

FIRST_DAY = {
    "book_table": ("I would like to book a table", "reserve a table for two", "can I make a reservation"),
    "menu": ("what is on the menu", "do you have vegan dishes", "which starters do you serve"),
    "delivery": ("do you deliver to my house", "home delivery please", "how much is delivery"),
    "parking": ("where can I park", "is there a car park", "do you have parking spaces"),
    "allergens": ("are there nuts in the curry", "is the soup free of gluten", "list of allergens"),
}
GIFT_CARD = "do you sell gift cards"
OTHERS = (
    "where is my parcel now", "tracking for my order", "has my delivery been sent", "my package has not come yet",
    "I want to return the shoes", "how can I send an item back", "start my return please", "give the jacket back",
    "are you open on monday", "what time do you close", "opening hours on bank holidays", "is the shop open now",
    "can I pay by visa", "do you accept paypal", "which payment methods are there", "is apple pay ok",
    "do the trousers run small", "which size fits me", "do you have a size chart", "what is the weather today",
)  # fmt: skip


def ask(text: str, bot: Bot, redactor: Redactor) -> Answer:
    return answer(redactor.redact(text), bot, Context(language="en", day=date.today()))


def about(intent: str) -> Template:
    return Template(intent, intent, f"This is what we say about {intent.replace('_', ' ')}.")


@pytest.fixture
def first_day(settings: Settings, empty_store: Store) -> tuple[Trained, Bot]:
    """A new shop's training run and bot. The encoder is taken from the shop that is trained already: that saves the
    export."""
    examples = tuple(Example(text, intent) for intent, texts in FIRST_DAY.items() for text in texts)
    empty_store.knowledge.apply(Changes(templates=tuple(map(about, FIRST_DAY)), examples=examples))
    registry = Registry(settings.models, empty_store.versions)
    own = Settings(home=settings.home, threads=1)  # the default error budget
    trained = retrain(own, store=empty_store, registry=registry, steps=Lines())
    return trained, LiveBot(registry, empty_store.knowledge, threads=1).current()


def test_three_examples_an_intent_promise_nothing_and_still_serve(
    first_day: tuple[Trained, Bot], redactor: Redactor
) -> None:
    trained, bot = first_day
    assert not trained.policy.proven
    assert "are too few, or too often misread, to promise at most 3.0% wrong answers" in trained.policy.promise
    assert [entry.proven for entry in trained.automation] == [False] * 5
    for intent, texts in FIRST_DAY.items():
        for text in texts:
            given = ask(f"{text.capitalize()}?", bot, redactor)
            assert (given.decision.action, given.decision.intent) == (Action.ANSWER, intent)
    for text, intent in (("table for four please", "book_table"), ("is there somewhere to park", "parking")):
        given = ask(text, bot, redactor)
        offered = {choice.intent for choice in given.decision.choices} | {given.decision.intent}
        assert given.decision.action in (Action.ANSWER, Action.CLARIFY)
        assert intent in offered
    assert ask("asdf qwer", bot, redactor).decision.action is not Action.ANSWER


def test_one_example_works_at_once_and_leaves_the_others_alone(bots: LiveBot, store: Store, redactor: Redactor) -> None:
    before = [best_of(text, bots.current(), redactor) for text in OTHERS]
    store.knowledge.apply(Changes(templates=(about("gift_card"),), examples=(Example(GIFT_CARD, "gift_card"),)))
    bot = bots.current()
    exact = ask("Do you sell gift cards?", bot, redactor)
    assert (exact.decision.action, exact.reply) == (Action.ANSWER, "This is what we say about gift card.")
    assert [best_of(text, bot, redactor) for text in ("can I buy a gift card", "do you have gift cards")] == [
        "gift_card"
    ] * 2
    assert [best_of(text, bot, redactor) for text in OTHERS] == before


def best_of(text: str, bot: Bot, redactor: Redactor) -> str:
    return bot.read(redactor.redact(text)).ranked(1)[0][0]
