"""A supposed change answers as the real one does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from chatbot.bot import Bot, LiveBot
from chatbot.desk.replaying import Said, tell
from chatbot.desk.supposing import Overlay, suppose, supposed
from chatbot.redact import Redactor
from chatbot.retriever import NO_HIT, FaissIndex
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.text import language_of
from chatbot.types import Example, Fact, Intent, Status, Template, Vector
from tests.conftest import SHOP, SHOP_EXAMPLES

TODAY = date(2026, 11, 22)
OPENINGS = ("", "my freind wants to know ")
QUESTIONS = [
    *(f"{opening}{text}" for texts in SHOP_EXAMPLES.values() for text in texts for opening in OPENINGS),
    "do you sell gift cards?",
    "gift card for my sister, and when do you open?",
    "where is my order [order]",
    "退货", "礼品卡", "尺码指南", "营业时间是几点？", "hgahg", "harbou tour", "gift crads",
]  # fmt: skip
GIFTS = Changes(
    intents=(Intent("gift_cards", {"en": "Gift cards", "zh": "礼品卡"}),),
    templates=(Template("gift_cards", "gift_cards", "We have gift cards from 10 pounds."),),
    examples=(
        Example("do you sell gift cards", "gift_cards"),
        Example("a gift card for my mother", "gift_cards"),
        Example("harbour tour vouchers", "gift_cards"),
    ),
)
CHANGES = {
    "a new intent": GIFTS,
    "another label": Changes(examples=(Example("Shop hours!", "size_guide"),)),
    "a retired example": Changes(examples=(Example("tracking link please", "track_order", status=Status.RETIRED),)),
    "a new value to ask for": Changes(
        templates=(Template("return_item", "return_item", "Return {order_number} within 30 days."),)
    ),
    "a retired answer": Changes(templates=(replace(SHOP.templates[4], status=Status.RETIRED),)),
    "a second answer": Changes(
        templates=(Template("late_hours", "opening_hours", "On Fridays we are open until 21:00."),),
        examples=(Example("are you open late on friday", "opening_hours", template="late_hours"),),
    ),
    "another title and fact": Changes(
        intents=(Intent("size_guide", {"en": "Sizes", "zh": "尺寸"}),), facts=(Fact("support_phone", "112"),)
    ),
    "a whole intent out of scope": Changes(
        examples=tuple(Example(text, "out_of_scope") for text in SHOP_EXAMPLES["payment_methods"])
    ),
}


def told(bot: Bot, redactor: Redactor) -> list[Said]:
    return [tell(redactor.redact(text), language_of(text, "en"), bot, TODAY) for text in QUESTIONS]


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_supposed_is_what_will_be(name: str, bots: LiveBot, store: Store, redactor: Redactor) -> None:
    before = bots.current()
    unchanged = told(before, redactor)
    expected = told(suppose(before, CHANGES[name]), redactor)
    assert told(before, redactor) == unchanged  # supposing changes nothing
    store.knowledge.apply(CHANGES[name])
    for will, is_now in zip(expected, told(bots.current(), redactor), strict=True):
        assert will.probability == pytest.approx(is_now.probability, abs=1e-5)
        assert replace(will, probability=0) == replace(is_now, probability=0)
    assert expected != unchanged


@pytest.mark.parametrize("name", CHANGES)
def test_a_supposed_snapshot_is_the_one_that_will_be_stored(name: str, store: Store) -> None:
    expected = supposed(store.knowledge.snapshot(), CHANGES[name])
    store.knowledge.apply(CHANGES[name])
    stored = store.knowledge.snapshot()
    known = {example.id: example.group for example in expected.examples}
    assert expected == replace(
        stored, examples=tuple(replace(example, group=known[example.id]) for example in stored.examples)
    )


def test_supposing_twice_is_supposing_once_more(bot: Bot, redactor: Redactor) -> None:
    late = CHANGES["a second answer"]
    twice = suppose(suppose(bot, GIFTS), late)
    both = Changes(GIFTS.intents, (), (*GIFTS.templates, *late.templates), (*GIFTS.examples, *late.examples))
    assert told(twice, redactor) == told(suppose(bot, both), redactor)


def unit(*numbers: float) -> Vector:
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def test_an_overlay_finds_what_stays_and_what_comes() -> None:
    below = FaissIndex(2)
    below.add(np.array([1, 2, 3, -5]), np.stack([unit(1, 0), unit(1, 1), unit(0, 1), unit(-1, 0)]))
    over = Overlay(below, gone={1}, ids=np.array([7]), vectors=unit(1, 0.1)[None])
    similarities, ids = over.search(unit(1, 0), 5)
    assert ids.tolist() == [[7, 2, 3, -5, NO_HIT]]
    assert similarities[0, 0] == pytest.approx(0.995, abs=1e-3)
    assert similarities[0, 4] == -np.inf
    assert over.search(unit(1, 0), 2)[1].tolist() == [[7, 2]]
    assert over.search(unit(1, 0), 3, allowed=np.array([1, 3, 7]))[1].tolist() == [[7, 3, NO_HIT]]
    assert (len(over), len(below)) == (4, 4)


def test_what_comes_into_the_index_below_later_stays_unknown_under_a_supposed_id() -> None:
    below = FaissIndex(2)
    below.add(np.array([1]), unit(1, 0)[None])
    over = Overlay(below, gone=(), ids=np.array([2]), vectors=unit(0, 1)[None])
    below.add(np.array([2]), unit(1, 0.01)[None])
    similarities, ids = over.search(unit(1, 0), 2)
    assert ids.tolist() == [[1, 2]]
    assert similarities[0].tolist() == pytest.approx([1, 0])


def test_an_overlay_over_nothing() -> None:
    over = Overlay(FaissIndex(2), gone=(), ids=np.array([2]), vectors=unit(0, 1)[None])
    assert over.search(unit(0, 1), 2)[1].tolist() == [[2, NO_HIT]]
    assert over.search(unit(0, 1), 1, allowed=np.array([5]))[1].tolist() == [[NO_HIT]]
