"""What is learned once, and which labels are doubted."""

from __future__ import annotations

import numpy as np

from chatbot.types import Example
from training.cleaning import Conflict, clean, doubts


def test_what_says_the_same_is_learned_once() -> None:
    first = Example("where is the parcel", "track", id=1)
    cleaned = clean([first, Example("Hello, where is the parcel?", "track", id=2), Example("refund", "refund", id=3)])
    assert [example.id for example in cleaned.examples] == [1, 3]
    assert (cleaned.repeated, cleaned.conflicts) == (1, ())


def test_languages_are_kept_apart() -> None:
    both = [Example("hotel", "stay", language="en", id=1), Example("hotel", "stay", language="de", id=2)]
    assert clean(both).repeated == 0


def test_contradicting_labels_are_told_and_not_learned() -> None:
    cleaned = clean(
        [Example("it broke", "refund", id=1), Example("It broke!", "repair", id=2), Example("x y", "z", id=3)]
    )
    assert [example.id for example in cleaned.examples] == [3]
    assert cleaned.conflicts == (Conflict(("it broke", "It broke!"), ("refund", "repair"), None),)
    assert cleaned.repeated == 0


def test_what_an_agent_confirmed_goes_before_what_a_file_said() -> None:
    cleaned = clean(
        [Example("it broke", "refund", source="old.csv", id=1), Example("it broke!", "repair", source="review", id=2)]
    )
    assert [example.id for example in cleaned.examples] == [2]
    assert cleaned.conflicts[0].kept == "repair"


def test_texts_of_small_words_only_are_not_all_the_same() -> None:
    cleaned = clean([Example("please", "greet", id=1), Example("hello", "greet", id=2), Example("thanks", "bye", id=3)])
    assert (len(cleaned.examples), cleaned.repeated, cleaned.conflicts) == (3, 0, ())


def test_a_label_that_the_others_contradict_is_doubted() -> None:
    """Thirty examples that are read surely and right, and three whose label is another than what is read."""
    labels = np.array([0, 1, 2] * 11)
    probabilities = np.full((33, 3), 0.02)
    probabilities[np.arange(33), labels] = 0.96
    wrong = [4, 9, 23]
    for row in wrong:
        labels[row] = (labels[row] + 1) % 3
    intents = ("a", "b", "c")
    examples = [Example(f"text {row}", intents[label], id=100 + row) for row, label in enumerate(labels)]
    found = doubts(examples, intents, labels, probabilities)
    assert sorted(one.example_id for one in found) == [104, 109, 123]
    for one in found:
        row = one.example_id - 100
        assert (one.given, one.proposed) == (intents[labels[row]], intents[probabilities[row].argmax()])
        assert one.confidence > 0.9


def test_of_an_intent_with_few_examples_nothing_is_doubted() -> None:
    labels = np.array([0] * 10 + [1] * 10 + [2] * 3)
    probabilities = np.full((23, 3), 0.02)
    probabilities[np.arange(23), np.where(labels == 2, 0, labels)] = 0.96
    examples = [Example(f"text {row}", "abc"[label], id=row) for row, label in enumerate(labels)]
    assert doubts(examples, ("a", "b", "c"), labels, probabilities) == []
    assert doubts(examples[:2], ("a", "b", "c"), labels[:2], probabilities[:2]) == []
