"""Fitting on real texts with made vectors, and the learned mix on made channels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from chatbot.classifier import FLOOR, Scores, softmax
from chatbot.store.knowledge import Snapshot
from chatbot.types import Example, Vector
from training.examples import TrainingSet, collect_examples
from training.fit import PRIOR, _Predictions, fit_classifier, fit_mix, mix_loss
from training.progress import Lines

ROWS, INTENTS = 600, 4
LABELS = np.random.default_rng(0).integers(0, INTENTS, ROWS)


def channel(strength: float, seed: int) -> Scores:
    """Log-probabilities that favour the true label by `strength` standard deviations of their noise."""
    noise = np.random.default_rng(seed).normal(size=(ROWS, INTENTS))
    noise[np.arange(ROWS), LABELS] += strength
    return np.log(softmax(noise))


def predictions(dense: float, lexical: float, votes: float) -> _Predictions:
    parts = _Predictions.empty(ROWS, INTENTS)
    parts.dense, parts.lexical = channel(dense, 1), channel(lexical, 2)
    parts.votes = np.exp(channel(votes, 3))
    return parts


def collect(*texts_by_intent: tuple[str, tuple[str, ...]]) -> TrainingSet:
    examples = [Example(text, intent, group=text) for intent, texts in texts_by_intent for text in texts]
    return collect_examples(Snapshot(1, examples=tuple(examples)))


def letters(texts: list[str]) -> Vector:
    """A plain stand-in for sentence vectors: how often each code point modulo 16 occurs, scaled to length 1."""
    counts = np.array([np.bincount([ord(sign) % 16 for sign in text], minlength=16) for text in texts], np.float32)
    return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True))


def test_the_gradient_is_that_of_the_loss() -> None:
    parts = predictions(1.0, 0.5, 2.0)
    channels = (parts.dense, parts.lexical, np.log(parts.votes + FLOOR))
    for weights in ([0.5, 1.5, 0.4], [0.0, 0.0, 0.0], [3.0, 0.1, 1.0]):
        slope = approx_fprime(np.array(weights), lambda at: mix_loss(at, channels, LABELS)[0], 1e-6)
        np.testing.assert_allclose(mix_loss(np.array(weights), channels, LABELS)[1], slope, atol=1e-4)


@pytest.mark.parametrize("useful", ["dense", "lexical", "neighbours"])
def test_a_useful_channel_is_found_and_noise_is_not_heard(useful: str) -> None:
    strength = {"dense": 0.0, "lexical": 0.0, "neighbours": 0.0} | {useful: 2.0}
    mix = fit_mix(predictions(*strength.values()), LABELS)
    found = {name: getattr(mix, name) for name in strength}
    assert found[useful] > 1.0
    assert all(weight < 0.15 for name, weight in found.items() if name != useful)
    assert all(weight >= 0 for weight in found.values())


def test_equal_channels_are_heard_alike_and_better_than_one() -> None:
    parts = predictions(1.5, 1.5, 1.5)
    mix = fit_mix(parts, LABELS)
    assert max(mix.dense, mix.lexical, mix.neighbours) < 1.5 * min(mix.dense, mix.lexical, mix.neighbours)
    together = mix.probabilities(parts.dense, parts.lexical, parts.votes)
    assert (together.argmax(axis=1) == LABELS).mean() > (parts.dense.argmax(axis=1) == LABELS).mean() + 0.05


def test_very_little_data_keeps_close_to_what_is_usual() -> None:
    parts = predictions(0.0, 0.0, 0.0)
    few = _Predictions(*(getattr(parts, name)[:1] for name in _Predictions.__slots__))
    mix = fit_mix(few, LABELS[:1])
    assert (mix.dense, mix.lexical, mix.neighbours) == pytest.approx(PRIOR, abs=0.8)


def test_the_trust_in_the_same_wording_is_counted() -> None:
    parts = predictions(1.0, 1.0, 1.0)
    assert fit_mix(parts, LABELS).same_wording_trust == pytest.approx(2 / 3)
    parts.same_label[:10] = LABELS[:10]
    parts.same_label[9] = (LABELS[9] + 1) % INTENTS
    assert fit_mix(parts, LABELS).same_wording_trust == pytest.approx((9 + 2) / (10 + 3))


def test_what_is_held_out_was_not_seen() -> None:
    """Random letters with random labels cannot be guessed, however well they are learned by heart."""
    random = np.random.default_rng(0)
    words = ["".join(random.choice(list("abcdefghijklmnop"), 8)) for _ in range(120)]
    training_set = collect(("a", tuple(words[:60])), ("b", tuple(words[60:])))
    vectors = random.normal(size=(120, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    classifier, held_out = fit_classifier(training_set, vectors, Lines())
    learned = classifier.lexical.scores(words).argmax(axis=1) == training_set.labels
    guessed = held_out.probabilities.argmax(axis=1) == training_set.labels
    assert learned.mean() > 0.9
    assert 0.3 < guessed.mean() < 0.7
    np.testing.assert_allclose(held_out.probabilities.sum(axis=1), 1)
    assert (held_out.nearest < 0.9).all()


def test_chinese_is_learned_from_its_characters() -> None:
    refund = (
        "我想退款",
        "退款什么时候到",
        "申请退款",
        "退款多久",
        "怎么退款",
        "退款没有到账",
        "可以退款吗",
        "要求退款",
    )
    parcel = (
        "我的快递在哪里",
        "快递到哪了",
        "查快递",
        "快递单号",
        "快递什么时候到",
        "快递没收到",
        "快递太慢",
        "物流快递",
    )
    training_set = collect(("refund", refund), ("parcel", parcel))
    same = np.tile(np.eye(1, 8, dtype=np.float32), (16, 1))  # an encoder that reads no Chinese sees the same everywhere
    classifier, held_out = fit_classifier(training_set, same, Lines())
    assert (held_out.probabilities.argmax(axis=1) == training_set.labels).mean() >= 0.8
    labels, fused, _ = classifier.predict(["请退款给我", "快递还没来"], same[:2], [(), ()])
    assert [labels[column] for column in fused.argmax(axis=1)] == ["refund", "parcel"]


@pytest.mark.parametrize(
    "intents",
    [
        (("a", ("one", "two", "three")), ("b", ("red", "green", "blue"))),
        (("a", tuple(f"number {number} of seven" for number in range(7))), ("b", ("red",))),
        (("a", ("one", "two")), ("b", ("red", "blue")), ("c", ("cat", "dog")), ("d", ("sun",))),
    ],
    ids=["three each", "one alone", "hardly any"],
)
def test_tiny_shops_are_fitted(intents: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    training_set = collect(*intents)
    vectors = letters(training_set.texts)
    classifier, held_out = fit_classifier(training_set, vectors, Lines())
    assert np.isfinite(held_out.probabilities).all()
    assert np.isfinite(held_out.nearest).all()
    labels, fused, _ = classifier.predict(training_set.texts, vectors, [()] * len(vectors))
    assert [labels[column] for column in fused.argmax(axis=1)] == [example.intent for example in training_set.examples]


def test_two_groups_of_one_intent_each_are_fitted() -> None:
    """Each fold then knows a single intent: such held-out predictions tell nothing, and the mix does not trust them."""
    examples = [Example(f"{intent} {number}", intent, group=intent) for intent in "ab" for number in range(4)]
    training_set = collect_examples(Snapshot(1, examples=tuple(examples)))
    classifier, held_out = fit_classifier(training_set, letters(training_set.texts), Lines())
    np.testing.assert_allclose(held_out.probabilities, 0.5)
    assert (classifier.mix.dense, classifier.mix.lexical, classifier.mix.neighbours) == (0, 0, 0)
