"""Fitting on real texts with made vectors, and the learned mix on made channels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from chatbot.cascade import fingerprints
from chatbot.classifier import FLOOR, KERNEL_WIDTH, Judgement, Scores, softmax
from chatbot.store.knowledge import Snapshot
from chatbot.types import OUT_OF_SCOPE, Example, Hit, Vector
from training.calibrate import UNPROVEN_ANSWER_AT, lowest_safe_threshold
from training.examples import TrainingSet, collect_examples
from training.fit import LATER_PRIOR, PRIOR, Fitted, fit_classifier, fit_mix, mix_loss
from training.progress import Lines
from training.rehearsal import NOBODY, Rehearsal, stages_of
from training.witness import NOT_ELIGIBLE

if TYPE_CHECKING:
    from tests.training.conftest import Collect, Teach

ROWS, INTENTS = 600, 4
LABELS = np.random.default_rng(0).integers(0, INTENTS, ROWS)


def channel(strength: float, seed: int) -> Scores:
    """Log-probabilities that favour the true label by `strength` standard deviations of their noise."""
    noise = np.random.default_rng(seed).normal(size=(ROWS, INTENTS))
    noise[np.arange(ROWS), LABELS] += strength
    return np.log(softmax(noise))


def predictions(dense: float, lexical: float, votes: float, rows: int = ROWS) -> Rehearsal:
    """One neighbour of each intent, as close as its vote has to be."""
    chosen = np.arange(rows)
    return Rehearsal(
        rows=chosen,
        labels=LABELS[:rows],
        dense=channel(dense, 1)[:rows],
        lexical=channel(lexical, 2)[:rows],
        student=channel(dense, 4)[:rows],
        similarities=KERNEL_WIDTH * channel(votes, 3)[:rows],
        columns=np.tile(np.arange(INTENTS), (rows, 1)),
        same_label=np.full(rows, NOBODY),
        familiar=np.ones(rows, dtype=bool),
        lengths=np.full(rows, 20.0),
        intents=INTENTS,
    )


def letters(texts: list[str]) -> Vector:
    """A plain stand-in for sentence vectors: how often each code point modulo 16 occurs, scaled to length 1."""
    counts = np.array([np.bincount([ord(sign) % 16 for sign in text], minlength=16) for text in texts], np.float32)
    return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True))


def fit(teach: Teach, training_set: TrainingSet, vectors: Vector) -> Fitted:
    lesson, material = teach(training_set, vectors)
    return fit_classifier(training_set, lesson, material, stages_of(training_set, lesson), Lines(), unknown_share=0.1)


def judged(fitted: Fitted, texts: list[str], vectors: Vector, hits: tuple[Hit, ...] = ()) -> Judgement:
    classifier = fitted.classifier
    return classifier.judge(texts, vectors, [hits] * len(texts), classifier.lexical.scores(texts))


def test_the_gradient_is_that_of_the_loss() -> None:
    parts = predictions(1.0, 0.5, 2.0)
    channels = (parts.dense, parts.lexical, np.log(parts.votes + FLOOR))
    for weights in ([0.5, 1.5, 0.4], [0.0, 0.0, 0.0], [3.0, 0.1, 1.0]):
        slope = approx_fprime(np.array(weights), lambda at: mix_loss(at, channels, LABELS)[0], 1e-6)
        np.testing.assert_allclose(mix_loss(np.array(weights), channels, LABELS)[1], slope, atol=1e-4)


@pytest.mark.parametrize("useful", ["dense", "lexical", "neighbours"])
def test_a_useful_channel_is_found_and_noise_is_not_heard(useful: str) -> None:
    strength = {"dense": 0.0, "lexical": 0.0, "neighbours": 0.0} | {useful: 2.0}
    mix = fit_mix(predictions(strength["dense"], strength["lexical"], strength["neighbours"]))
    found = {name: getattr(mix, name) for name in strength}
    assert found[useful] > 1.0
    assert all(weight < 0.15 for name, weight in found.items() if name != useful)
    assert all(weight >= 0 for weight in found.values())


def test_equal_channels_are_heard_alike_and_better_than_one() -> None:
    parts = predictions(1.5, 1.5, 1.5)
    mix = fit_mix(parts)
    assert max(mix.dense, mix.lexical, mix.neighbours) < 1.5 * min(mix.dense, mix.lexical, mix.neighbours)
    together = mix.probabilities(parts.dense, parts.lexical, parts.votes)
    assert (together.argmax(axis=1) == LABELS).mean() > (parts.dense.argmax(axis=1) == LABELS).mean() + 0.05


def test_very_little_data_keeps_close_to_what_is_usual() -> None:
    mix = fit_mix(predictions(0.0, 0.0, 0.0, rows=1))
    assert (mix.dense, mix.lexical, mix.neighbours) == pytest.approx(PRIOR, abs=0.8)
    assert mix.later == LATER_PRIOR


def test_the_trust_in_the_same_wording_is_counted() -> None:
    parts = predictions(1.0, 1.0, 1.0)
    assert fit_mix(parts).same_wording_trust == pytest.approx(2 / 3)
    parts.same_label[:10] = LABELS[:10]
    parts.same_label[9] = (LABELS[9] + 1) % INTENTS
    assert fit_mix(parts).same_wording_trust == pytest.approx((9 + 2) / (10 + 3))


def test_what_is_held_out_was_not_seen(collect: Collect, teach: Teach) -> None:
    """Random letters with random labels cannot be guessed, however well they are learned by heart."""
    random = np.random.default_rng(0)
    words = ["".join(random.choice(list("abcdefghijklmnop"), 8)) for _ in range(120)]
    training_set = collect(("a", tuple(words[:60])), ("b", tuple(words[60:])))
    vectors = random.normal(size=(120, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    fitted = fit(teach, training_set, vectors)
    held_out = fitted.held_out
    learned = fitted.classifier.lexical.scores(words).argmax(axis=1) == training_set.labels
    guessed = held_out.probabilities.argmax(axis=1) == training_set.labels
    assert learned.mean() > 0.9
    assert 0.3 < guessed.mean() < 0.7
    np.testing.assert_allclose(held_out.probabilities.sum(axis=1), 1)
    assert (held_out.nearest < 0.9).all()
    # And so nobody is sure of anything: neither the bot nor, of what it may answer, its cascade.
    assert max(held_out.certainty.max(), held_out.quick_certainty.max()) < UNPROVEN_ANSWER_AT
    assert (held_out.certainty > 0.7).mean() < 0.05
    assert abs(held_out.certainty.mean() - held_out.right.mean()) < 0.1


def test_chinese_is_learned_from_its_characters(collect: Collect, teach: Teach) -> None:
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
    fitted = fit(teach, training_set, same)
    assert (fitted.held_out.probabilities.argmax(axis=1) == training_set.labels).mean() >= 0.8
    found = judged(fitted, ["请退款给我", "快递还没来"], same[:2])
    assert [found.intents[column] for column in found.probabilities.argmax(axis=1)] == ["refund", "parcel"]


@pytest.mark.parametrize(
    "intents",
    [
        (("a", ("one", "two", "three")), ("b", ("red", "green", "blue"))),
        (("a", tuple(f"number {number} of seven" for number in range(7))), ("b", ("red",))),
        (("a", ("one", "two")), ("b", ("red", "blue")), ("c", ("cat", "dog")), ("d", ("sun",))),
    ],
    ids=["three each", "one alone", "hardly any"],
)
def test_tiny_shops_are_fitted(
    intents: tuple[tuple[str, tuple[str, ...]], ...], collect: Collect, teach: Teach
) -> None:
    training_set = collect(*intents)
    vectors = letters(training_set.texts)
    fitted = fit(teach, training_set, vectors)
    held_out = fitted.held_out
    for figures in (held_out.probabilities, held_out.nearest, held_out.certainty, held_out.offered):
        assert np.isfinite(figures).all()
    found = judged(fitted, training_set.texts, vectors)
    assert [found.intents[column] for column in found.probabilities.argmax(axis=1)] == [
        example.intent for example in training_set.examples
    ]
    assert ((found.certainty > 0) & (found.certainty < 1)).all()


def test_two_groups_of_one_intent_each_are_fitted(teach: Teach) -> None:
    """Each fold then knows a single intent: such held-out predictions tell nothing, and the mix does not trust them."""
    examples = [Example(f"{intent} {number}", intent, group=intent) for intent in "ab" for number in range(4)]
    training_set = collect_examples(Snapshot(1, examples=tuple(examples)))
    fitted = fit(teach, training_set, letters(training_set.texts))
    mix, held_out, vectors = fitted.classifier.mix, fitted.held_out, letters(training_set.texts)
    assert (mix.dense, mix.lexical, mix.neighbours) == pytest.approx((0, 0, 0), abs=1e-3)
    np.testing.assert_allclose(held_out.probabilities, 0.5, atol=1e-2)
    assert judged(fitted, training_set.texts, vectors).certainty.max() < 0.6
    assert lowest_safe_threshold(held_out.certainty, held_out.right, 0.5) is None


SHOP = (
    ("refund", tuple(f"refund my {thing}" for thing in ("boots", "tent", "coat", "hat", "rope", "lamp", "map", "mug"))),
    (
        "parcel",
        tuple(f"where is the {thing}" for thing in ("box", "crate", "bag", "kit", "van", "post", "set", "item")),
    ),
    ("hours", tuple(f"open on {day}" for day in ("monday", "sunday", "friday", "easter", "june", "holidays", "may"))),
    ("pay", tuple(f"pay with {means}" for means in ("visa", "cash", "paypal", "cheque", "coins", "card", "credit"))),
    ("size", tuple(f"is it {size} enough" for size in ("wide", "long", "short", "narrow", "tall", "loose", "tight"))),
)


@pytest.fixture(scope="module")
def shop_vectors() -> Vector:
    """A direction for each intent, with noise."""
    random = np.random.default_rng(1)
    centres = random.normal(size=(len(SHOP), 16))
    of = dict(zip(sorted(intent for intent, _ in SHOP), centres, strict=True))
    rows = np.array([of[intent] + 0.5 * random.normal(size=16) for intent, texts in SHOP for _ in texts], np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_held_out_are_the_examples_and_the_strangers_that_are_expected(
    collect: Collect, teach: Teach, shop_vectors: Vector
) -> None:
    training_set = collect(*SHOP)
    held_out = fit(teach, training_set, shop_vectors).held_out
    count = len(training_set.examples)
    assert held_out.probabilities.shape == (count, 5)
    # A tenth of all messages is about something that no intent covers.
    assert held_out.strangers == round(0.1 / 0.9 * count)
    for figures in (
        held_out.certainty, held_out.right, held_out.quick_certainty, held_out.quick_right, held_out.nearest,
        held_out.offered, held_out.offers_right, held_out.languages,
    ):  # fmt: skip
        assert len(figures) == count + held_out.strangers
    assert not held_out.right[count:].any()
    assert not held_out.quick_right[count:].any()
    assert not held_out.offers_right[count:].any()
    assert held_out.certainty[:count].mean() > held_out.certainty[count:].mean() + 0.2
    right = held_out.probabilities.argmax(axis=1) == training_set.labels
    assert held_out.right[:count].tolist() == right.tolist()


def test_out_of_scope_is_never_right_however_sure_it_was_read(collect: Collect, teach: Teach) -> None:
    """Thresholds are chosen on these: who counts it as right lets strangers in."""
    texts = (
        "tell me a joke",
        "sing a song",
        "say a poem",
        "who are you",
        "bake some bread",
        "what is love",
        "is it hot",
    )
    training_set = collect(*SHOP[:2], (OUT_OF_SCOPE, texts))
    random = np.random.default_rng(1)
    centres = random.normal(size=(3, 16))
    vectors = np.array([centres[label] + 0.2 * random.normal(size=16) for label in training_set.labels], np.float32)
    fitted = fit(teach, training_set, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    held_out, strange = fitted.held_out, ~training_set.in_scope
    known_as_such = held_out.probabilities.argmax(axis=1) == training_set.labels
    assert known_as_such[strange].mean() > 0.8
    assert not held_out.right[: len(strange)][strange].any()
    assert not held_out.quick_right[: len(strange)][strange].any()
    assert not held_out.offers_right[: len(strange)][strange].any()
    assert held_out.offered.max() <= 1
    assert held_out.offered[: len(strange)][strange & (held_out.probabilities[:, 1] > 0.9)].max(initial=0) < 0.2
    assert held_out.right[: len(strange)][~strange].mean() > 0.8
    assert held_out.certainty[: len(strange)][strange].mean() < 0.25
    assert held_out.certainty[: len(strange)][~strange].mean() > 0.75
    # What looks out of scope is the encoder's to read.
    assert (held_out.quick_certainty[: len(strange)][strange] == NOT_ELIGIBLE).mean() > 0.8
    assert held_out.strangers == 0  # too few intents to leave some out


def test_the_cascade_knows_what_was_trained_on(collect: Collect, teach: Teach, shop_vectors: Vector) -> None:
    training_set = collect(*SHOP)
    cascade = fit(teach, training_set, shop_vectors).cascade
    everything = fingerprints((*training_set.examples, *training_set.titles))
    assert cascade.trained_on == everything
    known = {piece for text in training_set.texts for piece in cascade.pieces(text)}
    known |= {piece for title in training_set.titles for piece in cascade.pieces(title.text)}
    assert set(np.flatnonzero(cascade.student.row >= 0).tolist()) == known
    assert cascade.student.vector(cascade.pieces("open on sunday")) is not None
    assert cascade.student.vector(cascade.pieces("OPEN")) is None  # capitals stood in no example
    # Until a threshold is chosen it answers nothing.
    assert cascade.answer_at == 1.0


def test_the_student_reads_as_the_heads_were_told(collect: Collect, teach: Teach, shop_vectors: Vector) -> None:
    """Its vector of an example leads the same dense head to the example's intent."""
    training_set = collect(*SHOP)
    fitted = fit(teach, training_set, shop_vectors)
    student, pieces = fitted.cascade.student, fitted.cascade.pieces
    vectors = np.stack([vector for text in training_set.texts if (vector := student.vector(pieces(text))) is not None])
    assert len(vectors) == len(training_set.examples)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    read = fitted.classifier.dense.scores(vectors).argmax(axis=1) == training_set.labels
    assert read.mean() > 0.9


def test_a_later_intent_takes_from_known_questions_only_what_is_its_own(
    collect: Collect, teach: Teach, shop_vectors: Vector
) -> None:
    """One confirmed example: its own question is its intent's, a known one beside it stays where it was."""
    training_set = collect(*SHOP)
    fitted = fit(teach, training_set, shop_vectors)
    row = 3
    known = Hit("example", training_set.texts[row - 1], training_set.examples[row].intent, 0.48, "en")
    added = Hit("example", "do you sell vouchers", "vouchers", 0.46, "en")
    before = judged(fitted, ["refund the rope"], shop_vectors[row : row + 1], (known,))
    after = judged(fitted, ["refund the rope"], shop_vectors[row : row + 1], (known, added))
    assert before.probabilities[0].max() > 0.9
    assert after.intents[int(after.probabilities[0].argmax())] == training_set.examples[row].intent
    own = judged(fitted, ["do you sell vouchers"], -shop_vectors[row : row + 1], (replace(added, similarity=1.0),))
    assert own.intents[int(own.probabilities[0].argmax())] == "vouchers"
