"""Fitting the classifier: heads on all examples, mixture weights on predictions for examples that no head had seen.

The encoder is frozen here. Fine-tuning it belongs before `encode` in retrain.py: everything below takes vectors as they
come.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import hstack
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from chatbot.classifier import (
    FLOOR,
    Classifier,
    DenseHead,
    LexicalHead,
    Mix,
    Scores,
    new_vectorizer,
    same_wording,
    softmax,
    vote_matrix,
)
from chatbot.knowledge import NEIGHBOURS
from chatbot.retriever import NO_HIT, Ids, build_index
from chatbot.types import Vector
from training.examples import TrainingSet, folds
from training.progress import Steps

DENSE_C = 20.0
LEXICAL_C = 1.0
ABSENT_LOGIT = -20.0
ABSENT_MARGIN = -2.0
"""Scores of an intent that a fold has no example of: below anything a head gives to one that it knows."""

NO_LABEL = -1

PRIOR = (0.5, 1.5, 0.4)
PRIOR_STRENGTH = 3.0
"""A few examples' worth of belief in the weights that suited BANKING77's and the sample shop's training data, so that
a shop of ten examples is not mixed by accident."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the classifier says of each example when neither heads nor neighbours had seen it or its split group.

    `nearest` is the similarity of the closest example; all arrays have a row for each example.
    """

    probabilities: Scores
    nearest: NDArray[np.float64]


def fit_classifier(training_set: TrainingSet, vectors: Vector, steps: Steps) -> tuple[Classifier, HeldOut]:
    splits = folds(training_set)
    with steps.step("Fitting the channels", total=len(splits) + 1) as advance:
        parts = _Predictions.empty(len(vectors), len(training_set.intents))
        for fit, held in splits:
            parts.fill(held, _predict_fold(training_set, vectors, fit, held))
            advance()
        mix = fit_mix(parts, training_set.labels)
        dense, lexical = _fit_heads(training_set.texts, vectors, training_set.labels, len(training_set.intents))
        advance()
    held_out = HeldOut(_mixed(mix, parts), parts.nearest)
    return Classifier(training_set.intents, dense, lexical, mix), held_out


@dataclass(slots=True)
class _Predictions:
    """The three channels' scores for held-out examples, the similarity of the nearest neighbour, and the label of the
    neighbour with the same wording (NO_LABEL where there is none)."""

    dense: Scores
    lexical: Scores
    votes: Scores
    nearest: NDArray[np.float64]
    same_label: NDArray[np.int64]

    @classmethod
    def empty(cls, rows: int, intents: int) -> _Predictions:
        dense, lexical, votes = (np.zeros((rows, intents)) for _ in range(3))
        return cls(dense, lexical, votes, np.zeros(rows), np.full(rows, NO_LABEL, dtype=np.int64))

    def fill(self, rows: NDArray[np.int64], part: _Predictions) -> None:
        for name in self.__slots__:
            getattr(self, name)[rows] = getattr(part, name)


def _predict_fold(
    training_set: TrainingSet, vectors: Vector, fit: NDArray[np.int64], held: NDArray[np.int64]
) -> _Predictions:
    texts, labels, count = training_set.texts, training_set.labels, len(training_set.intents)
    dense, lexical = _fit_heads([texts[row] for row in fit], vectors[fit], labels[fit], count)
    similarities, ids = build_index(vectors.shape[1], fit, vectors[fit]).search(vectors[held], NEIGHBOURS)
    neighbours = np.where(ids == NO_HIT, 0, labels[ids])
    return _Predictions(
        dense.scores(vectors[held]),
        lexical.scores([texts[row] for row in held]),
        vote_matrix(similarities, neighbours, count),
        similarities[:, 0].astype(np.float64),
        _same_labels([texts[row] for row in held], texts, labels, similarities, ids),
    )


def _same_labels(
    held: Sequence[str], texts: Sequence[str], labels: NDArray[np.int64], similarities: Vector, ids: Ids
) -> NDArray[np.int64]:
    found = np.full(len(held), NO_LABEL, dtype=np.int64)
    for row, text in enumerate(held):
        same = same_wording(text, [(texts[at], float(s)) for at, s in zip(ids[row], similarities[row], strict=True)])
        if same is not None:
            found[row] = labels[ids[row, same]]
    return found


def _fit_heads(
    texts: list[str], vectors: Vector, labels: NDArray[np.int64], intents: int
) -> tuple[DenseHead, LexicalHead]:
    if len(np.unique(labels)) < 2:  # a fold of a tiny shop may hold one intent only: then there is nothing to separate
        return _constant_heads(texts, vectors.shape[1], labels, intents)
    return _fit_dense(vectors, labels, intents), _fit_lexical(texts, labels, intents)


def _fit_dense(vectors: Vector, labels: NDArray[np.int64], intents: int) -> DenseHead:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stopping after 200 rounds is early stopping here, not a failure
        model = LogisticRegression(C=DENSE_C, max_iter=200).fit(vectors, labels)
    weights, bias = _columns(model, intents, absent=ABSENT_LOGIT)
    return DenseHead(weights.astype(np.float32), bias.astype(np.float32))


def _fit_lexical(texts: list[str], labels: NDArray[np.int64], intents: int) -> LexicalHead:
    vectorizers = _fit_vectorizers(texts)
    rows = hstack([vectorizer.transform(texts) for vectorizer in vectorizers]).tocsr()
    model = LinearSVC(C=LEXICAL_C, random_state=0).fit(rows, labels)
    weights, bias = _columns(model, intents, absent=ABSENT_MARGIN)
    return LexicalHead(vectorizers, weights.astype(np.float16), bias.astype(np.float32))


def _fit_vectorizers(texts: list[str]) -> tuple[Any, ...]:
    return (
        new_vectorizer(analyzer="word", ngram_range=(1, 2)).fit(texts),
        new_vectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2 if len(texts) >= 200 else 1).fit(texts),
    )


def _columns(model: Any, intents: int, *, absent: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A linear model's weights with one column an intent, also where scikit-learn keeps one row for two classes."""
    coefficients, intercept = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    if len(model.classes_) == 2:
        coefficients, intercept = np.vstack([-coefficients, coefficients]), np.concatenate([-intercept, intercept])
    weights = np.zeros((coefficients.shape[1], intents))
    bias = np.full(intents, absent)
    weights[:, model.classes_], bias[model.classes_] = coefficients.T, intercept
    return weights, bias


