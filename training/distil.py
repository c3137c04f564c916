"""The student's raw material: the encoder's vector of each word piece that stands in the training texts.

A text's word-piece vectors, summed and put through one learned matrix (training/heads.py), come close to the encoder's
own vector of it: a cosine of 0.88 on BANKING77's held-out questions, and the dense head reads 87 % of them right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatbot.encoder import OnnxEncoder
from chatbot.types import Vector
from training.examples import TrainingSet
from training.heads import Lesson, counted
from training.progress import Steps

AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Material:
    """`table` has the encoder's vector of each word piece by number (zero for those that no text holds); `pieces` cuts
    a text into these numbers."""

    table: NDArray[np.float32]
    pieces: Callable[[str], list[int]]


def prepare(training_set: TrainingSet, vectors: Vector, encoder: OnnxEncoder, steps: Steps) -> tuple[Lesson, Material]:
    """`vectors` are those of the examples, then of the titles."""
    texts = [*training_set.texts, *(title.text for title in training_set.titles)]
    pieces = word_pieces(encoder, texts)
    table = piece_vectors(encoder, pieces, steps)
    labels = np.concatenate([training_set.labels, training_set.title_labels])
    counts, ngrams = counted(texts)
    sums, count = summed(pieces, table), len(training_set.examples)
    lesson = Lesson(texts, vectors, labels, count, counts, ngrams, sums, pieces, len(table))
    return lesson, Material(table, encoder.pieces)


def word_pieces(encoder: OnnxEncoder, texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """The numbers of each text's word pieces, without the marks of beginning and end."""
    return [np.array(encoder.pieces(text), dtype=np.int64) for text in texts]


def piece_vectors(encoder: OnnxEncoder, pieces: Sequence[NDArray[np.int64]], steps: Steps) -> NDArray[np.float32]:
    """Shape (size of the vocabulary, dimension); zero for pieces that do not occur, the mean taken out."""
    found = np.unique(np.concatenate([*pieces, np.empty(0, np.int64)]))
    table = np.zeros((encoder.vocabulary, encoder.dimension), dtype=np.float32)
    with steps.step("Distilling the student", total=max(len(found), 1)) as advance:
        for start in range(0, len(found), AT_ONCE):
            batch = found[start : start + AT_ONCE]
            table[batch] = encoder.encode_pieces(batch.tolist())
            advance(len(batch))
    if len(found):
        table[found] -= table[found].mean(axis=0)
    return table


def summed(pieces: Sequence[NDArray[np.int64]], table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each text's summed word-piece vectors, shape (texts, dimension)."""
    return np.stack([table[each].sum(axis=0) for each in pieces])
