"""The student's raw material, from a small real encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chatbot.encoder import OnnxEncoder, TorchEncoder, export_onnx
from training.distil import AT_ONCE, piece_vectors, prepare, summed, word_pieces
from training.progress import Lines

if TYPE_CHECKING:
    from tests.training.conftest import Collect

TEXTS = ("abc", "cab", "a 1", "", "退货")


@pytest.fixture(scope="module")
def encoder(small_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> OnnxEncoder:
    folder = tmp_path_factory.mktemp("exported")
    export_onnx(TorchEncoder(str(small_encoder)), folder)
    return OnnxEncoder(folder, threads=1)


def test_word_pieces_without_the_marks(encoder: OnnxEncoder) -> None:
    abc, cab, number, nothing, chinese = word_pieces(encoder, TEXTS)
    assert [len(pieces) for pieces in (abc, cab, number, nothing)] == [3, 3, 2, 0]
    assert set(abc.tolist()) != set(cab.tolist())  # a letter within a word is another piece than at its beginning
    assert len(set(chinese.tolist())) == 1  # unknown signs are one piece
    assert max(abc.max(), chinese.max()) < encoder.vocabulary


def test_the_vector_of_a_piece_is_that_of_a_text_of_it_alone(encoder: OnnxEncoder) -> None:
    words = ("a", "7", "z")
    pieces = [encoder.pieces(word)[0] for word in words]
    np.testing.assert_allclose(encoder.encode_pieces(pieces), encoder.encode(words), atol=1e-5)


def test_the_table_holds_what_occurs_about_its_mean(encoder: OnnxEncoder) -> None:
    pieces = word_pieces(encoder, TEXTS)
    table = piece_vectors(encoder, pieces, Lines())
    assert table.shape == (encoder.vocabulary, encoder.dimension)
    found = np.unique(np.concatenate(pieces))
    np.testing.assert_allclose(table[found].mean(axis=0), 0, atol=1e-5)
    raw = encoder.encode_pieces(found.tolist())
    np.testing.assert_allclose(table[found], raw - raw.mean(axis=0), atol=1e-5)
    others = np.setdiff1d(np.arange(encoder.vocabulary), found)
    assert (table[others] == 0).all()


def test_a_table_larger_than_one_batch(encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = word_pieces(encoder, ["the quick brown fox", "jumps over 12 lazy dogs"])
    whole = piece_vectors(encoder, pieces, Lines())
    assert AT_ONCE > len(np.unique(np.concatenate(pieces))) > 7
    monkeypatch.setattr("training.distil.AT_ONCE", 7)
    np.testing.assert_allclose(piece_vectors(encoder, pieces, Lines()), whole, atol=1e-5)


def test_without_any_piece_there_is_an_empty_table(encoder: OnnxEncoder) -> None:
    assert (piece_vectors(encoder, word_pieces(encoder, ["", " "]), Lines()) == 0).all()


def test_sums_by_hand() -> None:
    table = np.array([[1, 0], [0, 2], [4, 4]], dtype=np.float32)
    pieces = [np.array([0, 1, 1]), np.array([2]), np.array([], dtype=np.int64)]
    assert summed(pieces, table).tolist() == [[1, 4], [4, 4], [0, 0]]


def test_a_lesson_has_examples_first_and_titles_after(encoder: OnnxEncoder, collect: Collect) -> None:
    training_set = collect(
        ("parcel_late", ("where is it", "late again", "still waiting")), ("refund", ("pay me", "money", "give back"))
    )
    texts = [*training_set.texts, *(title.text for title in training_set.titles)]
    vectors = encoder.encode(texts)
    lesson, material = prepare(training_set, vectors, encoder, Lines())
    assert (lesson.examples, list(lesson.texts[6:])) == (6, ["parcel late", "refund"])
    assert lesson.labels.tolist() == [0, 0, 0, 1, 1, 1, 0, 1]
    assert material.pieces("pay me") == lesson.pieces[3].tolist()
    np.testing.assert_allclose(lesson.sums, summed(lesson.pieces, material.table))
    assert lesson.vocabulary == len(material.table) == encoder.vocabulary
    words, letters = lesson.ngrams
    assert lesson.counts[0][3].sum() == 3  # "pay", "me", "pay me"
    assert {"pay", "me", "pay me", "refund"} <= set(words)
    assert " pay" in letters
