from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import TrainingRefused
from chatbot.store.knowledge import Snapshot
from chatbot.types import OUT_OF_SCOPE, Example, Intent, Side, Status
from training.examples import FOLDS, TrainingSet, collect_examples, data_hash, folds, titles_hash, training_set_of


def collect(examples: Sequence[Example]) -> TrainingSet:
    return collect_examples(Snapshot(1, examples=tuple(examples)))


def some(intent: str, count: int, group: str = "") -> list[Example]:
    return [Example(f"{intent} {number}", intent, group=group) for number in range(count)]


def test_only_what_is_approved_is_collected() -> None:
    proposed = [replace(example, status=Status.PROPOSED) for example in some("c", 9)]
    found = collect([*some("b", 4), *proposed, *some(OUT_OF_SCOPE, 2)])
    assert found.intents == ("b", OUT_OF_SCOPE)
    assert found.labels.tolist() == [0, 0, 0, 0, 1, 1]
    assert found.in_scope.tolist() == [True] * 4 + [False] * 2
    assert found.texts == ["b 0", "b 1", "b 2", "b 3", "out_of_scope 0", "out_of_scope 1"]


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ([], "0 approved examples of 0 intents"),
        (some("a", 50), "50 approved examples of 1 intents"),
        ([*some("a", 4), *some("b", 1)], "5 approved examples of 2 intents"),
    ],
)
def test_too_little_is_refused_with_the_cure(examples: list[Example], words: str) -> None:
    with pytest.raises(TrainingRefused, match=f'{words} are too few .* add some with "chatbot import FILE"'):
        collect(examples)


def test_the_hash_tells_of_texts_labels_and_sides_and_of_nothing_else() -> None:
    examples = [*some("a", 4), *some("b", 4)]

    def hashed(examples: list[Example], side: Side = Side.TRAIN) -> str:
        return data_hash(dict.fromkeys(examples, side))

    same = hashed(examples)
    assert hashed(examples[::-1]) == same
    assert hashed([replace(example, source="x", id=9, group="g") for example in examples]) == same
    assert hashed([*examples[:-1], replace(examples[-1], intent="a")]) != same
    assert hashed([*examples[:-1], replace(examples[-1], text="b new")]) != same
    assert hashed(examples[:-1]) != same
    assert hashed(examples, Side.HOLDOUT) != same


def test_the_hash_of_titles_tells_what_intents_are_called() -> None:
    examples = (*some("a", 4), *some("b", 4))
    plain = titles_hash(training_set_of(examples, ()))
    assert titles_hash(training_set_of(examples[::-1], ())) == plain
    assert titles_hash(training_set_of(examples, (Intent("a", {"en": "Alpha"}),))) != plain


def test_all_in_one_group_cannot_be_split() -> None:
    with pytest.raises(TrainingRefused, match="all examples belong to one split group"):
        folds(collect([*some("a", 5, group="g"), *some("b", 5, group="g")]))


def test_a_label_with_one_example_is_no_trouble() -> None:
    splits = folds(collect([*some("a", 12), *some("b", 1)]))  # warnings are errors: scikit-learn has none either
    assert len(splits) == FOLDS
    assert sum(12 in held for _, held in splits) == 1


def test_each_intent_is_spread_over_the_folds() -> None:
    training_set = collect([*some("a", 50), *some("b", 20), *some("c", 5)])
    for _, held in folds(training_set):
        assert Counter(training_set.labels[held].tolist()) == {0: 10, 1: 4, 2: 1}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), min_size=6, max_size=60))
def test_folds_hold_each_example_out_once_and_never_split_a_group(rows: list[tuple[str, int]]) -> None:
    examples = [Example(f"t{number}", intent, group=f"g{group}") for number, (intent, group) in enumerate(rows)]
    groups = np.array([example.group for example in examples])
    if len({example.intent for example in examples}) < 2 or len(set(groups)) < 2:
        return
    splits = folds(collect(examples))
    assert sorted(np.concatenate([held for _, held in splits]).tolist()) == list(range(len(rows)))
    for fit, held in splits:
        assert len(fit)
        assert not set(groups[fit]) & set(groups[held])
        assert len(fit) + len(held) == len(rows)
