"""Knowledge: every change is one step with one revision, or nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from chatbot.errors import StoreError
from chatbot.store import Store
from chatbot.store.knowledge import KEYS_PER_QUERY, Changes, Snapshot, same_example, same_template
from chatbot.text import text_key
from chatbot.types import Example, Fact, Intent, Status, Template

REFUND = Template(
    "refund", "refund", "Within {days} days.", owner="Care", source="book.csv", valid_until=date(2026, 6, 1)
)
PARCEL = Example("Where is my parcel?", "track_order", template="track_order", source="mail", group="talk-1")


def revisions(store: Store) -> list[tuple[str, int, str, str]]:
    query = text(
        "SELECT t.key, r.revision, r.body, r.status FROM template_revisions r JOIN templates t ON t.id = r.template_id "
        "ORDER BY t.key, r.revision"
    )
    with store.database.read() as session:
        return [tuple(row) for row in session.execute(query)]


def test_an_untouched_store_knows_nothing(empty_store: Store) -> None:
    snapshot = empty_store.knowledge.snapshot()
    assert (snapshot, snapshot.empty) == (Snapshot(0), True)
    assert empty_store.knowledge.revision() == 0


def test_everything_comes_back_in_one_snapshot(empty_store: Store) -> None:
    changes = Changes(
        intents=(Intent("refund", {"en": "Refund", "zh": "退款"}), Intent("bye")),
        facts=(Fact("shop_name", "Tiny Shop"),),
        templates=(REFUND, Template("bye.zh", "bye", "再见", "zh", Status.PROPOSED, valid_from=date(2026, 1, 1))),
        examples=(PARCEL, Example("退款", "refund", "zh", status=Status.RETIRED, group="g")),
    )
    assert empty_store.knowledge.apply(changes) == 1
    snapshot = empty_store.knowledge.snapshot()
    assert snapshot.intents == (
        Intent("bye"),
        Intent("refund", {"en": "Refund", "zh": "退款"}),
        Intent("track_order"),  # named by an example only
    )
    assert snapshot.facts == changes.facts
    assert snapshot.templates == (replace(changes.templates[0], id=1), replace(changes.templates[1], id=2))
    assert snapshot.examples == (replace(PARCEL, id=1), replace(changes.examples[1], id=2))
    assert (snapshot.revision, snapshot.empty) == (1, False)


def test_each_change_counts_and_none_does_not(empty_store: Store) -> None:
    knowledge = empty_store.knowledge
    counted = [
        knowledge.apply(Changes()),
        knowledge.apply(Changes(facts=(Fact("a", "1"),))),
        knowledge.apply(Changes(facts=(Fact("a", "2"),))),
        knowledge.apply(Changes()),
    ]
    assert counted == [0, 1, 2, 2]
    assert knowledge.revision() == 2
    assert knowledge.snapshot().facts == (Fact("a", "2"),)


def test_titles_are_replaced_and_stay_when_only_an_example_names_the_intent(empty_store: Store) -> None:
    empty_store.knowledge.apply(Changes(intents=(Intent("track_order", {"en": "Track"}),)))
    empty_store.knowledge.apply(Changes(examples=(PARCEL,)))
    assert empty_store.knowledge.snapshot().intents == (Intent("track_order", {"en": "Track"}),)
    empty_store.knowledge.apply(Changes(intents=(Intent("track_order", {"de": "Paket"}),)))
    assert empty_store.knowledge.snapshot().intents == (Intent("track_order", {"de": "Paket"}),)


def test_each_wording_of_a_template_is_kept(empty_store: Store) -> None:
    empty_store.knowledge.apply(Changes(templates=(REFUND,)))
    empty_store.knowledge.apply(Changes(templates=(replace(REFUND, body="Within two weeks."),)))
    empty_store.knowledge.apply(
        Changes(templates=(replace(REFUND, status=Status.RETIRED), Template("bye", "bye", "Bye!")))
    )
    found = {template.key: template for template in empty_store.knowledge.snapshot().templates}
    assert found["refund"] == replace(REFUND, status=Status.RETIRED, revision=3, id=1)
    assert found["bye"].revision == 1
    assert revisions(empty_store) == [
        ("bye", 1, "Bye!", "approved"),
        ("refund", 1, "Within {days} days.", "approved"),
        ("refund", 2, "Within two weeks.", "approved"),
        ("refund", 3, "Within {days} days.", "retired"),
    ]


def test_the_same_key_twice_in_one_change_gives_two_revisions(empty_store: Store) -> None:
    empty_store.knowledge.apply(Changes(templates=(REFUND, replace(REFUND, body="Later."))))
    (template,) = empty_store.knowledge.snapshot().templates
    assert (template.body, template.revision) == ("Later.", 2)


def test_one_text_is_one_example_however_it_is_typed(empty_store: Store) -> None:
    typed = ("Where is my parcel?", "where is  my PARCEL", "Ｗhere is my parcel!!")
    empty_store.knowledge.apply(Changes(examples=tuple(Example(words, "track_order") for words in typed[:2])))
    empty_store.knowledge.apply(Changes(examples=(Example(typed[2], "track_order"),)))
    (example,) = empty_store.knowledge.snapshot().examples
    assert text_key(example.text) == text_key("where is my parcel")


def test_a_new_label_replaces_the_old_one_and_the_split_group_stays(empty_store: Store) -> None:
    empty_store.knowledge.apply(Changes(examples=(PARCEL,)))
    relabelled = Example("where is my parcel", "lost_parcel", "de", "lost", "desk", "another group", Status.RETIRED)
    assert empty_store.knowledge.apply(Changes(examples=(relabelled,))) == 2
    (example,) = empty_store.knowledge.snapshot().examples
    assert example == Example(PARCEL.text, "lost_parcel", "de", "lost", "desk", "talk-1", Status.RETIRED, id=1)


def test_texts_that_differ_in_digits_and_marks_share_a_split_group(empty_store: Store) -> None:
    texts = ("Order 17: late!", "order 23 late", "Order late", "order too late")
    empty_store.knowledge.apply(Changes(examples=tuple(Example(words, "late") for words in texts)))
    groups = [example.group for example in empty_store.knowledge.snapshot().examples]
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert len(groups[0]) == 32


BROKEN: list[Changes] = [
    Changes(facts=(Fact("b", None),)),  # type: ignore[arg-type]  # what a careless caller could pass
    Changes(templates=(replace(REFUND, key="new", body=None),)),  # type: ignore[arg-type]
    Changes(examples=(Example("fine", "x"), Example("broken", None))),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("broken", BROKEN, ids=["fact", "template", "example"])
def test_one_bad_record_rolls_everything_back(empty_store: Store, broken: Changes) -> None:
    empty_store.knowledge.apply(Changes(facts=(Fact("a", "1"),), templates=(REFUND,), examples=(PARCEL,)))
    before, kept = empty_store.knowledge.snapshot(), revisions(empty_store)
    everything = Changes(
        intents=(Intent("new", {"en": "New"}),),
        facts=(Fact("a", "changed"), *broken.facts),
        templates=(replace(REFUND, body="changed"), *broken.templates),
        examples=(replace(PARCEL, intent="changed"), Example("another", "new"), *broken.examples),
    )
    with pytest.raises(StoreError, match="NOT NULL constraint failed"):
        empty_store.knowledge.apply(everything)
    assert empty_store.knowledge.snapshot() == before
    assert revisions(empty_store) == kept


def test_eight_threads_change_different_things_and_each_change_counts(empty_store: Store) -> None:
    def change(number: int) -> int:
        return empty_store.knowledge.apply(Changes(examples=(Example(f"words {'x' * number}", f"intent-{number}"),)))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(change, range(8))) == list(range(1, 9))
    assert len(empty_store.knowledge.snapshot().examples) == 8


def vector(*values: float) -> Any:
    return np.array(values, dtype=np.float32)


def test_vectors_are_kept_by_encoder_and_text(empty_store: Store) -> None:
    knowledge = empty_store.knowledge
    knowledge.keep_vectors("one", {"a": vector(1, 2), "b": vector(3, 4)})
    knowledge.keep_vectors("two", {"a": vector(9, 9, 9)})
    found = knowledge.vectors("one", ["b", "a", "missing"])
    assert {key: each.tolist() for key, each in found.items()} == {"a": [1.0, 2.0], "b": [3.0, 4.0]}
    assert {each.dtype for each in found.values()} == {np.dtype("float32")}
    assert knowledge.vectors("two", ["a"])["a"].tolist() == [9.0, 9.0, 9.0]
    assert knowledge.vectors("three", ["a"]) == {}
    assert knowledge.vectors("one", []) == {}
    assert knowledge.revision() == 0  # vectors are no knowledge of their own


def test_a_vector_that_is_there_stays(empty_store: Store) -> None:
    empty_store.knowledge.keep_vectors("one", {"a": vector(1)})
    empty_store.knowledge.keep_vectors("one", {"a": vector(2), "b": vector(3)})
    empty_store.knowledge.keep_vectors("one", {})
    found = empty_store.knowledge.vectors("one", ["a", "b"])
    assert {key: each.tolist() for key, each in found.items()} == {"a": [1.0], "b": [3.0]}


def test_vectors_of_one_encoder_can_be_dropped(empty_store: Store) -> None:
    for encoder in ("one", "two", "three"):
        empty_store.knowledge.keep_vectors(encoder, {"a": vector(1)})
    empty_store.knowledge.drop_vectors(["one", "three", "unknown"])
    left = [encoder for encoder in ("one", "two", "three") if empty_store.knowledge.vectors(encoder, ["a"])]
    assert left == ["two"]


def test_more_keys_than_one_statement_takes(empty_store: Store) -> None:
    keys = [f"{number:064d}" for number in range(KEYS_PER_QUERY + 3)]
    empty_store.knowledge.keep_vectors("one", {key: vector(1) for key in keys[-2:]})
    assert sorted(empty_store.knowledge.vectors("one", keys)) == keys[-2:]


def test_sameness_is_about_what_a_record_says() -> None:
    assert same_template(REFUND, replace(REFUND, id=7, revision=9))
    assert not same_template(REFUND, replace(REFUND, body="else"))
    assert same_example(PARCEL, replace(PARCEL, id=7, group="else"))
    assert not same_example(PARCEL, replace(PARCEL, template=None))


def test_changes_are_false_when_there_are_none() -> None:
    assert not Changes()
    assert Changes(intents=(Intent("a"),))
