"""Slips of the finger lead back to the examples' words; what is a word already is left alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.spelling import LONGEST, Speller, is_one_slip

EXAMPLES = (
    "Where is my order?", "cancel my order please", "my lost card", "I couldn't pay", "the zipp is torn",
    "order status", "has it shipped", "do you sell Fjellro tents",
)  # fmt: skip
ENGLISH = {
    "where",
    "order",
    "cancel",
    "please",
    "lost",
    "card",
    "status",
    "torn",
    "sell",
    "tents",
    "border",
    "host",
    "chip",
    "shipped",
}


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller.of(EXAMPLES, ENGLISH.__contains__)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("wher is my roder?", "where is my order?"),
        ("Crad LSOT", "card lost"),
        ("cancell my 0rder plese", "cancel my order please"),
        ("where is myorder", "where is my order"),
        ("lostcard", "lost card"),
    ],
)
def test_a_slip_is_read_as_the_word_that_was_meant(speller: Speller, text: str, read: str) -> None:
    assert speller.corrected(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "border",  # the encoder knows it: another word, one slip from "order"
        "host",
        "zipp",  # it stands in an example
        "couldnt",  # with its apostrophe it does
        "couldn't",
        "fjellro",
        "cards",  # a form of a word that the encoder knows
        "hosted",
        "chipped",
        "JP-482913",
        "ca12d",
        "hgahg",
        "[order]",
        "ord",  # two slips
        "订单在哪里",
        "",
    ],
)
def test_what_is_no_slip_stays_as_it_is(speller: Speller, text: str) -> None:
    assert speller.corrected(text) == text


def test_nothing_leads_to_a_word_that_only_a_slip_made(speller: Speller) -> None:
    assert speller.corrected("zippp") == "zippp"
    assert speller.corrected("fjelro") == "fjelro"  # nor to a name that the encoder cannot read


def test_it_learns_words_and_stays_what_it_was(speller: Speller) -> None:
    more = speller.knowing(["border please"])
    assert (more.corrected("boder"), speller.corrected("boder")) == ("border", "boder")
    at_once = Speller.of([*EXAMPLES, "border please"], speller.is_whole)
    assert more.counts == at_once.counts
    assert {left: set(words) for left, words in more.near.items()} == {
        left: set(words) for left, words in at_once.near.items()
    }


def test_what_it_forgets_is_as_if_it_had_never_been_known(speller: Speller) -> None:
    whole = speller.is_whole
    known = Speller.of(["isn't my parcel here", "where is the parcel", "parcels"], whole)
    less = known.forgetting(["where is the parcel", "parcels"])
    alone = Speller.of(["isn't my parcel here"], whole)
    assert less.counts == alone.counts
    assert {left: set(words) for left, words in less.near.items()} == {
        left: set(words) for left, words in alone.near.items()
    }
    assert known.counts["parcel"] == 2, "who still reads with it sees no change"


def test_the_more_frequent_word_wins() -> None:
    speller = Speller.of(["card", "care", "care"], {"card", "care"}.__contains__)
    assert speller.corrected("carr") == "care"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("roder", "order", True),
        ("ordr", "order", True),
        ("ordder", "order", True),
        ("ordet", "order", True),
        ("order", "order", True),
        ("redor", "order", False),
        ("rdoer", "order", False),
        ("or", "order", False),
    ],
)
def test_one_slip(one: str, other: str, *, expected: bool) -> None:
    assert is_one_slip(one, other) is expected
    assert is_one_slip(other, one) is expected


@given(text=st.text(max_size=60))
def test_any_text_is_read_and_twice_is_once(text: str) -> None:
    speller = Speller.of(EXAMPLES, ENGLISH.__contains__)
    once = speller.corrected(text)
    assert speller.corrected(once) == once


def test_long_runs_of_letters_cost_nothing(speller: Speller) -> None:
    started = time.process_time()
    assert speller.corrected("a" * 100_000) == "a" * 100_000
    assert speller.corrected("qx" * LONGEST) == "qx" * LONGEST
    assert time.process_time() - started < 0.5
