"""Conflicts that were planted are found, all of them and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.bot import Bot, LiveBot
from chatbot.desk.conflicts import Conflicts, Found
from chatbot.knowledge import load_knowledge
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.store.settling import Settling
from chatbot.types import Example, Role, Status, Template

GIVE_BACK = (
    "I want to send these back", "how do I return the shoes", "return one item", "can I bring the coat back",
    "start my return", "how to send something back to your shop", "returning a rucksack",
)  # fmt: skip
PLANTED = Changes(
    templates=(
        Template("sizes", "sizing", "Our sizes run true; the chart is at tinyshop.example/sizes!"),
        Template("hours_again.zh", "opening_hours", "我们周一至周六 9 点到 18 点都营业。", language="zh"),
        Template("sizes.zh", "sizing", "我们的尺码偏大。", language="zh"),
        Template("old", "sizing", "Our sizes run true; the chart is at tinyshop.example/sizes", status=Status.RETIRED),
    ),
    examples=(
        Example("What are your opening-hours?", "payment_methods"),
        Example("payment method", "size_guide"),
        Example("怎么样退货", "return_item"),
        Example("怎样退货", "track_order"),
        Example("怎样开发票", "payment_methods"),
        *(Example(text, "give_back") for text in GIVE_BACK),
    ),
)  # fmt: skip


@pytest.fixture
def conflicts(store: Store) -> Conflicts:
    return Conflicts(store.knowledge)


def sorted_by_words(*groups: set[tuple[str, str]]) -> list[set[tuple[str, str]]]:
    return sorted(groups, key=lambda group: sorted(group))


def labels(found: Found) -> list[set[tuple[str, str]]]:
    return sorted_by_words(*({(each.text, each.intent) for each in group.examples} for group in found.labels))


def test_a_shop_without_conflicts_has_none(bot: Bot, conflicts: Conflicts) -> None:
    assert conflicts.find(bot) == Found((), (), ())


def test_exactly_the_planted_ones_are_found(bots: LiveBot, store: Store, conflicts: Conflicts) -> None:
    store.knowledge.apply(PLANTED)
    found = conflicts.find(bots.current())
    assert labels(found) == sorted_by_words(
        {("what are your opening hours", "opening_hours"), ("What are your opening-hours?", "payment_methods")},
        {("payment methods", "payment_methods"), ("payment method", "size_guide")},
        {("怎么样退货", "return_item"), ("怎样退货", "track_order")},
    )
    (overlap,) = found.intents
    assert ({overlap.one, overlap.other}, overlap.sizes) == ({"return_item", "give_back"}, (7, 11))
    assert overlap.share > 0.5
    assert {example.intent for example in overlap.samples} == {"return_item", "give_back"}
    assert [(pair.one.key, pair.other.key) for pair in found.templates] == [
        ("size_guide", "sizes"),
        ("hours_again.zh", "opening_hours.zh"),
    ]


def test_what_is_kept_is_not_shown_until_it_changes(bots: LiveBot, store: Store, conflicts: Conflicts) -> None:
    planted = Changes(examples=PLANTED.examples[:2])
    store.knowledge.apply(planted)
    settling = Settling(store.database)
    lead = store.agents.add("Lea", role=Role.LEAD, password_hash="x", by="test")
    first, second = conflicts.find(bots.current()).labels
    settling.keep(first.key, by=lead)
    assert conflicts.find(bots.current()).without(settling.kept()).labels == (second,)
    wrong = next(example for example in first.examples if example.text in {each.text for each in planted.examples})
    settling.move(wrong.id, "track_order", by=lead)
    again = conflicts.find(bots.current()).without(settling.kept()).labels
    assert {example.text for group in again for example in group.examples} == {
        example.text for group in (first, second) for example in group.examples
    }


def test_the_same_revision_is_looked_at_once(bots: LiveBot, store: Store, conflicts: Conflicts) -> None:
    assert conflicts.find(bots.current()) is conflicts.find(bots.current())
    before = conflicts.find(bots.current())
    store.knowledge.apply(Changes(examples=(Example("payment method", "size_guide"),)))
    assert len(conflicts.find(bots.current()).labels) == 1
    assert before.labels == ()


def test_three_texts_are_one_group(bots: LiveBot, store: Store, conflicts: Conflicts) -> None:
    store.knowledge.apply(
        Changes(examples=(Example("payment method", "size_guide"), Example("Payments methods", "track_order")))
    )
    (group,) = conflicts.find(bots.current()).labels
    assert {each.text for each in group.examples} == {"payment methods", "payment method", "Payments methods"}
    assert 0.93 <= group.similarity <= 1.0001


def test_an_empty_shop_has_no_conflicts(empty_store: Store, bot: Bot) -> None:
    empty = replace(bot, knowledge=load_knowledge(empty_store.knowledge, bot.encoder))
    assert Conflicts(empty_store.knowledge).find(empty) == Found((), (), ())
