"""The three channels, their mix, and a classifier on disk; first by hand, then of the trained small shop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from chatbot.bot import Bot
from chatbot.classifier import (
    FAMILIES,
    FLOOR,
    IDENTICAL_TRUST,
    KERNEL_WIDTH,
    SAME_GIST_TRUST,
    SAME_WORDING,
    Classifier,
    DenseHead,
    Judgement,
    LexicalHead,
    Mix,
    load_classifier,
    same_wording,
    save_classifier,
    softmax,
    vote_matrix,
)
from chatbot.knowledge import refresh
from chatbot.redact import Redactor
from chatbot.respond import Context, answer
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.trust import EVIDENCE, Trust, evidence, log_odds, sigmoid
from chatbot.types import OUT_OF_SCOPE, Example, Hit, Vector
from training.examples import collect_examples
from training.heads import LEXICAL_C, LEXICAL_TOLERANCE

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


WIDTH = len(EVIDENCE)
BLANK = Trust(np.zeros(WIDTH), np.ones(WIDTH), np.zeros(WIDTH + WIDTH * (WIDTH + 1) // 2), 0.0)
"""Lets the fused probability of the best intent stand."""


def two_intents(trust: float = 0.75, later: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)) -> Classifier:
    """Hand-made: the first number of a vector speaks for "a", the second for "b"; "refund" in the text for "b"."""
    return Classifier(
        ("a", "b"),
        DenseHead(np.eye(2, dtype=np.float32), np.zeros(2, np.float32)),
        LexicalHead(
            ({"refund": 0}, {}),
            (np.ones(1), np.ones(0)),
            np.array([[-1, 2]], np.float16),
            np.array([0.5, -0.5], np.float32),
        ),
        Mix(dense=2.0, lexical=0.5, neighbours=1.0, same_wording_trust=trust, later=later),
        BLANK,
    )


def judged(
    classifier: Classifier, texts: Sequence[str], vectors: Vector, neighbours: Sequence[Sequence[Hit]]
) -> Judgement:
    return classifier.judge(texts, vectors, neighbours, classifier.lexical.scores(texts))


def test_softmax() -> None:
    np.testing.assert_allclose(softmax(np.log([[1.0, 3.0], [2.0, 2.0]])), np.array([[0.25, 0.75], [0.5, 0.5]]))
    far = softmax(np.array([[1e4, 1e4 + math.log(4)], [-1e9, 0.0]]))
    np.testing.assert_allclose(far, np.array([[0.2, 0.8], [0, 1]]))


def test_votes_fall_with_distance() -> None:
    near, far = 0.9, 0.9 - KERNEL_WIDTH
    weight = math.exp(-1)
    neighbours = [[hit("a", near), hit("b", far), hit("a", far)], [hit("b", 0.1)], []]
    votes = judged(two_intents(), ["x"] * 3, np.ones((3, 2), np.float32), neighbours).channels["neighbours"]
    total = 1 + 2 * weight
    np.testing.assert_allclose(votes, np.array([[(1 + weight) / total, weight / total], [0, 1], [0, 0]]))


def test_places_without_a_neighbour_do_not_vote() -> None:
    similarities = np.array([[0.5, -np.inf], [-np.inf, -np.inf]], dtype=np.float32)
    assert vote_matrix(similarities, np.array([[1, 0], [0, 0]]), 2).tolist() == [[0, 1], [0, 0]]
    assert vote_matrix(np.empty((2, 0)), np.empty((2, 0), np.int64), 3).tolist() == [[0, 0, 0]] * 2


def test_the_mix_by_hand() -> None:
    found = judged(
        two_intents(),
        ["Refund, refund"],
        np.array([[1, 0]], np.float32),
        [[hit("b", 0.5), hit("a", 0.5 - KERNEL_WIDTH)]],
    )
    dense = np.log(np.array([math.e, 1]) / (math.e + 1))
    lexical = np.array([0.5 - 1, -0.5 + 2])
    votes = np.array([math.exp(-1), 1]) / (1 + math.exp(-1))
    scores = np.exp(2 * dense + 0.5 * lexical + np.log(votes + FLOOR))
    assert found.intents == ("a", "b")
    np.testing.assert_allclose(found.probabilities[0], scores / scores.sum(), rtol=1e-6)
    np.testing.assert_allclose(found.channels["dense"][0], np.exp(dense), rtol=1e-6)
    np.testing.assert_allclose(found.channels["lexical"][0], np.exp(lexical / 2) / np.exp(lexical / 2).sum(), rtol=1e-6)
    np.testing.assert_allclose(found.channels["neighbours"][0], votes)
    np.testing.assert_allclose(found.certainty, found.probabilities.max(axis=1), atol=1e-5)


def test_without_neighbours_the_heads_decide() -> None:
    found = judged(two_intents(), ["x", "x"], np.eye(2, dtype=np.float32), [(), ()])
    dense, lexical = np.log(softmax(np.eye(2)) + 1e-9), np.array([[0.5, -0.5]] * 2)
    np.testing.assert_allclose(found.probabilities, softmax(2 * dense + 0.5 * lexical), rtol=1e-6)
    assert found.channels["neighbours"].tolist() == [[0, 0], [0, 0]]
    nothing = judged(two_intents(), [], np.empty((0, 2), np.float32), [])
    assert (nothing.probabilities.shape, nothing.certainty.shape) == ((0, 2), (0,))
    assert found.intents == ("a", "b")


def test_the_certainty_is_what_the_trust_makes_of_the_evidence() -> None:
    random = np.random.default_rng(0)
    classifier = replace(
        two_intents(later=(1.0, 2.0, -0.5, 0.5)),
        intents=("a", OUT_OF_SCOPE),
        trust=replace(BLANK, weights=random.normal(size=BLANK.weights.shape) / 20, bias=0.5, slope=0.9, offset=-0.3),
    )
    texts, vectors = ["x", "refund or so"], np.eye(2, dtype=np.float32)
    hits = [[hit("a", 0.5), hit("new", 0.4)], [hit(OUT_OF_SCOPE, 0.8)]]
    found = judged(classifier, texts, vectors, hits)
    expected = classifier.trust.probability(
        evidence(
            fused=found.probabilities,
            dense=classifier.dense.scores(vectors),
            lexical=classifier.lexical.scores(texts),
            votes=found.channels["neighbours"],
            similarities=np.array([[0.5, 0.4], [0.8, -np.inf]]),
            columns=np.array([[0, 2], [1, -1]]),
            lengths=np.array([1.0, 12.0]),
            answerable=np.array([True, False, True]),
        )
    )
    np.testing.assert_allclose(found.certainty, expected)
    assert classifier.answerable.tolist() == [True, False]


def test_the_same_wording_is_trusted_as_far_as_learned() -> None:
    texts, vectors = ["Texts?"], np.array([[5, 0]], np.float32)
    below, above = ([hit("b", similarity)] for similarity in (SAME_WORDING - 1e-3, SAME_WORDING))
    plain = judged(two_intents(trust=0.75), texts, vectors, [below]).probabilities[0]
    trusted = judged(two_intents(trust=0.75), texts, vectors, [above]).probabilities[0]
    np.testing.assert_allclose(trusted, plain * 0.25 + [0, 0.75])


def test_the_very_same_words_are_a_fact() -> None:
    doubting = replace(two_intents(trust=0.5), trust=replace(BLANK, offset=-9.0))
    same, near = replace(hit("b", 1.0), confirmed=True), hit("b", 1.0)
    texts, hits = ["Text?", "The text, please", "Texts", "text"], [[same], [same], [near], [near]]
    found = judged(doubting, texts, np.array([[5, 0]] * 4, np.float32), hits)
    assert found.probabilities[0, 1] > 0.999 - 1e-9
    assert found.certainty[0] == IDENTICAL_TRUST == 0.999
    assert found.certainty[1] == SAME_GIST_TRUST == 0.99
    assert found.certainty[2] < 0.01  # of similar words the trust decides as of any others
    assert found.certainty[3] < 0.01  # nor do words confirm that several intents claim


def test_the_same_wording_is_told_by_meaning_and_letters() -> None:
    assert same_wording("发票", [("退货", 1.0), ("发票", 1.0), ("尺码", 1.0)]) == 1
    assert same_wording("发票", [("退货", 1.0), ("开票", 1.0)]) is None
    assert same_wording("怎么退款", [("怎么付款", 1.0)]) is None
    assert same_wording("Shop hours?", [("shop hours please", 0.97), ("shop hours", 0.96)]) is None
    assert same_wording("Shop hours?", [("shop hour", 0.99), ("shop hours", 0.98)]) == 1
    assert same_wording("", [("", 1.0)]) is None
    assert same_wording("x", []) is None


def test_what_the_encoder_cannot_read_is_not_taken_for_the_same(bot: Bot, store: Store, redactor: Redactor) -> None:
    """To MiniLM all Chinese texts of two characters that it does not know are one; in eight bits, nearly so."""
    store.knowledge.apply(
        Changes(examples=tuple(Example(*row, "zh") for row in (("退货", "return_item"), ("尺码", "size_guide"))))
    )
    new = replace(bot, knowledge=refresh(bot.knowledge, store.knowledge, bot.encoder))
    sure = bot.classifier.mix.same_wording_trust
    for text, intent in (("退货", "return_item"), ("尺码", "size_guide")):
        best, probability = new.read(redactor.redact(text)).ranked(1)[0]
        assert (best, probability >= sure) == (intent, True)
        assert [hit.similarity for hit in new.read(redactor.redact(text)).neighbours[:2]] == pytest.approx(
            [1, 1], abs=0.1
        )


def test_an_intent_that_came_later_takes_its_votes_and_leaves_the_rest_as_it_was() -> None:
    texts, vectors = ["x"], np.array([[1, 0]], np.float32)
    before = judged(two_intents(), texts, vectors, [[hit("a", 0.5)]]).probabilities[0]
    after = judged(two_intents(), texts, vectors, [[hit("a", 0.5), hit("new", 0.5 - KERNEL_WIDTH)]])
    share = math.exp(-1) / (1 + math.exp(-1))
    assert after.intents == ("a", "b", "new")
    np.testing.assert_allclose(after.probabilities[0], [*(before * (1 - share)), share], atol=1e-5)
    assert after.channels["dense"].shape == after.channels["lexical"].shape == (1, 3)


def test_the_share_of_later_intents_is_weighed_as_learned() -> None:
    weights = (1.5, 4.0, -0.5, 0.25)
    texts, vectors = ["x"], np.array([[1, 0]], np.float32)
    before = judged(two_intents(), texts, vectors, [[hit("a", 0.5)]]).probabilities[0]
    hits = [hit("new", 0.6), hit("newer", 0.55), hit("a", 0.5)]
    after = judged(two_intents(later=weights), texts, vectors, [hits])
    near = np.exp(np.array([0.0, -1.0, -2.0]))
    votes = near[:2].sum() / near.sum()
    odds = np.array([log_odds(votes), 0.6 - 0.5, log_odds(before.max()), 1.0])
    share = float(sigmoid(odds @ np.array(weights)))
    assert after.intents == ("a", "b", "new", "newer")
    among = near[:2] / near[:2].sum()
    np.testing.assert_allclose(after.probabilities[0], [*(before * (1 - share)), *(share * among)], rtol=1e-6)
    assert after.probabilities[0].sum() == pytest.approx(1)
    # A message without a neighbour of theirs is not touched.
    both = judged(two_intents(later=weights), texts * 2, np.vstack([vectors] * 2), [hits, [hit("a", 0.5)]])
    np.testing.assert_allclose(both.probabilities[1], [*before, 0, 0])


def test_it_is_the_same_after_saving_and_loading(bot: Bot, tmp_path: Path) -> None:
    save_classifier(bot.classifier, tmp_path / "copy")
    copy = load_classifier(tmp_path / "copy")
    vectors = bot.encoder.encode(QUESTIONS)
    neighbours = bot.knowledge.neighbours(QUESTIONS, vectors)
    found, again = (judged(it, QUESTIONS, vectors, neighbours) for it in (bot.classifier, copy))
    assert (again.intents, copy.mix) == (found.intents, bot.classifier.mix)
    np.testing.assert_array_equal(again.probabilities, found.probabilities)
    np.testing.assert_array_equal(again.certainty, found.certainty)
    for name, scores in found.channels.items():
        np.testing.assert_array_equal(again.channels[name], scores)
        assert scores.shape == found.probabilities.shape
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert (found.probabilities >= 0).all()


def test_a_confirmed_example_wins_at_once_and_disturbs_no_other_question(
    bot: Bot, store: Store, redactor: Redactor
) -> None:
    others = [redactor.redact(text) for text in QUESTIONS[:5]]
    close = replace(bot, cascade=None)  # what the neighbours may change
    before = close.read_many(others)
    store.knowledge.apply(Changes(examples=(Example("do you sell gift cards", "gift_cards"),)))
    new = replace(close, knowledge=refresh(bot.knowledge, store.knowledge, bot.encoder))
    reading = new.read(redactor.redact("Do you sell gift cards"))
    assert reading.ranked(1)[0][0] == "gift_cards"
    assert reading.ranked(1)[0][1] > 0.9
    assert reading.certainty == IDENTICAL_TRUST
    for old, now in zip(before, new.read_many(others), strict=True):
        # The new intent may take a share, and leaves the others as they were among themselves.
        assert now.ranked(1)[0][0] == old.ranked(1)[0][0]
        taken = now.probabilities[now.intents.index("gift_cards")]
        # "gift cards" is as near to "visa or mastercard" as its own examples are; to all others it is far.
        assert taken < (0.5 if old.ranked(1)[0][0] == "payment_methods" else 0.05)
        np.testing.assert_allclose(now.probabilities[:6], old.probabilities * (1 - taken), atol=5e-3)
        assert now.probabilities.sum() == pytest.approx(1)


def test_half_precision_weights_change_no_decision(bot: Bot, store: Store, redactor: Redactor) -> None:
    training_set = collect_examples(store.knowledge.snapshot())
    half = bot.classifier.lexical
    texts = [example.text for example in (*training_set.examples, *training_set.titles)]
    rows = hstack([TfidfVectorizer(analyzer=count, sublinear_tf=True).fit_transform(texts) for count in FAMILIES])
    model = LinearSVC(C=LEXICAL_C, tol=LEXICAL_TOLERANCE, random_state=0)
    model.fit(rows.tocsr(), np.concatenate([training_set.labels, training_set.title_labels]))
    assert half.weights.dtype == np.float16
    np.testing.assert_allclose(half.weights, model.coef_.T, atol=1e-3)
    exact = replace(bot.classifier, lexical=replace(half, weights=model.coef_.T.astype(np.float32)))
    context = Context(language="en", day=date(2026, 11, 22))
    for text in (*QUESTIONS, *training_set.texts[::3]):
        one, other = (answer(redactor.redact(text), it, context) for it in (bot, replace(bot, classifier=exact)))
        assert (one.reply, one.decision.action, one.decision.intent) == (
            other.reply,
            other.decision.action,
            other.decision.intent,
        )
        assert one.decision.probability == pytest.approx(other.decision.probability, abs=1e-3)