def _constant_heads(
    texts: list[str], dimension: int, labels: NDArray[np.int64], intents: int
) -> tuple[DenseHead, LexicalHead]:
    vectorizers = _fit_vectorizers(texts)
    terms = sum(len(vectorizer.vocabulary_) for vectorizer in vectorizers)
    logits, margins = np.full(intents, ABSENT_LOGIT), np.full(intents, ABSENT_MARGIN)
    logits[labels[0]] = margins[labels[0]] = 0.0
    return (
        DenseHead(np.zeros((dimension, intents), np.float32), logits.astype(np.float32)),
        LexicalHead(vectorizers, np.zeros((terms, intents), np.float16), margins.astype(np.float32)),
    )


def fit_mix(parts: _Predictions, labels: NDArray[np.int64]) -> Mix:
    """The channel weights of greatest likelihood on held-out predictions. Convex: three weights, none below zero."""
    channels = (parts.dense, parts.lexical, np.log(parts.votes + FLOOR))
    found = minimize(mix_loss, PRIOR, (channels, labels), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * 3)
    same = parts.same_label != NO_LABEL
    # Laplace's rule, from one success: without any repeated question an example's own label is worth 2/3.
    trust = (int((parts.same_label[same] == labels[same]).sum()) + 2) / (int(same.sum()) + 3)
    dense, lexical, neighbours = (float(weight) for weight in found.x)
    return Mix(dense, lexical, neighbours, same_wording_trust=trust)


def mix_loss(
    weights: NDArray[np.float64], channels: Sequence[Scores], labels: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """Negative log-likelihood of the labels with the pull of the prior, and its gradient by the weights."""
    rows, strength = np.arange(len(labels)), PRIOR_STRENGTH / len(labels)
    probabilities = softmax(sum(w * scores for w, scores in zip(weights, channels, strict=True)))
    gradient = np.array([((probabilities * s).sum(axis=1) - s[rows, labels]).mean() for s in channels])
    away = weights - np.array(PRIOR)
    value = -np.log(probabilities[rows, labels] + 1e-12).mean() + strength * (away**2).sum() / 2
    return float(value), gradient + strength * away


def _mixed(mix: Mix, parts: _Predictions) -> Scores:
    probabilities = mix.probabilities(parts.dense, parts.lexical, parts.votes)
    same = np.flatnonzero(parts.same_label != NO_LABEL)
    probabilities[same] *= 1 - mix.same_wording_trust
    probabilities[same, parts.same_label[same]] += mix.same_wording_trust
    return probabilities
