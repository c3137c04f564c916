"""Fitting the heads: a linear one over sentence vectors, a linear one over n-grams, and the student's table.

What they are fitted on is a `Lesson`: rows of texts with their vectors and labels. Titles of intents are rows too, and
always among the fitted ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from chatbot.classifier import FAMILIES, DenseHead, LexicalHead, Scores
from chatbot.types import Vector

Rows = NDArray[np.int64]

DENSE_C = 20.0
DENSE_ROUNDS = 60
"""More changed nothing on BANKING77's validation questions (64 converge), fewer cost accuracy (30: 0.2 points)."""

LEXICAL_C = 1.0
LEXICAL_TOLERANCE = 0.01
RARE_FROM = 200
"""With so many texts, letter n-grams that occur once are left out: they double the size for nothing."""

STUDENT_RIDGE = 1.0
ABSENT_LOGIT = -20.0
ABSENT_MARGIN = -2.0
"""Scores of an intent that was not among the fitted rows: below anything a head gives to one that it knows."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Rows to fit on and to rehearse with. The first `examples` rows are examples, the rest titles of intents.

    `counts` say how often each text holds each n-gram, a matrix for each family of chatbot/ngrams.py; `ngrams` name
    their columns. `sums` are the summed word-piece vectors of each text (training/distil.py), `pieces` their numbers
    below `vocabulary`.
    """

    texts: Sequence[str]
    vectors: Vector
    labels: Rows
    examples: int
    counts: tuple[csr_matrix, ...]
    ngrams: tuple[Sequence[str], ...]
    sums: Vector
    pieces: Sequence[Rows]
    vocabulary: int

    def with_titles(self, rows: Rows, intents: Rows) -> Rows:
        """`rows` and the titles of `intents`."""
        titles = np.arange(self.examples, len(self.texts))
        return np.concatenate([rows, titles[np.isin(self.labels[titles], intents)]])


def counted(texts: Sequence[str]) -> tuple[tuple[csr_matrix, ...], tuple[Sequence[str], ...]]:
    """Each text is cut into n-grams once, however many heads are fitted."""
    counters = [CountVectorizer(analyzer=ngrams) for ngrams in FAMILIES]
    counts = tuple(csr_matrix(counter.fit_transform(texts)) for counter in counters)
    return counts, tuple(counter.get_feature_names_out().tolist() for counter in counters)


@dataclass(frozen=True, slots=True)
class Heads:
    """`project` turns the summed word-piece vectors of a text into a stand-in for its sentence vector."""

    dense: DenseHead
    lexical: Lexical
    project: NDArray[np.float32]

    def student(self, sums: Vector) -> Vector:
        return _unit(sums @ self.project)


@dataclass(frozen=True, slots=True)
class Lexical:
    """A lexical head that scores the rows of a lesson; `head` is the one that serves any text.

    For each family the columns that are counted, and how they are weighed; then `weights`, shape (n-grams, intents).
    """

    kept: tuple[Rows, ...]
    weighing: tuple[TfidfTransformer, ...]
    weights: NDArray[np.float16]
    bias: NDArray[np.float32]

    def scores(self, lesson: Lesson, rows: Rows) -> Scores:
        weighed = _weighed(lesson, rows, self.kept, self.weighing)
        return np.asarray(weighed @ self.weights.astype(np.float32) + self.bias, dtype=np.float64)

    def head(self, lesson: Lesson) -> LexicalHead:
        places = tuple(
            {names[column]: place for place, column in enumerate(kept.tolist())}
            for names, kept in zip(lesson.ngrams, self.kept, strict=True)
        )
        idf = tuple(np.asarray(weighing.idf_, dtype=np.float64) for weighing in self.weighing)
        return LexicalHead(places, idf, self.weights, self.bias)


