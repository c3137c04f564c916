"""The three channels, their mix, and a classifier on disk; first by hand, then of the trained small shop."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.svm import LinearSVC

from chatbot.bot import Bot
from chatbot.classifier import (
    FLOOR,
    KERNEL_WIDTH,
    SAME_WORDING,
    Classifier,
    DenseHead,
    LexicalHead,
    Mix,
    load_classifier,
    new_vectorizer,
    same_wording,
    save_classifier,
    softmax,
    vote,
    vote_matrix,
)
from chatbot.knowledge import refresh
from chatbot.redact import Redactor
from chatbot.respond import Context, answer
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Hit
from training.examples import collect_examples
from training.fit import LEXICAL_C

QUESTIONS = (
    "where is my parcel?",
    "I'd like to return the tent",
    "opening hours on sunday",
    "visa or mastercard",
    "is the jacket true to size",
    "sing me a song",
    "退货",
    "",
)


def hit(intent: str, similarity: float) -> Hit:
    return Hit("example", "text", intent, similarity, "en")


def two_intents(trust: float = 0.75) -> Classifier:
    """Hand-made: the first number of a vector speaks for "a", the second for "b"; "refund" in the text for "b"."""
    vectorizer = new_vectorizer(analyzer="word", ngram_range=(1, 1)).fit(["refund"])
    return Classifier(
        ("a", "b"),
        DenseHead(np.eye(2, dtype=np.float32), np.zeros(2, np.float32)),
        LexicalHead((vectorizer,), np.array([[-1, 2]], np.float16), np.array([0.5, -0.5], np.float32)),
        Mix(dense=2.0, lexical=0.5, neighbours=1.0, same_wording_trust=trust),
    )


def test_softmax() -> None:
    np.testing.assert_allclose(softmax(np.log([[1.0, 3.0], [2.0, 2.0]])), np.array([[0.25, 0.75], [0.5, 0.5]]))
    far = softmax(np.array([[1e4, 1e4 + math.log(4)], [-1e9, 0.0]]))
    np.testing.assert_allclose(far, np.array([[0.2, 0.8], [0, 1]]))


def test_votes_fall_with_distance() -> None:
    near, far = 0.9, 0.9 - KERNEL_WIDTH
    weight = math.exp(-1)
    votes = vote([[hit("a", near), hit("b", far), hit("a", far)], [hit("b", 0.1)], []], ["a", "b", "c"])
    total = 1 + 2 * weight
    np.testing.assert_allclose(votes, np.array([[(1 + weight) / total, weight / total, 0], [0, 1, 0], [0, 0, 0]]))


def test_places_without_a_neighbour_do_not_vote() -> None:
    similarities = np.array([[0.5, -np.inf], [-np.inf, -np.inf]], dtype=np.float32)
    assert vote_matrix(similarities, np.array([[1, 0], [0, 0]]), 2).tolist() == [[0, 1], [0, 0]]
    assert vote_matrix(np.empty((2, 0)), np.empty((2, 0), np.int64), 3).tolist() == [[0, 0, 0]] * 2


def test_the_mix_by_hand() -> None:
    labels, fused, channels = two_intents().predict(
        ["Refund, refund"], np.array([[1, 0]], np.float32), [[hit("b", 0.5), hit("a", 0.5 - KERNEL_WIDTH)]]
    )
    dense = np.log(np.array([math.e, 1]) / (math.e + 1))
    lexical = np.array([0.5 - 1, -0.5 + 2])
    votes = np.array([math.exp(-1), 1]) / (1 + math.exp(-1))
    scores = np.exp(2 * dense + 0.5 * lexical + np.log(votes + FLOOR))
    assert labels == ("a", "b")
    np.testing.assert_allclose(fused[0], scores / scores.sum(), rtol=1e-6)
    np.testing.assert_allclose(channels["dense"][0], np.exp(dense), rtol=1e-6)
    np.testing.assert_allclose(channels["lexical"][0], np.exp(lexical / 2) / np.exp(lexical / 2).sum(), rtol=1e-6)
    np.testing.assert_allclose(channels["neighbours"][0], votes)


def test_without_neighbours_the_heads_decide() -> None:
    labels, fused, channels = two_intents().predict(["x", "x"], np.eye(2, dtype=np.float32), [(), ()])
    dense, lexical = np.log(softmax(np.eye(2)) + 1e-9), np.array([[0.5, -0.5]] * 2)
    np.testing.assert_allclose(fused, softmax(2 * dense + 0.5 * lexical), rtol=1e-6)
    assert channels["neighbours"].tolist() == [[0, 0], [0, 0]]
    assert two_intents().predict([], np.empty((0, 2), np.float32), [])[1].shape == (0, 2)
    assert labels == ("a", "b")


def test_the_same_wording_is_trusted_as_far_as_learned() -> None:
    texts, vectors = ["Texts?"], np.array([[5, 0]], np.float32)
    below, above = ([hit("b", similarity)] for similarity in (SAME_WORDING - 1e-3, SAME_WORDING))
    plain = two_intents(trust=0.75).predict(texts, vectors, [below])[1][0]
    trusted = two_intents(trust=0.75).predict(texts, vectors, [above])[1][0]
    np.testing.assert_allclose(trusted, plain * 0.25 + [0, 0.75])


def test_the_very_same_words_are_a_fact() -> None:
    probabilities = two_intents(trust=0.5).predict(["Text?"], np.array([[5, 0]], np.float32), [[hit("b", 1.0)]])[1][0]
    assert probabilities[1] > 0.999 - 1e-9


def test_the_same_wording_is_told_by_meaning_and_letters() -> None:
    assert same_wording("发票", [("退货", 1.0), ("发票", 1.0), ("尺码", 1.0)]) == 1
    assert same_wording("发票", [("退货", 1.0), ("开票", 1.0)]) is None
    assert same_wording("怎么退款", [("怎么付款", 1.0)]) is None
    assert same_wording("Shop hours?", [("shop hours please", 0.97), ("shop hours", 0.96)]) is None
    assert same_wording("Shop hours?", [("shop hour", 0.99), ("shop hours", 0.98)]) == 1
    assert same_wording("", [("", 1.0)]) is None
    assert same_wording("x", []) is None


def test_what_the_encoder_cannot_read_is_not_taken_for_the_same(bot: Bot, store: Store, redactor: Redactor) -> None:
    """To MiniLM all Chinese texts of two characters that it does not know are one."""
    store.knowledge.apply(
        Changes(examples=tuple(Example(*row, "zh") for row in (("退货", "return_item"), ("尺码", "size_guide"))))
    )
    new = replace(bot, knowledge=refresh(bot.knowledge, store.knowledge, bot.encoder))
    sure = bot.classifier.mix.same_wording_trust
    for text, intent in (("退货", "return_item"), ("尺码", "size_guide")):
        best, probability = new.read(redactor.redact(text)).ranked(1)[0]
        assert (best, probability >= sure) == (intent, True)
        assert [hit.similarity for hit in new.read(redactor.redact(text)).neighbours[:2]] == pytest.approx([1, 1])


def test_an_intent_that_came_later_takes_its_votes_and_leaves_the_rest_as_it_was() -> None:
    texts, vectors = ["x"], np.array([[1, 0]], np.float32)
    before = two_intents().predict(texts, vectors, [[hit("a", 0.5)]])[1][0]
    labels, after, channels = two_intents().predict(texts, vectors, [[hit("a", 0.5), hit("new", 0.5 - KERNEL_WIDTH)]])
    share = math.exp(-1) / (1 + math.exp(-1))
    assert labels == ("a", "b", "new")
    np.testing.assert_allclose(after[0], [*(before * (1 - share)), share])
    assert channels["dense"].shape == channels["lexical"].shape == (1, 3)


def test_it_is_the_same_after_saving_and_loading(bot: Bot, tmp_path: Path) -> None:
    save_classifier(bot.classifier, tmp_path / "copy")
    copy = load_classifier(tmp_path / "copy")
    vectors = bot.encoder.encode(QUESTIONS)
    neighbours = bot.knowledge.neighbours(QUESTIONS, vectors)
    labels, fused, channels = bot.classifier.predict(QUESTIONS, vectors, neighbours)
    again = copy.predict(QUESTIONS, vectors, neighbours)
    assert (again[0], copy.mix) == (labels, bot.classifier.mix)
    np.testing.assert_array_equal(again[1], fused)
    for name, scores in channels.items():
        np.testing.assert_array_equal(again[2][name], scores)
        assert scores.shape == fused.shape
    np.testing.assert_allclose(fused.sum(axis=1), 1)
    assert (fused >= 0).all()


def test_a_confirmed_example_wins_at_once_and_disturbs_no_other_question(
    bot: Bot, store: Store, redactor: Redactor
) -> None:
    others = [redactor.redact(text) for text in QUESTIONS[:5]]
    before = bot.read_many(others)
    store.knowledge.apply(Changes(examples=(Example("do you sell gift cards", "gift_cards"),)))
    new = replace(bot, knowledge=refresh(bot.knowledge, store.knowledge, bot.encoder))
    reading = new.read(redactor.redact("Do you sell gift cards"))
    assert reading.ranked(1)[0][0] == "gift_cards"
    assert reading.ranked(1)[0][1] > 0.9
    for old, now in zip(before, new.read_many(others), strict=True):
        # The new intent may take the share of its neighbours' votes, and no more.
        assert now.ranked(1)[0][0] == old.ranked(1)[0][0]
        taken = now.channels["neighbours"][now.intents.index("gift_cards")]
        assert taken < 0.05
        np.testing.assert_allclose(now.probabilities[:6], old.probabilities * (1 - taken), atol=1e-5)
        assert now.probabilities.sum() == pytest.approx(1)


def test_half_precision_weights_change_no_decision(bot: Bot, store: Store, redactor: Redactor) -> None:
    training_set = collect_examples(store.knowledge.snapshot())
    half = bot.classifier.lexical
    rows = hstack([vectorizer.transform(training_set.texts) for vectorizer in half.vectorizers])
    model = LinearSVC(C=LEXICAL_C, random_state=0).fit(rows.tocsr(), training_set.labels)
    assert half.weights.dtype == np.float16
    np.testing.assert_allclose(half.weights, model.coef_.T, atol=1e-3)
    exact = replace(bot.classifier, lexical=replace(half, weights=model.coef_.T))
    context = Context(language="en", day=date(2026, 11, 22))
    for text in (*QUESTIONS, *training_set.texts[::3]):
        one, other = (answer(redactor.redact(text), it, context) for it in (bot, replace(bot, classifier=exact)))
        assert (one.reply, one.decision.action, one.decision.intent) == (
            other.reply,
            other.decision.action,
            other.decision.intent,
        )
        assert one.decision.probability == pytest.approx(other.decision.probability, abs=1e-3)
