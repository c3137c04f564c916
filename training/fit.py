"""Fitting the classifier: heads on all examples; everything that weighs them on questions that no head had seen.

Vectors are taken as they come. Where the encoder was fine-tuned, the stages say which questions it has not learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from chatbot.cascade import Cascade, Student, fingerprints
from chatbot.classifier import FLOOR, Classifier, Mix, Scores, later_evidence, softmax
from chatbot.trust import Floats
from training.distil import Material
from training.examples import TrainingSet
from training.heads import Lesson, fit_heads
from training.progress import Steps
from training.rehearsal import NOBODY, STRANGER_GROUPS, Rehearsal, Stage, Strangers, rehearse_folds, rehearse_strangers
from training.trust import fit_logistic, fit_trust
from training.witness import HeldOut, Witness

PRIOR = (0.5, 1.5, 0.4)
PRIOR_STRENGTH = 3.0
"""A few examples' worth of belief in the weights that suited BANKING77's and the sample shop's training data, so that
a shop of ten examples is not mixed by accident."""

QUICK_PRIOR = (0.8, 2.0)
LATER_PRIOR = (1.0, 0.0, 0.0, 0.0)
LATER_STRENGTH = 1.0
LATER_SHARE = 0.06
"""Weight of a question about a later intent where one about a known intent has 1. One example each of 20 new intents
cost BANKING77's other questions 0.4 points of accuracy with 0.1 and 0 to 0.1 with 0.03, and 60 and 47 % of the new ones
were read right (validation, two draws); with equal weights 3.6 to 4.4 points, and 70 to 74 %."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """`cascade.answer_at` is still to be chosen (training/calibrate.py). The first of `held_out` are the examples of
    `rows`, in their order."""

    classifier: Classifier
    cascade: Cascade
    held_out: HeldOut
    rows: NDArray[np.int64]


def fit_classifier(
    training_set: TrainingSet,
    lesson: Lesson,
    material: Material,
    stages: Sequence[Stage],
    steps: Steps,
    *,
    unknown_share: float,
) -> Fitted:
    """`lesson` is what the heads learn; on `stages` all that weighs them is rehearsed."""
    with steps.step("Rehearsing", total=len(stages) + STRANGER_GROUPS) as advance:
        folds = rehearse_folds(training_set, stages, advance)
        strangers = rehearse_strangers(training_set, stages, advance)
    with steps.step("Fitting the channels", total=3) as advance:
        mix = fit_mix(folds, strangers)
        student, letters = channel_weights((folds.student, folds.lexical), folds.labels, QUICK_PRIOR)
        advance()
        witness = Witness(training_set, folds, strangers, mix, (student, letters), unknown_share)
        trust, certainty = fit_trust(witness.full())
        quick_trust, quick_certainty = fit_trust(witness.quick())
        advance()
        heads = fit_heads(lesson, np.arange(len(lesson.texts)), len(training_set.intents))
        advance()
    known = fingerprints((*training_set.examples, *training_set.titles))
    cascade = Cascade(
        student_of(lesson, material.table, heads.project), (student, letters), quick_trust, 1.0, known, material.pieces
    )
    classifier = Classifier(training_set.intents, heads.dense, heads.lexical.head(lesson), mix, trust)
    return Fitted(classifier, cascade, witness.held_out(certainty, quick_certainty), folds.rows)


def student_of(lesson: Lesson, table: NDArray[np.float32], project: NDArray[np.float32]) -> Student:
    """Only the word pieces of the training texts: a question with another one is the encoder's."""
    pieces = np.unique(np.concatenate(lesson.pieces)).astype(np.int64)
    row = np.full(len(table), -1, dtype=np.int32)
    row[pieces] = np.arange(len(pieces))
    return Student(row, (table[pieces] @ project).astype(np.float16))


def fit_mix(folds: Rehearsal, strangers: Sequence[Strangers] = ()) -> Mix:
    """The channel weights of greatest likelihood on held-out predictions, and the share of intents that came later."""
    labels = folds.labels
    channels = (folds.dense, folds.lexical, np.log(folds.votes + FLOOR))
    dense, lexical, neighbours = channel_weights(channels, labels, PRIOR)
    same = folds.same_label != NOBODY
    # Laplace's rule, from one success: without any repeated question an example's own label is worth 2/3.
    trust = (int((folds.same_label[same] == labels[same]).sum()) + 2) / (int(same.sum()) + 3)
    mix = Mix(dense, lexical, neighbours, same_wording_trust=trust)
    return Mix(dense, lexical, neighbours, trust, later=_later_weights(mix, strangers))


def _later_weights(mix: Mix, strangers: Sequence[Strangers]) -> tuple[float, float, float, float]:
    """From questions of later intents (theirs) and of known ones with later examples around (not theirs)."""
    table, theirs, weights = [], [], []
    for group in strangers:
        for seen, weight in ((group.later, LATER_SHARE), (group.beside, 1.0)):
            known = seen.dense.shape[1]
            votes = seen.votes
            fused = mix.probabilities(seen.dense, seen.lexical, _shares(votes[:, :known]))
            touched = votes[:, known:].sum(axis=1) > 0
            table.append(later_evidence(fused, votes, seen.similarities, seen.columns)[touched])
            theirs.append((seen.labels >= known)[touched])
            weights.append(np.full(int(touched.sum()), weight))
    if not table:
        return LATER_PRIOR
    found = fit_logistic(
        np.concatenate(table),
        np.concatenate(theirs),
        weights=np.concatenate(weights),
        prior=np.array(LATER_PRIOR),
        strength=LATER_STRENGTH,
    )
    by_votes, by_closeness, by_certainty, bias = (float(weight) for weight in found)
    return max(by_votes, 0.0), max(by_closeness, 0.0), min(by_certainty, 0.0), bias


def _shares(votes: Scores) -> Scores:
    return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12))


def channel_weights(channels: Sequence[Scores], labels: NDArray[np.int64], prior: Sequence[float]) -> tuple[float, ...]:
    """Weights of a log-linear mix. Convex: none below zero."""
    found = minimize(
        mix_loss, prior, (channels, labels, prior), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(prior)
    )
    return tuple(float(weight) for weight in found.x)


def mix_loss(
    weights: Floats, channels: Sequence[Scores], labels: NDArray[np.int64], prior: Sequence[float] = PRIOR
) -> tuple[float, Floats]:
    """Negative log-likelihood of the labels with the pull of the prior, and its gradient by the weights."""
    rows, strength = np.arange(len(labels)), PRIOR_STRENGTH / len(labels)
    probabilities = softmax(sum(w * scores for w, scores in zip(weights, channels, strict=True)))
    gradient = np.array([((probabilities * s).sum(axis=1) - s[rows, labels]).mean() for s in channels])
    away = weights - np.array(prior)
    value = -np.log(probabilities[rows, labels] + 1e-12).mean() + strength * (away**2).sum() / 2
    return float(value), gradient + strength * away
