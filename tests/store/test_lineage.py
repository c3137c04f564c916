"""Where training data went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.store.lineage import Suspicion, Used
from chatbot.types import Example, Side


@pytest.fixture
def numbers(empty_store: Store) -> list[int]:
    examples = (Example("one", "a"), Example("two", "a"), Example("three", "b"))
    empty_store.knowledge.apply(Changes(examples=examples))
    return [example.id for example in empty_store.knowledge.snapshot().examples]


def test_sides_are_kept_and_change_no_revision(empty_store: Store, numbers: list[int]) -> None:
    before = empty_store.knowledge.revision()
    assert empty_store.lineage.sides() == {}
    empty_store.lineage.assign({numbers[0]: Side.HOLDOUT, numbers[2]: Side.TRAIN})
    empty_store.lineage.assign({})
    assert empty_store.lineage.sides() == {numbers[0]: Side.HOLDOUT, numbers[2]: Side.TRAIN}
    assert empty_store.knowledge.revision() == before


def test_another_label_leaves_an_example_on_its_side(empty_store: Store, numbers: list[int]) -> None:
    empty_store.lineage.assign({numbers[0]: Side.HOLDOUT})
    empty_store.knowledge.apply(Changes(examples=(Example("one", "b"),)))
    assert empty_store.lineage.sides() == {numbers[0]: Side.HOLDOUT}


def test_a_data_version_is_kept_once_and_found_again(empty_store: Store, numbers: list[int]) -> None:
    used = [Used(number, "a", Side.TRAIN) for number in numbers]
    first = empty_store.lineage.keep("f" * 64, used)
    assert (first.examples, first.intents) == (3, 1)
    assert empty_store.lineage.keep("f" * 64, used[:1]) == first
    assert empty_store.lineage.used("f" * 64) == used
    assert empty_store.lineage.used("0" * 64) is None
    assert [version.hash for version in empty_store.lineage.versions()] == ["f" * 64]


def test_added_since(empty_store: Store, numbers: list[int]) -> None:
    today = datetime.now(UTC).date()
    assert empty_store.lineage.added_since(today - timedelta(days=1)) == set(numbers)
    assert empty_store.lineage.added_since(today + timedelta(days=2)) == set()


def test_doubts_are_replaced_and_settled_by_a_new_label(empty_store: Store, numbers: list[int]) -> None:
    lineage = empty_store.lineage
    lineage.doubt([Suspicion(numbers[0], "a", "b", 0.7), Suspicion(numbers[1], "a", "b", 0.9)])
    assert [one.example_id for one in lineage.doubted()] == [numbers[1], numbers[0]]
    # An example that is gone, or was relabelled since, is in doubt no more.
    lineage.doubt([Suspicion(numbers[0], "a", "b", 0.7), Suspicion(424242, "a", "b", 0.9)])
    assert [one.example_id for one in lineage.doubted()] == [numbers[0]]
    empty_store.knowledge.apply(Changes(examples=(Example("one", "b"),)))
    assert lineage.doubted() == []
