"""A replay says what the bot will say, the worst first, and reads nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from chatbot.batcher import BatchingEncoder
from chatbot.bot import Bot, LiveBot
from chatbot.desk.remembering import Remembering
from chatbot.desk.replaying import Replays, Said, judged, tell
from chatbot.redact import Redactor
from chatbot.respond import respond
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.store.usage import questions_since
from chatbot.types import Action, Example, Message, Status, Template
from tests.conftest import SHOP, SHOP_EXAMPLES
from tests.counting import Counting

ASKED = [f"{opening}{text}" for texts in SHOP_EXAMPLES.values() for text in texts for opening in ("", "hello, ")]
GIFTS = Changes(
    templates=(Template("gift_cards", "gift_cards", "We have gift cards from 10 pounds."),),
    examples=(Example("do you sell gift cards", "gift_cards"), Example("a voucher for my mother", "gift_cards")),
)


@pytest.fixture
def encoder(bot: Bot) -> Counting:
    return Counting(bot.encoder)


@pytest.fixture
def counted(bot: Bot, encoder: Counting) -> Bot:
    return replace(bot, encoder=BatchingEncoder(encoder))


@pytest.fixture
def replays(store: Store, redactor: Redactor) -> Replays:
    return Replays(database=store.database, redactor=redactor)


def ask(texts: Sequence[str], bot: Bot, store: Store, redactor: Redactor) -> None:
    for text in texts:
        conversation = store.conversations.create(language="en", channel="api").id
        respond(Message(conversation, text), bot=bot, store=store, redactor=redactor)


def test_a_replay_finds_exactly_what_will_be_said_differently(
    bots: LiveBot, store: Store, redactor: Redactor, replays: Replays
) -> None:
    bot = bots.current()
    ask([*ASKED, "do you sell gift cards?", "Do you sell gift cards", "gift cards for my sister"], bot, store, redactor)
    changes = Changes(
        templates=(*GIFTS.templates, replace(SHOP.templates[4], status=Status.RETIRED)),
        examples=(*GIFTS.examples, Example("shop hours", "size_guide")),
    )
    found = replays.replay(changes, bot=bot)
    questions = questions_since(datetime.now(UTC) - timedelta(days=1), database=store.database, most=1000)
    before = [tell(redactor.redact(question.text), "en", bot, date.today()) for question in questions]
    store.knowledge.apply(changes)
    after = [tell(redactor.redact(question.text), "en", bots.current(), date.today()) for question in questions]
    expected = {
        question.text: (was.substance, will.substance)
        for question, was, will in zip(questions, before, after, strict=True)
        if was.substance != will.substance
    }
    assert {change.text: (change.before.substance, change.after.substance) for change in found.changes} == expected
    assert (found.replayed, found.total, found.different) == (len(ASKED) + 2, len(ASKED) + 3, len(expected))
    assert (found.days, found.worse + found.better <= found.different) == (7, True)


def test_the_worst_comes_first(bot: Bot, store: Store, redactor: Redactor, replays: Replays) -> None:
    ask(["what are your opening hours"] * 3 + ["opening times please", "do you sell gift cards"], bot, store, redactor)
    retired = replace(SHOP.templates[2], status=Status.RETIRED)
    found = replays.replay(Changes(templates=(retired, *GIFTS.templates), examples=GIFTS.examples), bot=bot)
    told = [(change.text, change.count, change.worse, change.better) for change in found.changes]
    assert told == [
        ("what are your opening hours", 3, True, False),
        ("opening times please", 1, True, False),
        ("do you sell gift cards", 1, False, True),
    ]
    assert (found.worse, found.better, found.total) == (2, 1, 5)
    lost = found.changes[0]
    assert (lost.before.action, lost.before.template, lost.before.title) == (
        Action.ANSWER,
        "opening_hours",
        "Opening hours",
    )
    assert lost.after.template == "opening_hours.zh"  # better than nothing, yet not what an English customer can read


def test_new_words_of_the_same_answer_are_counted_and_not_listed(
    bot: Bot, store: Store, redactor: Redactor, replays: Replays
) -> None:
    ask(["how can I pay", "shop hours"], bot, store, redactor)
    found = replays.replay(
        Changes(templates=(replace(SHOP.templates[4], body="We take all cards and PayPal."),)), bot=bot
    )
    assert (found.reworded, found.different, found.changes) == (1, 0, ())


def test_what_a_customer_gave_is_no_change(bot: Bot, store: Store, redactor: Redactor, replays: Replays) -> None:
    """The mask stands for the order number, so that the answer is an answer in a replay too."""
    ask(["where is my order JP-482913"], bot, store, redactor)
    retired = replace(SHOP.templates[0], status=Status.RETIRED)
    (change,) = replays.replay(Changes(templates=(retired,)), bot=bot).changes
    assert (change.text, change.before.reply) == (
        "where is my order [order]",
        "Order [order] is on its way; see tinyshop.example/track.",
    )
    assert (change.before.action, change.worse) == (Action.ANSWER, True)


def test_a_second_replay_asks_the_encoder_for_what_is_new_only(
    bots: LiveBot, encoder: Counting, counted: Bot, store: Store, redactor: Redactor, replays: Replays
) -> None:
    bot = replace(counted, cascade=None)
    ask([*ASKED, "slippers and a roder"], bots.current(), store, redactor)
    first = replays.replay(GIFTS, bot=bot)
    encoder.asked.clear()
    again = replays.replay(GIFTS, bot=bot)
    assert again == first
    new = {"a voucher for my mother", "do you sell gift cards", "gift cards", GIFTS.templates[0].body}
    assert (set(encoder.asked), len(encoder.asked)) == (new, 4)
    encoder.asked.clear()
    store.knowledge.apply(GIFTS)
    following = replace(bots.current(), encoder=bot.encoder, cascade=None)
    later = Changes(examples=(Example("shop hours", "size_guide"),))
    found = replays.replay(later, bot=following)
    assert set(encoder.asked) == new - {GIFTS.templates[0].body}
    assert found == Replays(database=store.database, redactor=redactor).replay(later, bot=following)


def test_what_is_not_asked_any_more_is_forgotten(bot: Bot, store: Store, redactor: Redactor, replays: Replays) -> None:
    ask(["do you have slippers in blue velvet"], replace(bot, cascade=None), store, redactor)
    bot = replace(bot, cascade=None)
    replays.replay(GIFTS, bot=bot)
    assert remembered(replays) == {"do you have slippers in blue velvet"}
    replays.replay(GIFTS, bot=bot, now=datetime.now(UTC) + timedelta(days=8))
    assert remembered(replays) == set()


def remembered(replays: Replays) -> set[str]:
    before = replays._before
    assert isinstance(before, Remembering)
    memory = replays._memory
    places = (*(text for text, _ in before.seen), *(text for text, _, _ in replays._said))
    return {*before.close, *memory.vectors, *memory.margins, *places}


def test_only_so_many_of_the_newest_questions_are_replayed(bot: Bot, store: Store, redactor: Redactor) -> None:
    ask(["shop hours", "how can I pay", "SHOP HOURS!", "size guide"], bot, store, redactor)
    found = Replays(database=store.database, redactor=redactor, most=2).replay(GIFTS, bot=bot)
    assert (found.replayed, found.total) == (2, 3)


def test_taking_back_is_judged_by_the_labels_that_stand_now(
    bots: LiveBot, store: Store, redactor: Redactor, replays: Replays
) -> None:
    store.knowledge.apply(Changes(examples=(Example("shop hours", "size_guide"),)))
    ask(["shop hours"], bots.current(), store, redactor)
    back = Changes(examples=(Example("shop hours", "opening_hours"),))
    taken = replays.replay(back, bot=bots.current(), taking_back=True)
    assert (taken.different, taken.worse, taken.better) == (1, 1, 0)
    corrected = replays.replay(back, bot=bots.current())
    assert (corrected.different, corrected.worse, corrected.better) == (1, 0, 1)


def said(intent: str, action: Action = Action.ANSWER, template: str | None = "a") -> Said:
    answer = (template.split(".")[0], "zh" if ".zh" in template else "en") if template else None
    return Said(action, intent, intent, 0.9, template, answer, None, frozenset(), (), "")


HANDED = said("x", Action.HANDOFF, None)


@pytest.mark.parametrize(
    ("before", "after", "label", "withdrawn", "expected"),
    [
        (said("x"), HANDED, None, False, (True, False)),
        (said("x"), said("y", template="b"), None, False, (True, False)),
        (said("x"), said("x", template="a.plain"), None, False, (False, False)),  # the same answer in other words
        (said("x"), said("x", template="a.zh"), None, False, (True, False)),
        (said("x"), said("x", template="b"), None, False, (True, False)),
        (said("x"), said("x", template="b"), None, True, (False, False)),  # what replaces a withdrawn answer
        (said("x"), said("x", template="b.zh"), None, True, (True, False)),
        (said("x"), HANDED, None, True, (True, False)),
        (HANDED, said("x"), None, False, (False, True)),
        (HANDED, said("y", Action.CLARIFY, None), None, False, (False, False)),
        # What an agent has said of these very words decides.
        (said("x"), said("y"), "y", False, (False, True)),
        (said("x"), said("y"), "x", False, (True, False)),
        (said("x"), HANDED, "y", False, (False, True)),
        (HANDED, said("x"), "y", False, (True, False)),
        (said("x"), HANDED, "out_of_scope", False, (False, True)),
        (said("x"), said("y"), "z", False, (False, False)),
    ],
)
def test_what_is_worse_and_what_is_better(
    before: Said, after: Said, label: str | None, withdrawn: bool, expected: tuple[bool, bool]
) -> None:
    assert judged(before, after, label, withdrawn=withdrawn) == expected
