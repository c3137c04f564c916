"""The training pipeline: read this file second, after chatbot/respond.py.

Collect what is approved, fit a candidate, choose its thresholds on examples that no part of it had seen, register it,
and make it the active version. The gate that compares a candidate with the active version belongs before `promote`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.bot import CLASSIFIER_FOLDER, ENCODER_FOLDER, POLICY_FILE, save_policy
from chatbot.classifier import save_classifier
from chatbot.decide import MOST_CHOICES, Policy
from chatbot.encoder import Encoder, OnnxEncoder, TorchEncoder, export_onnx
from chatbot.errors import ChatbotError
from chatbot.knowledge import vectors_of
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import OUT_OF_SCOPE, Vector
from training.calibrate import choose_policy
from training.examples import TrainingSet, collect_examples, data_hash
from training.fit import HeldOut, fit_classifier
from training.metrics import confused_pairs, expected_calibration_error, macro_f1
from training.progress import Steps

ENCODE_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version and what was measured on held-out examples."""

    version: str
    metrics: Mapping[str, Any]
    policy: Policy
    confused: list[tuple[str, str, int]]


def retrain(settings: Settings, *, store: Store, registry: Registry, steps: Steps) -> Trained:
    """Train on everything approved and make the result active. Raises TrainingRefused or EncoderUnavailable."""
    training_set = collect_examples(store.knowledge.snapshot())
    with registry.new_version() as building:
        # Fine-tuning the encoder will stand here: it gives another encoder to export, and nothing below changes.
        encoder = prepare_encoder(settings, building / ENCODER_FOLDER, steps)
        vectors = encode(training_set, store=store, encoder=encoder, steps=steps)
        classifier, held_out = fit_classifier(training_set, vectors, steps)
        policy = choose_thresholds(training_set, held_out, settings.error_budget)
        save_classifier(classifier, building / CLASSIFIER_FOLDER)
        save_policy(policy, building / POLICY_FILE)
        metrics, confused = measure(training_set, held_out, policy)
        about = describe(settings, training_set, encoder)
        version = registry.register(building, about=about, metrics=metrics, by="train")
    registry.promote(version, by="train")
    return Trained(version, metrics, policy, confused)


def is_up_to_date(settings: Settings, *, store: Store, registry: Registry) -> bool:
    """Whether the active version was trained on exactly the examples and settings of now."""
    try:
        known = registry.manifest(registry.active_name())
        training_set = collect_examples(store.knowledge.snapshot())
    except ChatbotError:
        return False
    return all(known.get(name) == value for name, value in _identity(settings, training_set).items())


def prepare_encoder(settings: Settings, folder: Path, steps: Steps) -> OnnxEncoder:
    """Export the encoder of the settings into the version's folder, and load it as serving will."""
    with steps.step("Preparing the encoder"):
        export_onnx(TorchEncoder(settings.encoder), folder)
        return OnnxEncoder(folder, threads=settings.threads)


def encode(training_set: TrainingSet, *, store: Store, encoder: Encoder, steps: Steps) -> Vector:
    """A vector for each example, shape (examples, dimension); those that the store already has are taken from it."""
    examples = training_set.examples
    parts = []
    with steps.step("Encoding the examples", total=len(examples)) as advance:
        for start in range(0, len(examples), ENCODE_AT_ONCE):
            batch = examples[start : start + ENCODE_AT_ONCE]
            parts.append(vectors_of(batch, store=store.knowledge, encoder=encoder))
            advance(len(batch))
    return np.concatenate(parts)


def choose_thresholds(training_set: TrainingSet, held_out: HeldOut, error_budget: float) -> Policy:
    probabilities, labels = held_out.probabilities, training_set.labels
    in_scope = np.array(training_set.intents) != OUT_OF_SCOPE
    best = probabilities.argmax(axis=1)
    choices = np.argsort(-np.where(in_scope, probabilities, -1.0), axis=1)[:, :MOST_CHOICES]
    return choose_policy(
        # What is out of scope is never right to answer; what is read as out of scope is never answered.
        probability=np.where(in_scope[best], probabilities.max(axis=1), 0.0),
        right=(best == labels) & in_scope[labels],
        offered=np.take_along_axis(probabilities, choices, axis=1).sum(axis=1),
        offers_right=(choices == labels[:, None]).any(axis=1) & in_scope[labels],
        nearest=held_out.nearest,
        error_budget=error_budget,
    )


def measure(
    training_set: TrainingSet, held_out: HeldOut, policy: Policy
) -> tuple[dict[str, Any], list[tuple[str, str, int]]]:
    """Figures on held-out examples (each seen by no part that judged it), and the most confused pairs."""
    names = np.array(training_set.intents)
    best = held_out.probabilities.argmax(axis=1)
    truth, predicted = names[training_set.labels].tolist(), names[best].tolist()
    probability = held_out.probabilities.max(axis=1)
    right = best == training_set.labels
    answered = (probability >= policy.answer_at) & (names[best] != OUT_OF_SCOPE)
    metrics = {
        "examples": len(truth),
        "intents": len(names),
        "accuracy": float(right.mean()),
        "macro_f1": macro_f1(truth, predicted),
        "ece": expected_calibration_error(probability, right),
        "answered": float(answered.mean()),
        "wrong_of_answered": float((~right[answered]).mean()) if answered.any() else 0.0,
    }
    return metrics, confused_pairs(truth, predicted)


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
        "program": installed_version("service-chatbot"),
    }
