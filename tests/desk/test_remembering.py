"""What was read once is not read again, and what a change could touch is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chatbot.bot import Bot
from chatbot.desk.remembering import Memory, Remembering, RememberingEncoder, carried, remembering
from chatbot.desk.supposing import suppose
from chatbot.redact import Redactor
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Reading, Status
from tests.conftest import SHOP_EXAMPLES
from tests.counting import Counting

TEXTS = [f"{opening}{text}" for texts in SHOP_EXAMPLES.values() for text in texts for opening in ("", "tell me ")]


@pytest.fixture
def encoder(bot: Bot) -> Counting:
    return Counting(bot.encoder)


@pytest.fixture
def remembered(bot: Bot, encoder: Counting) -> Remembering:
    return Remembering.of(remembering(replace(bot, encoder=encoder), Memory()), {})


def texts_of(reading: Reading) -> list[str]:
    """An example and a title in the same words have the same vector, and either may be the last of the nearest."""
    return [hit.text.casefold() for hit in reading.neighbours]


def shares_of(reading: Reading) -> dict[str, float]:
    """Of an intent that came after training a reading only knows where a text of its batch was near it."""
    found = dict.fromkeys([*SHOP_EXAMPLES, "gift_cards"], 0.0)
    return found | dict(zip(reading.intents, reading.probabilities.tolist(), strict=True))


def same(one: Reading, other: Reading) -> bool:
    return (
        texts_of(one) == texts_of(other)
        and shares_of(one) == pytest.approx(shares_of(other), abs=1e-6)
        and one.best()[1] == pytest.approx(other.best()[1], abs=1e-6)
        and (one.vector is None) == (other.vector is None)
    )


@pytest.mark.parametrize("closely", [False, True])
def test_it_reads_as_the_bot_does_and_only_once(
    closely: bool, bot: Bot, remembered: Remembering, encoder: Counting, redactor: Redactor
) -> None:
    queries = [redactor.redact(text) for text in [*TEXTS, TEXTS[0]]]
    first = remembered.read_many(queries, closely=closely)
    assert all(same(one, other) for one, other in zip(first, bot.read_many(queries, closely=closely), strict=True))
    encoder.asked.clear()
    again = remembered.read_many(queries, closely=closely)
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert remembered.read(queries[3]) is remembered.read_many([queries[3]])[0]
    assert encoder.asked == []


def test_a_glance_is_no_close_reading(remembered: Remembering, redactor: Redactor) -> None:
    query = redactor.redact("when do you open")
    assert remembered.read(query).vector is None
    assert remembered.read_many([query], closely=True)[0].vector is not None
    assert remembered.read(query).vector is None


@pytest.mark.parametrize(
    "changes",
    [
        Changes(examples=(Example("do you sell gift cards", "gift_cards"),)),
        Changes(examples=(Example("shop hours", "size_guide"),)),
        Changes(examples=(Example("tell me the shop hours", "size_guide"),)),
        Changes(examples=(Example("parcel status", "track_order", status=Status.RETIRED),)),
        Changes(examples=(Example("harbour tour", "track_order"), Example("tel mi", "track_order"))),
    ],
)
def test_what_is_carried_over_is_what_would_be_read(
    changes: Changes, remembered: Remembering, redactor: Redactor
) -> None:
    bot = replace(remembered, cascade=None)
    queries = [redactor.redact(text) for text in TEXTS]
    bot.read_many(queries, closely=True)
    supposed = suppose(bot, changes)
    kept = carried(bot, supposed)
    fresh = Remembering.of(supposed, {}).read_many(queries, closely=True)
    wrong = [text for text, reading in zip(TEXTS, fresh, strict=True) if text in kept and not same(kept[text], reading)]
    assert wrong == []
    assert len(kept) < len(TEXTS)


def test_most_readings_survive_a_change_elsewhere(remembered: Remembering, redactor: Redactor) -> None:
    remembered.read_many([redactor.redact(text) for text in TEXTS], closely=True)
    changes = Changes(examples=(Example("may my parrot ride a tricycle", "size_guide"),))
    kept = carried(remembered, suppose(remembered, changes))
    assert len(kept) > 0.8 * len(TEXTS)


def test_after_a_large_change_nothing_is_carried_over(remembered: Remembering, redactor: Redactor) -> None:
    remembered.read_many([redactor.redact(text) for text in TEXTS[:4]], closely=True)
    many = Changes(examples=tuple(Example(f"number {number}", "size_guide") for number in range(501)))
    knowledge = replace(
        remembered.knowledge, examples={n: replace(example, id=n) for n, example in enumerate(many.examples, start=900)}
    )
    assert carried(remembered, replace(remembered, knowledge=knowledge)) == {}


def test_an_encoder_that_remembers(bot: Bot, encoder: Counting) -> None:
    known = bot.encoder.encode(["shop hours"])[0]
    vectors = {"shop hours": known}
    remembers = RememberingEncoder(encoder, vectors)
    found = remembers.encode(["a", "shop hours", "a"])
    assert encoder.asked == ["a"]
    assert (found[1] == known).all()
    assert (found[0] == found[2]).all()
    assert set(vectors) == {"shop hours", "a"}
    assert remembers.encode([]).shape == (0, bot.encoder.dimension)
    assert remembers.fingerprint == bot.encoder.fingerprint


def test_a_memory_keeps_only_what_it_is_told_to() -> None:
    memory = Memory({"a": np.ones(2, np.float32), "b": np.ones(2, np.float32)}, {"b": np.ones(3), "c": np.ones(3)})
    memory.keep_only({"b"})
    assert (list(memory.vectors), list(memory.margins)) == (["b"], ["b"])
