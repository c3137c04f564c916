"""Who learns and who judges."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from chatbot.types import Example, Side
from training.splitting import LEAST_EXAMPLES, MOST_SHARE, Split, groups_of, split_examples

THINGS = ("boots", "tent", "rope", "stove", "jacket", "lamp", "map", "knife", "socks", "gloves", "bottle", "bag")
ASKED = {
    "return": "how can I send the {} back to you",
    "stock": "is there any {} left in the Leeds branch",
    "price": "what would one more {} cost me today",
    "repair": "who mends a broken {} around here",
}


def shop(things: Sequence[str] = THINGS) -> list[Example]:
    made = product(ASKED.items(), things)
    return [
        Example(pattern.format(thing), intent, id=number) for number, ((intent, pattern), thing) in enumerate(made, 1)
    ]


def many() -> list[Example]:
    """Questions that have few letters in common: random words, 60 of each of four intents."""
    chance = np.random.default_rng(0)
    words = ["".join(chance.choice(list("abcdefghijklmnopqrstuvwxyz"), 7)) for _ in range(400)]
    texts = [" ".join(chance.choice(words, 5)) for _ in range(240)]
    return [Example(text, f"intent-{number % 4}", id=number + 1) for number, text in enumerate(texts)]


def recorded(split: Split) -> dict[int, Side]:
    return dict(split.new)


def held(split: Split) -> set[int]:
    return {example.id for example in split.holdout}


def test_texts_that_say_the_same_are_one_group() -> None:
    texts = (
        "could you tell me where exactly my parcel is right now",
        "Could you tell me where exactly my parcel is right now?!",
        "hello, could you tell me where exactly my parcel is right now please",
        "do you sell stoves",
        "订单在哪里",
    )
    groups = groups_of([Example(text, "x") for text in texts])
    assert groups[:3] == [groups[0]] * 3
    assert len(set(groups)) == 3


def test_nearly_the_same_letters_are_one_group() -> None:
    slip = Example(f"{many()[0].text[:-1]}q", "intent-0", id=999)
    groups = groups_of([*many(), slip])
    assert groups[0] == groups[-1]
    assert len(set(groups)) == 240


def test_an_imported_group_stays_together() -> None:
    groups = groups_of([Example("one text", "x", group="talk"), Example("quite another", "y", group="talk")])
    assert groups[0] == groups[1]


def test_few_examples_are_all_learned() -> None:
    examples = many()[: LEAST_EXAMPLES - 1]
    split = split_examples(examples, {})
    assert (len(split.train), split.holdout, split.must_pass) == (LEAST_EXAMPLES - 1, (), ())
    assert set(split.new.values()) == {Side.TRAIN}


def test_the_share_is_held_out_of_every_intent() -> None:
    split = split_examples(many(), {})
    counts = {f"intent-{number}": 0 for number in range(4)}
    for example in split.holdout:
        counts[example.intent] += 1
    assert counts == dict.fromkeys(counts, round(60 * MOST_SHARE))
    assert len(split.train) + len(split.holdout) == 240


def test_nothing_stands_on_both_sides() -> None:
    """Of one sentence with twelve things the letters are nearly the same: none of its kind may be torn apart."""
    examples = [*many(), *(Example(one.text, one.intent, id=one.id + 1000) for one in shop())]
    split = split_examples(examples, {})
    groups = dict(zip((example.id for example in examples), groups_of(examples), strict=True))
    learned = {groups[example.id] for example in split.train}
    assert held(split)
    assert not learned & {groups[number] for number in held(split)}


def test_the_order_of_arrival_changes_nothing() -> None:
    assert held(split_examples(many(), {})) == held(split_examples(many()[::-1], {}))


def test_what_was_held_out_stays_held_out() -> None:
    first = split_examples(many()[:120], {})
    second = split_examples(many(), recorded(first))
    assert held(first) <= held(second)
    assert held(second) - held(first)
    # Nobody who learned becomes a judge, and nothing that was decided is decided again.
    assert not held(second) & {example.id for example in first.train}
    assert not set(second.new) & set(first.new)


def test_what_is_nearly_a_held_out_text_joins_it() -> None:
    first = split_examples(many(), {})
    judge = first.holdout[0]
    echo = Example(f"Hello, {judge.text}?", judge.intent, id=9999)
    second = split_examples([*many(), echo], recorded(first))
    assert 9999 in held(second)


def test_what_a_bridge_joins_judges_no_more() -> None:
    """Two texts that a third shows to be one: what was learned cannot be unlearned, so the other is set aside."""
    examples = [*many(), Example("alpha beta", "intent-0", id=501, group="g")]
    learned = Example("gamma delta", "intent-0", id=502, group="g")
    sides = {example.id: Side.TRAIN for example in many()} | {501: Side.HOLDOUT, 502: Side.TRAIN}
    split = split_examples([*examples, learned], sides)
    assert [example.id for example in split.set_aside] == [501]
    assert 501 not in held(split)
    assert 502 in {example.id for example in split.train}
    assert split.new == {}
    assert {example.id for example in split.parts[Side.HOLDOUT]} == {501}


def test_a_shop_that_grows_by_a_few_gets_its_judges() -> None:
    """All were learned while they were few; of what comes later its share is held out, two examples a week or not."""
    sides: dict[int, Side] = {}
    counts = []
    for count in (80, 110, 140, 170, 200, 240):
        split = split_examples(many()[:count], sides)
        sides |= split.new
        counts.append(len(split.holdout))
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[-1] >= 30


def test_must_pass_questions_are_neither_learned_nor_held_out() -> None:
    split = split_examples(many(), {7: Side.MUST_PASS})
    assert [example.id for example in split.must_pass] == [7]
    assert 7 not in {example.id for example in (*split.train, *split.holdout)}
    assert 7 not in split.new


def test_what_is_labelled_in_two_ways_does_not_judge() -> None:
    examples = many()
    torn = [Example(f"{one.text}!", "intent-9", id=one.id + 1000) for one in examples[:30]]
    split = split_examples([*examples, *torn], {})
    both = {example.id for example in examples[:30]} | {example.id for example in torn}
    assert not held(split) & both


@pytest.mark.parametrize("texts", [[], ["?"], ["?", "!"], ["same", "same "]])
def test_hardly_any_text_is_split_too(texts: list[str]) -> None:
    examples = [Example(text, "x", id=number) for number, text in enumerate(texts, 1)]
    assert len(split_examples(examples, {}).train) == len(texts)