def fit_heads(lesson: Lesson, rows: Rows, intents: int) -> Heads:
    """Heads with a column for each of `intents`, also for those that `rows` have no example of."""
    vectors, labels = lesson.vectors[rows], lesson.labels[rows]
    project = _distilled(lesson.sums[rows], vectors)
    # Small matrices: threads that wait for each other cost more than they help, most of all on a busy machine.
    with threadpool_limits(limits=1, user_api="blas"):
        if len(np.unique(labels)) < 2:  # a fold of a tiny shop may hold one intent only: nothing to separate
            return Heads(*_constant(lesson, rows, intents), project)
        return Heads(_fit_dense(vectors, labels, intents), _fit_lexical(lesson, rows, intents), project)


def _distilled(sums: Vector, vectors: Vector) -> NDArray[np.float32]:
    """Least squares, with a ridge, from the direction of the summed word pieces to the encoder's vector."""
    given = _unit(sums).astype(np.float64)
    square = given.T @ given + STUDENT_RIDGE * np.eye(given.shape[1])
    return np.linalg.solve(square, given.T @ vectors).astype(np.float32)


def _unit(vectors: NDArray[Any]) -> Vector:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _fit_dense(vectors: Vector, labels: Rows, intents: int) -> DenseHead:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stopping after DENSE_ROUNDS is early stopping here, not a failure
        model = LogisticRegression(C=DENSE_C, max_iter=DENSE_ROUNDS).fit(vectors, labels)
    weights, bias = _columns(model, intents, absent=ABSENT_LOGIT)
    return DenseHead(weights.astype(np.float32), bias.astype(np.float32))


def _fit_lexical(lesson: Lesson, rows: Rows, intents: int) -> Lexical:
    kept, weighing = _fit_weighing(lesson, rows)
    model = LinearSVC(C=LEXICAL_C, tol=LEXICAL_TOLERANCE, random_state=0)
    model.fit(_weighed(lesson, rows, kept, weighing), lesson.labels[rows])
    weights, bias = _columns(model, intents, absent=ABSENT_MARGIN)
    return Lexical(kept, weighing, weights.astype(np.float16), bias.astype(np.float32))


def _fit_weighing(lesson: Lesson, rows: Rows) -> tuple[tuple[Rows, ...], tuple[TfidfTransformer, ...]]:
    """TF-IDF of words, then of letters."""
    rarest = (1, 2 if len(rows) >= RARE_FROM else 1)
    kept, weighing = [], []
    for counts, least in zip(lesson.counts, rarest, strict=True):
        mine = counts[rows]
        columns = np.flatnonzero(mine.getnnz(axis=0) >= least)
        kept.append(columns)
        weighing.append(TfidfTransformer(sublinear_tf=True).fit(mine[:, columns]))
    return tuple(kept), tuple(weighing)


def _weighed(lesson: Lesson, rows: Rows, kept: Sequence[Rows], weighing: Sequence[TfidfTransformer]) -> csr_matrix:
    families = zip(lesson.counts, kept, weighing, strict=True)
    return hstack([how.transform(counts[rows][:, columns]) for counts, columns, how in families]).tocsr()


def _columns(model: Any, intents: int, *, absent: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A linear model's weights with one column an intent, also where scikit-learn keeps one row for two classes."""
    coefficients, intercept = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    if len(model.classes_) == 2:
        coefficients, intercept = np.vstack([-coefficients, coefficients]), np.concatenate([-intercept, intercept])
    weights = np.zeros((coefficients.shape[1], intents))
    bias = np.full(intents, absent)
    weights[:, model.classes_], bias[model.classes_] = coefficients.T, intercept
    return weights, bias


def _constant(lesson: Lesson, rows: Rows, intents: int) -> tuple[DenseHead, Lexical]:
    """Heads for rows of one intent only."""
    kept, weighing = _fit_weighing(lesson, rows)
    logits, margins = np.full(intents, ABSENT_LOGIT), np.full(intents, ABSENT_MARGIN)
    logits[lesson.labels[rows[0]]] = margins[lesson.labels[rows[0]]] = 0.0
    weights = np.zeros((sum(map(len, kept)), intents), np.float16)
    return (
        DenseHead(np.zeros((lesson.vectors.shape[1], intents), np.float32), logits.astype(np.float32)),
        Lexical(kept, weighing, weights, margins.astype(np.float32)),
    )
