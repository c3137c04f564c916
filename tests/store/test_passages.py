"""Passages in the database: ids that stay, the revision that counts them, and what is read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.store.passages import passage_key, read_passage, same_passage
from chatbot.types import Passage, Status

ONE = Passage(
    "returns.md",
    "Returns > Abroad",
    "You pay.",
    "https://shop.example/r",
    "en",
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
)


def test_a_passage_comes_back_as_it_was_and_counts_as_a_change(empty_store: Store) -> None:
    store = empty_store.knowledge
    assert store.apply(Changes(passages=(ONE,))) == 1
    (stored,) = store.snapshot().passages
    assert same_passage(stored, ONE)
    assert stored.key == f"returns.md#{stored.id}"
    assert not store.snapshot().empty
    with empty_store.database.read() as session:
        assert read_passage(session, stored.id) == stored
        assert read_passage(session, stored.id + 1) is None


def test_the_same_words_keep_their_id_and_other_words_get_one(empty_store: Store) -> None:
    store = empty_store.knowledge
    store.apply(Changes(passages=(ONE,)))
    (first,) = store.snapshot().passages
    moved = replace(ONE, link="https://shop.example/new", position=7, status=Status.RETIRED, valid_until=None)
    store.apply(Changes(passages=(moved, replace(ONE, body="You PAY."), replace(ONE, document="other.md"))))
    changed, *others = store.snapshot().passages
    assert changed == replace(moved, id=first.id)
    assert len({first.id, *(other.id for other in others)}) == 3
    assert store.revision() == 2


def test_title_and_words_to_the_letter_are_the_identity() -> None:
    assert passage_key(ONE) == passage_key(replace(ONE, link="", position=3, language="de"))
    assert len({passage_key(each) for each in (ONE, replace(ONE, body="You pay"), replace(ONE, title="X"))}) == 3
