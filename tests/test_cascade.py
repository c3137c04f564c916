"""The cascade by hand, on disk, and in front of the trained small shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from chatbot import cascade as module
from chatbot.bot import Bot, LiveBot
from chatbot.cascade import (
    NEAR_A_CHANGE,
    UNKNOWN,
    Cascade,
    Glance,
    Student,
    fingerprint,
    fingerprints,
    load_cascade,
    save_cascade,
)
from chatbot.classifier import Classifier, DenseHead, LexicalHead, Mix
from chatbot.knowledge import refresh
from chatbot.redact import Redactor
from chatbot.respond import Context, answer
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.trust import EVIDENCE, QUICK_EVIDENCE, Trust
from chatbot.types import OUT_OF_SCOPE, Action, Example, Reading, Status, Template, Vector

LETTERS = "abcd"
NOTHING: Vector = np.empty((0, 2), np.float32)
ENGLISH = Context(language="en", day=date(2026, 11, 22))


def blank(names: tuple[str, ...]) -> Trust:
    """Lets the fused probability stand."""
    width = len(names)
    return Trust(np.zeros(width), np.ones(width), np.zeros(width + width * (width + 1) // 2), 0.0)


def pieces(text: str) -> list[int]:
    return [LETTERS.index(letter) for letter in text]


def by_hand(answer_at: float = 0.9) -> Cascade:
    """Letters are word pieces: "a" speaks for the first intent, "b" for the second, "c" for both; "d" is unknown."""
    table = np.array([[1, 0], [0, 1], [1, 1]], np.float16)
    student = Student(np.array([0, 1, 2, UNKNOWN], np.int32), table)
    return Cascade(student, (1.0, 1.0), blank(QUICK_EVIDENCE), answer_at, frozenset(), pieces)


CLASSIFIER = Classifier(
    ("first", "second"),
    DenseHead(10 * np.eye(2, dtype=np.float32), np.zeros(2, np.float32)),
    LexicalHead(({}, {}), (np.ones(0), np.ones(0)), np.empty((0, 2), np.float16), np.zeros(2, np.float32)),
    Mix(1.0, 1.0, 1.0, 0.5),
    blank(EVIDENCE),
)


def glance(
    text: str,
    cascade: Cascade | None = None,
    changed: Vector = NOTHING,
    intents: tuple[str, ...] = (),
    words: str | None = None,
) -> Glance | None:
    """Its words say the same as its pieces, or what `words` say: a thousandth for each letter of an intent."""
    classifier = replace(CLASSIFIER, intents=intents or CLASSIFIER.intents)
    spoken = text if words is None else words
    lexical = np.array([[spoken.count("a"), spoken.count("b")]]) / 1000
    return (cascade or by_hand()).glance(
        classifier, pieces=pieces(text), letters=len(text), lexical=lexical, changed=changed
    )


def test_a_students_vector_is_the_sum_of_its_pieces() -> None:
    student = by_hand().student
    vector = student.vector(pieces("aab"))
    assert vector is not None
    np.testing.assert_allclose(vector, np.array([2, 1]) / np.sqrt(5), atol=1e-6)
    assert student.vector(pieces("ad")) is None
    assert student.vector([]) is None
    assert student.known(pieces("adb")) == pieces("ab")


def test_what_it_is_sure_of_by_hand() -> None:
    seen = glance("aaa")
    assert seen is not None
    student, words = 1 / (1 + np.exp(-10)), 1 / (1 + np.exp(-0.003))
    expected = 1 / (1 + np.exp(-10.003))
    np.testing.assert_allclose(seen.probabilities, [expected, 1 - expected], atol=1e-8)
    assert seen.certainty == pytest.approx(expected, abs=1e-5)
    np.testing.assert_allclose(seen.channels["student"], [student, 1 - student], atol=1e-8)
    np.testing.assert_allclose(seen.channels["lexical"], [words, 1 - words], atol=1e-8)


@pytest.mark.parametrize("text", ["aac", "ccc", "abc", "", "ddd", "aaad"])
def test_what_it_is_unsure_of_or_cannot_know_is_the_encoders(text: str) -> None:
    answers = by_hand(answer_at=0.9999999) if text == "aac" else None
    assert glance(text, answers) is None


def test_what_meaning_and_words_read_differently_is_the_encoders() -> None:
    assert glance("aaa", words="aab") is not None
    assert glance("aaa", words="abb") is None


def test_a_word_or_two_are_the_encoders() -> None:
    """ "no" and "later" mean what the conversation makes of them."""
    assert [glance("a" * count) is not None for count in (1, 2, 3, 4)] == [False, False, True, True]


def test_it_answers_from_its_threshold_on() -> None:
    seen = glance("aac")
    assert seen is not None
    assert glance("aac", by_hand(answer_at=seen.certainty)) is not None
    assert glance("aac", by_hand(answer_at=seen.certainty + 1e-9)) is None


def test_what_looks_out_of_scope_is_the_encoders() -> None:
    assert glance("aaa", intents=("first", OUT_OF_SCOPE)) is not None
    assert glance("bbb", intents=("first", OUT_OF_SCOPE)) is None


def test_nothing_near_a_change_is_seen_at_a_glance() -> None:
    def turned(cosine: float) -> Vector:
        return np.array([[0, -1], [cosine, np.sqrt(1 - cosine**2)]], np.float32)

    assert glance("aaa", changed=turned(NEAR_A_CHANGE - 0.01)) is not None
    assert glance("aaa", changed=turned(NEAR_A_CHANGE + 0.01)) is None


def test_changes_are_what_training_saw_otherwise() -> None:
    first, second = Example("aa", "first"), Example("bb", "second")
    trained = replace(by_hand(), trained_on=fingerprints((first, second)))

    def changed(approved: list[Example], retired: list[Example] | None = None) -> object:
        found = trained.changed(approved, retired or [])
        assert found is not None
        return found.astype(np.float64).round(3).tolist()

    assert changed([first, second]) == []
    assert changed([first, second, Example("ab", "first")]) == [[0.707, 0.707]]  # added
    assert changed([first, replace(second, intent="first")]) == [[0.0, 1.0]]  # relabelled
    assert changed([first], [second]) == [[0.0, 1.0]]  # taken out
    assert changed([first], [replace(second, intent="first")]) == [[0.0, 1.0]]  # relabelled and taken out
    assert changed([first, second], [Example("cc", "first")]) == []  # was never trained on
    assert changed([first, second, Example("adc", "first")]) == [[0.894, 0.447]]  # by the pieces that are known
    assert changed([first, second, Example("dd", "first")]) == []
    none = trained.changed([first, second], [])
    assert none is not None
    assert none.shape == (0, 2)


def test_too_many_changes_switch_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CHANGES", 3)
    added = [Example("a" * (number + 1), "first") for number in range(4)]
    assert by_hand().changed(added[:3], []) is not None
    assert by_hand().changed(added, []) is None


def test_a_fingerprint_is_of_text_and_label() -> None:
    one = Example("Where is it?", "parcel", source="review", id=7)
    assert fingerprint(one) == fingerprint(Example("where is  it", "parcel"))
    assert (
        len({fingerprint(one), fingerprint(replace(one, intent="refund")), fingerprint(Example("it", "parcel"))}) == 3
    )
    assert 0 <= fingerprint(one) < 2**60


def test_it_is_the_same_after_saving_and_loading(tmp_path: Path) -> None:
    trust = replace(blank(QUICK_EVIDENCE), bias=0.25, slope=0.75, offset=-0.5)
    known = frozenset(fingerprint(Example(letter, "first")) for letter in LETTERS)
    cascade = replace(by_hand(), trained_on=known, trust=trust, weights=(0.8, 2.5))
    save_cascade(cascade, tmp_path / "cascade")
    again = load_cascade(tmp_path / "cascade", pieces)
    assert again is not None
    assert (again.weights, again.answer_at, again.trained_on) == (cascade.weights, 0.9, known)
    assert again.student.row.tolist() == cascade.student.row.tolist()
    assert again.student.table.dtype == np.float16
    for text in ("aaa", "aab", "bbb", "aad"):
        one, other = glance(text, replace(cascade, answer_at=0.1)), glance(text, replace(again, answer_at=0.1))
        assert (one is None) == (other is None) == (text == "aad")
        if one is not None and other is not None:
            assert (one.certainty, one.probabilities.tolist()) == (other.certainty, other.probabilities.tolist())


def test_a_version_without_a_cascade(tmp_path: Path) -> None:
    assert load_cascade(tmp_path, pieces) is None


@pytest.fixture
def quick(bot: Bot) -> Bot:
    """The small shop with a cascade that answers whatever it may."""
    assert bot.cascade is not None
    return replace(bot, cascade=replace(bot.cascade, answer_at=0.5))


def renewed(bot: Bot, store: Store) -> Bot:
    return replace(bot, knowledge=refresh(bot.knowledge, store.knowledge, bot.encoder))


def at_a_glance(reading: Reading) -> bool:
    return reading.vector is None


def test_known_questions_are_read_at_a_glance_and_strange_words_are_not(quick: Bot, redactor: Redactor) -> None:
    known, strange, chinese, nothing = (
        quick.read(redactor.redact(text))
        for text in ("what are your opening hours", "opening hours of the aquarium", "营业时间几点", "")
    )
    assert at_a_glance(known)
    assert known.best()[0] == "opening_hours"
    assert known.best()[1] >= 0.5
    assert [hit.text for hit in known.neighbours] == ["what are your opening hours"]
    assert known.intents == quick.classifier.intents
    assert known.probabilities.sum() == pytest.approx(1)
    assert not any(at_a_glance(reading) for reading in (strange, chinese, nothing))


def test_what_is_out_of_scope_is_never_read_at_a_glance(quick: Bot, redactor: Redactor) -> None:
    for text in ("tell me a joke", "play some music", "what is the weather tomorrow"):
        assert not at_a_glance(quick.read(redactor.redact(text)))


def test_an_intent_with_several_answers_needs_its_neighbours(quick: Bot, store: Store, redactor: Redactor) -> None:
    question = redactor.redact("can I pay with paypal")
    assert at_a_glance(quick.read(question))
    store.knowledge.apply(Changes(templates=(Template("cash", "payment_methods", "Cash is fine."),)))
    assert not at_a_glance(renewed(quick, store).read(question))


def test_it_answers_as_the_encoder_would(quick: Bot, redactor: Redactor) -> None:
    slow = replace(quick, cascade=None)
    for text in ("when do you open", "which cards do you take", "how do I return the boots", "where is my parcel"):
        given, closely = (answer(redactor.redact(text), it, ENGLISH) for it in (quick, slow))
        assert given.reading is not None
        assert at_a_glance(given.reading)
        assert (given.reply, given.decision.action) == (closely.reply, closely.decision.action)


def test_many_are_read_as_each_alone(quick: Bot, redactor: Redactor) -> None:
    texts = ("when do you open", "opening hours of the aquarium", "can I pay with paypal", "tell me a joke")
    queries = [redactor.redact(text) for text in texts]
    together = quick.read_many(queries)
    assert [at_a_glance(reading) for reading in together] == [True, False, True, False]
    for one, reading in zip(queries, together, strict=True):
        alone = quick.read(one)
        assert reading.ranked(1)[0][0] == alone.ranked(1)[0][0]
        assert reading.certainty == pytest.approx(alone.certainty, abs=0.1)


@pytest.mark.parametrize("change", ["added", "relabelled", "retired"])
def test_near_a_changed_example_the_encoder_reads(change: str, quick: Bot, store: Store, redactor: Redactor) -> None:
    question, other = redactor.redact("what are your opening hours"), redactor.redact("can I pay with paypal")
    assert at_a_glance(quick.read(question))
    assert at_a_glance(quick.read(other))
    stored = next(one for one in store.knowledge.snapshot().examples if one.text == "what are your opening hours")
    changes = {
        "added": Example("what are your opening hours at easter", "opening_hours"),
        "relabelled": replace(stored, intent="size_guide"),
        "retired": replace(stored, status=Status.RETIRED),
    }
    store.knowledge.apply(Changes(examples=(changes[change],)))
    new = renewed(quick, store)
    assert not at_a_glance(new.read(question))
    assert at_a_glance(new.read(other))


def test_a_correction_works_at_once_although_the_cascade_was_sure(
    bots: LiveBot, store: Store, redactor: Redactor
) -> None:
    before = bots.current()
    question = redactor.redact("when do you open")
    assert at_a_glance(before.read(question))
    assert answer(question, before, ENGLISH).decision.intent == "opening_hours"
    stored = next(one for one in store.knowledge.snapshot().examples if one.text == "when do you open")
    store.knowledge.apply(Changes(examples=(replace(stored, intent="size_guide", source="review"),)))
    given = answer(question, bots.current(), ENGLISH)
    assert (given.decision.action, given.decision.intent) == (Action.ANSWER, "size_guide")
    assert given.reply == "Our sizes run true; the chart is at tinyshop.example/sizes."


def test_many_changes_send_every_question_to_the_encoder(
    quick: Bot, store: Store, redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CHANGES", 2)
    added = tuple(Example(f"do you sell {thing}", "stock") for thing in ("kites", "skis", "oars"))
    store.knowledge.apply(Changes(examples=added))
    new = renewed(quick, store)
    assert not at_a_glance(new.read(redactor.redact("can I pay with paypal")))
    assert new.read(redactor.redact("can I pay with paypal")).best()[0] == "payment_methods"
