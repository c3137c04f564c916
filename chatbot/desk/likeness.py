"""Which texts are nearest to which, also in a script that the encoder cannot read.

There all short texts have the same vector, or one that a single known character decides (to MiniLM, "return" and
"opening hours" in Chinese have a cosine of 1). So of Chinese texts the letters are compared, single ones and pairs of
neighbours; and of every text that has a crowd of others at the same place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from chatbot.classifier import SAME_WORDING
from chatbot.retriever import build_index
from chatbot.text import language_of, normalise
from chatbot.types import Vector

NEAREST = 32
CROWD = 8
"""So many others within SAME_WORDING are a crowd."""

AT_ONCE = 4_096
"""Texts of one search: FAISS takes five times as long for the same in small portions."""

LETTERS_AT_ONCE = 256
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Nearest:
    """Of each text the places of the nearest others, closest first, and how like they are, shape (texts, NEAREST).

    NOBODY and -inf fill what is left of a row. Likeness is the cosine of the vectors, or of the letters in the rows of
    `by_letters`.
    """

    places: NDArray[np.int64]
    likeness: NDArray[np.float32]
    by_letters: NDArray[np.bool_]


def nearest(texts: Sequence[str], vectors: Vector) -> Nearest:
    """`vectors` have shape (texts, dimension)."""
    count = len(texts)
    places = np.full((count, NEAREST), NOBODY, dtype=np.int64)
    likeness = np.full((count, NEAREST), -np.inf, dtype=np.float32)
    if count:
        index = build_index(vectors.shape[1], np.arange(count, dtype=np.int64), vectors)
        for start in range(0, count, AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, count))
            found = index.search(vectors[rows], NEAREST + 1)
            places[rows], likeness[rows] = _others(rows, found[1], found[0])
    by_letters = in_chinese(texts) | ((likeness >= SAME_WORDING).sum(axis=1) >= CROWD)
    rows = np.flatnonzero(by_letters)
    if len(rows):
        places[rows], likeness[rows] = _by_letters([texts[row] for row in rows.tolist()], rows)
    return Nearest(places, likeness, by_letters)


def in_chinese(texts: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([language_of(text, "") == "zh" for text in texts], dtype=np.bool_)


def letters_of(text: str) -> Counter[str]:
    """Single letters and pairs of neighbours; spaces count as one at each edge of a word."""
    padded = f" {normalise(text)} "
    return Counter([*padded.replace(" ", ""), *(padded[at : at + 2] for at in range(len(padded) - 1))])


def letter_vectors(texts: Sequence[str], *, among: Sequence[str] = ()) -> tuple[csr_matrix, NDArray[np.float32]]:
    """Rows of length 1 over all letters and pairs that occur, heavier the rarer they are in `texts` and `among`; and
    how long each row was."""
    columns: dict[str, int] = {}
    counts = [letters_of(text) for text in texts]
    others = Counter(letter for text in among for letter in letters_of(text))
    indices = [columns.setdefault(letter, len(columns)) for row in counts for letter in row]
    ends = np.cumsum([0, *(len(row) for row in counts)])
    values = np.array([count for row in counts for count in row.values()], dtype=np.float32)
    held = np.bincount(indices, minlength=max(len(columns), 1))
    held[: len(columns)] += np.array([others[letter] for letter in columns], dtype=held.dtype)
    values *= np.log1p((len(texts) + len(among)) / held[indices]).astype(np.float32)
    matrix = csr_matrix((values, indices, ends), shape=(len(texts), max(len(columns), 1)))
    lengths = np.maximum(np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()), 1e-9).astype(np.float32)
    matrix.data /= np.repeat(lengths, np.diff(ends))
    return matrix, lengths


def _others(
    rows: NDArray[np.int64], places: NDArray[np.int64], likeness: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Without each row itself, which need not come first among texts with the same vector."""
    itself = places == rows[:, None]
    none = ~itself.any(axis=1)
    itself[none, -1] = True
    kept = np.argsort(itself, axis=1, kind="stable")[:, :-1]
    return np.take_along_axis(places, kept, 1), np.take_along_axis(likeness, kept, 1)


def _by_letters(texts: Sequence[str], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    letters, _ = letter_vectors(texts)
    places = np.full((len(texts), NEAREST), NOBODY, dtype=np.int64)
    likeness = np.full((len(texts), NEAREST), -np.inf, dtype=np.float32)
    transposed = letters.T.tocsr()
    for start in range(0, len(texts), LETTERS_AT_ONCE):
        block = (letters[start : start + LETTERS_AT_ONCE] @ transposed).toarray()
        block[np.arange(len(block)), start + np.arange(len(block))] = -1
        best = np.argsort(-block, axis=1, kind="stable")[:, :NEAREST]
        found = np.take_along_axis(block, best, 1)
        width = best.shape[1]
        places[start : start + len(block), :width] = np.where(found > 0, rows[best], NOBODY)
        likeness[start : start + len(block), :width] = np.where(found > 0, found, -np.inf)
    return places, likeness
