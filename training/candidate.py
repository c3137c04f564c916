"""A candidate: everything that would go live together, fitted, calibrated and written into one folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chatbot.bot import CASCADE_FOLDER, CLASSIFIER_FOLDER, POLICY_FILE, save_policy
from chatbot.cascade import save_cascade
from chatbot.classifier import save_classifier
from chatbot.decide import Policy
from chatbot.store.knowledge import Snapshot
from chatbot.types import Example, Status
from training.calibrate import Automation, automation, cascade_threshold, choose_policy
from training.encoders import Preparation, Prepared, prepare_encoder
from training.examples import TrainingSet
from training.fit import fit_classifier
from training.metrics import auroc, confused_pairs, expected_calibration_error, macro_f1
from training.passages import passage_threshold
from training.plan import Plan
from training.tune import Point
from training.witness import HeldOut


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures, the most confused pairs of intents, and what each error budget would automate."""

    metrics: dict[str, Any]
    confused: list[tuple[str, str, int]]
    automation: list[Automation]


@dataclass(frozen=True, slots=True)
class Candidate:
    """`rows` of the training set are the first of `held_out`; `about` is for the manifest."""

    policy: Policy
    held_out: HeldOut
    rows: np.ndarray[Any, np.dtype[np.int64]]
    measured: Measured
    passages: str
    about: Mapping[str, Any]
    curve: tuple[Point, ...]


def fit_candidate(preparation: Preparation, plan: Plan, snapshot: Snapshot) -> Candidate:
    """Written into `preparation.building`. Raises TrainingRefused or EncoderUnavailable."""
    settings, training_set = preparation.settings, preparation.training_set
    prepared = prepare_encoder(preparation, plan)
    fitted = fit_classifier(
        training_set,
        prepared.lesson,
        prepared.material,
        prepared.stages,
        preparation.steps,
        unknown_share=settings.unknown_share,
    )
    policy, promise = _policy(preparation, prepared, fitted.held_out, snapshot)
    glance_at = cascade_threshold(fitted.held_out, policy)
    save_classifier(fitted.classifier, preparation.building / CLASSIFIER_FOLDER)
    save_policy(policy, preparation.building / POLICY_FILE)
    if glance_at is not None:
        save_cascade(replace(fitted.cascade, answer_at=glance_at), preparation.building / CASCADE_FOLDER)
    measured = measure(training_set, fitted.rows, fitted.held_out, policy, glance_at)
    about = {**prepared.about, "encoder_fingerprint": prepared.encoder.fingerprint, "plan": plan.words}
    return Candidate(policy, fitted.held_out, fitted.rows, measured, promise, about, prepared.curve)


def answers_of(training_set: TrainingSet, snapshot: Snapshot) -> tuple[str | None, ...]:
    """The approved answer of each example in its language, where the example or its intent has one and only one."""
    approved = [template for template in snapshot.templates if template.status is Status.APPROVED]
    by_key = {template.key: template.body for template in approved}
    by_intent: dict[tuple[str, str], list[str]] = {}
    for template in approved:
        by_intent.setdefault((template.intent, template.language), []).append(template.body)
    return tuple(_answer(example, by_key, by_intent) for example in training_set.examples)


def measure(
    training_set: TrainingSet,
    rows: Sequence[int] | np.ndarray[Any, np.dtype[np.int64]],
    held_out: HeldOut,
    policy: Policy,
    glance_at: float | None,
) -> Measured:
    """Figures on examples that were held out of whatever judged them; strangers are counted where it says so."""
    names = np.array(training_set.intents)
    labels = training_set.labels[rows]
    count = len(held_out.probabilities)
    best = held_out.probabilities.argmax(axis=1)
    truth, predicted = names[labels].tolist(), names[best].tolist()
    thresholds = np.array([policy.threshold(language) for language in held_out.languages])
    glanced = held_out.quick_certainty >= (2.0 if glance_at is None else glance_at)
    answered = glanced | (held_out.certainty >= thresholds)
    wrong = np.where(glanced, ~held_out.quick_right, ~held_out.right)[answered]
    known = np.arange(len(answered)) < count
    metrics = {
        "examples": len(training_set.examples),
        "intents": len(names),
        "strangers": held_out.strangers,
        "accuracy": float((best == labels).mean()),
        "macro_f1": macro_f1(truth, predicted),
        "ece": expected_calibration_error(held_out.certainty, held_out.right),
        "unknown_auroc": auroc(held_out.certainty[known], held_out.certainty[~known]),
        "answered": float(answered[known].mean()),
        "answered_without_encoder": float(glanced[known].mean()),
        "wrong_of_answered": float(wrong.mean()) if len(wrong) else 0.0,
    }
    return Measured(metrics, confused_pairs(truth, predicted), automation(held_out, policy.error_budget))


def _policy(preparation: Preparation, prepared: Prepared, held_out: HeldOut, snapshot: Snapshot) -> tuple[Policy, str]:
    """With what was shown for the answers from documents, in words."""
    settings, examples = preparation.settings, preparation.training_set.examples
    passages = passage_threshold(
        examples,
        prepared.vectors[: len(examples)],
        snapshot,
        store=preparation.store.knowledge,
        encoder=prepared.encoder,
        error_budget=settings.error_budget,
    )
    return replace(choose_policy(held_out, settings.error_budget), passage_at=passages.at), passages.promise


def _answer(
    example: Example, by_key: Mapping[str, str], by_intent: Mapping[tuple[str, str], Sequence[str]]
) -> str | None:
    if example.template is not None:
        return by_key.get(example.template)
    found = by_intent.get((example.intent, example.language), ())
    return found[0] if len(found) == 1 else None
