"""The training pipeline: read this file second, after chatbot/respond.py.

Collect what is approved, fit a candidate, choose its thresholds on examples that no part of it had seen, register it,
and make it the active version. The gate that compares a candidate with the active version belongs before `promote`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.bot import CASCADE_FOLDER, CLASSIFIER_FOLDER, ENCODER_FOLDER, POLICY_FILE, save_policy
from chatbot.cascade import save_cascade
from chatbot.classifier import save_classifier
from chatbot.decide import Policy
from chatbot.encoder import Encoder, OnnxEncoder, TorchEncoder
from chatbot.errors import ChatbotError, ModelDamaged, NoActiveModel
from chatbot.knowledge import vectors_of
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import Vector
from training.calibrate import Automation, automation, cascade_threshold, choose_policy
from training.compress import export_encoder, reuse_encoder
from training.distil import prepare
from training.examples import TrainingSet, collect_examples, data_hash
from training.fit import fit_classifier
from training.metrics import auroc, confused_pairs, expected_calibration_error, macro_f1
from training.passages import passage_threshold
from training.pictures import FOLDER as REPORT_FOLDER
from training.pictures import draw_training
from training.progress import Steps
from training.witness import HeldOut

ENCODE_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures, the most confused pairs of intents, and what each error budget would automate."""

    metrics: dict[str, Any]
    confused: list[tuple[str, str, int]]
    automation: list[Automation]


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version and what was measured on held-out examples."""

    version: str
    metrics: Mapping[str, Any]
    policy: Policy
    confused: list[tuple[str, str, int]]
    automation: list[Automation]
    passages: str


def retrain(settings: Settings, *, store: Store, registry: Registry, steps: Steps) -> Trained:
    """Train on everything approved and make the result active. Raises TrainingRefused or EncoderUnavailable."""
    snapshot = store.knowledge.snapshot()
    training_set = collect_examples(snapshot)
    with registry.new_version() as building:
        # Fine-tuning the encoder will stand here: it gives another encoder to export, and nothing below changes.
        encoder, precision = prepare_encoder(settings, training_set, building / ENCODER_FOLDER, registry, steps)
        vectors = encode(training_set, store=store, encoder=encoder, steps=steps)
        lesson, material = prepare(training_set, vectors, encoder, steps)
        fitted = fit_classifier(training_set, lesson, material, steps, unknown_share=settings.unknown_share)
        policy = choose_policy(fitted.held_out, settings.error_budget)
        passages = passage_threshold(
            training_set.examples,
            vectors[: len(training_set.examples)],
            snapshot,
            store=store.knowledge,
            encoder=encoder,
            error_budget=settings.error_budget,
        )
        policy = replace(policy, passage_at=passages.at)
        glance_at = cascade_threshold(fitted.held_out, policy)
        save_classifier(fitted.classifier, building / CLASSIFIER_FOLDER)
        save_policy(policy, building / POLICY_FILE)
        if glance_at is not None:
            save_cascade(replace(fitted.cascade, answer_at=glance_at), building / CASCADE_FOLDER)
        measured = measure(training_set, fitted.held_out, policy, glance_at)
        draw_training(fitted.held_out, measured.automation, settings.error_budget, building / REPORT_FOLDER)
        about = describe(settings, training_set, encoder) | {"serving_encoder": precision}
        version = registry.register(building, about=about, metrics=measured.metrics, by="train")
    registry.promote(version, by="train")
    return Trained(version, measured.metrics, policy, measured.confused, measured.automation, passages.promise)


def is_up_to_date(settings: Settings, *, store: Store, registry: Registry) -> bool:
    """Whether the active version was trained on exactly the examples and settings of now."""
    try:
        known = registry.manifest(registry.active_name())
        training_set = collect_examples(store.knowledge.snapshot())
    except ChatbotError:
        return False
    return all(known.get(name) == value for name, value in _identity(settings, training_set).items())


def prepare_encoder(
    settings: Settings, training_set: TrainingSet, folder: Path, registry: Registry, steps: Steps
) -> tuple[OnnxEncoder, dict[str, Any]]:
    """The encoder of the settings in the version's folder, as serving will load it; with its precision and what that
    was measured to cost. Taken from the active version if that has the same one."""
    with steps.step("Preparing the encoder"):
        precision = None
        with suppress(NoActiveModel, ModelDamaged):
            precision = reuse_encoder(
                registry.active() / ENCODER_FOLDER, folder, settings.encoder, len(training_set.examples)
            )
        if precision is None:
            encoder = TorchEncoder(settings.encoder)
            texts, labels = training_set.texts, training_set.labels
            precision = export_encoder(encoder, folder, texts, labels, threads=settings.threads)
        return OnnxEncoder(folder, threads=settings.threads), precision


def encode(training_set: TrainingSet, *, store: Store, encoder: Encoder, steps: Steps) -> Vector:
    """A vector for each example and then each title, shape (both, dimension); what the store has is taken from it."""
    everything = (*training_set.examples, *training_set.titles)
    parts = []
    with steps.step("Encoding the examples", total=len(everything)) as advance:
        for start in range(0, len(everything), ENCODE_AT_ONCE):
            batch = everything[start : start + ENCODE_AT_ONCE]
            parts.append(vectors_of(batch, store=store.knowledge, encoder=encoder))
            advance(len(batch))
    return np.concatenate(parts)


def measure(training_set: TrainingSet, held_out: HeldOut, policy: Policy, glance_at: float | None) -> Measured:
    """Figures on held-out examples, each seen by no part that judged it; strangers are counted where it says so."""
    names = np.array(training_set.intents)
    count = len(held_out.probabilities)
    best = held_out.probabilities.argmax(axis=1)
    truth, predicted = names[training_set.labels].tolist(), names[best].tolist()
    thresholds = np.array([policy.threshold(language) for language in held_out.languages])
    glanced = held_out.quick_certainty >= (2.0 if glance_at is None else glance_at)
    answered = glanced | (held_out.certainty >= thresholds)
    wrong = np.where(glanced, ~held_out.quick_right, ~held_out.right)[answered]
    known = np.arange(len(answered)) < count
    metrics = {
        "examples": len(truth),
        "intents": len(names),
        "strangers": held_out.strangers,
        "accuracy": float((best == training_set.labels).mean()),
        "macro_f1": macro_f1(truth, predicted),
        "ece": expected_calibration_error(held_out.certainty, held_out.right),
        "unknown_auroc": auroc(held_out.certainty[known], held_out.certainty[~known]),
        "answered": float(answered[known].mean()),
        "answered_without_encoder": float(glanced[known].mean()),
        "wrong_of_answered": float(wrong.mean()) if len(wrong) else 0.0,
    }
    return Measured(metrics, confused_pairs(truth, predicted), automation(held_out, policy.error_budget))


def describe(settings: Settings, training_set: TrainingSet, encoder: Encoder) -> dict[str, Any]:
    """What the manifest says of how the version was made."""
    libraries = ("torch", "sentence-transformers", "scikit-learn", "onnxruntime", "numpy")
    return {
        **_identity(settings, training_set),
        "encoder_fingerprint": encoder.fingerprint,
        "libraries": {name: installed_version(name) for name in libraries},
    }


def _identity(settings: Settings, training_set: TrainingSet) -> dict[str, Any]:
    return {
        "data": data_hash(training_set),
        "encoder": settings.encoder,
        "error_budget": settings.error_budget,
        "unknown_share": settings.unknown_share,
        "program": installed_version("service-chatbot"),
    }
