"""The last lesson: once a candidate is judged, its heads learn the questions that judged it as well.

A shop with five examples an intent cannot do without one of five, and the cascade leaves to the encoder whatever is
near an example that its heads have not learned. So what serves has learned everything that is approved, with the
encoder, weights and thresholds of what was examined. That is kept beside it, for the next candidate is compared with
heads that have not seen the questions either.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from chatbot.bot import CASCADE_FOLDER, CLASSIFIER_FOLDER, ENCODER_FOLDER
from chatbot.cascade import Cascade, fingerprints, load_cascade, save_cascade
from chatbot.classifier import Classifier, load_classifier, save_classifier
from chatbot.encoder import OnnxEncoder
from chatbot.store import Store
from chatbot.types import Example
from training.cleaning import clean
from training.distil import prepare
from training.encoders import encode
from training.examination import EXAMINED
from training.examples import TrainingSet, training_set_of
from training.fit import student_of
from training.heads import fit_heads
from training.progress import Steps
from training.runs import Data

HEADS = (CLASSIFIER_FOLDER, CASCADE_FOLDER)


def learn_the_rest(folder: Path, data: Data, *, store: Store, threads: int, steps: Steps) -> int:
    """Give the candidate in `folder` heads that have learned the holdout too; how many examples that was. Where there
    is nothing more to learn the heads stay."""
    examined = load_classifier(folder / CLASSIFIER_FOLDER)
    training_set = _everything(data, examined.intents)
    more = len(training_set.examples) - len(data.training_set.examples)
    if more <= 0 or training_set.intents != examined.intents:
        return 0
    encoder = OnnxEncoder(folder / ENCODER_FOLDER, threads=threads)
    cascade = load_cascade(folder / CASCADE_FOLDER, encoder.pieces)
    classifier, cascade = _taught(training_set, examined, cascade, encoder, store, steps)
    for name in HEADS:
        if (folder / name).is_dir():
            (folder / EXAMINED).mkdir(exist_ok=True)
            shutil.move(folder / name, folder / EXAMINED / name)
    save_classifier(classifier, folder / CLASSIFIER_FOLDER)
    if cascade is not None:
        save_cascade(cascade, folder / CASCADE_FOLDER)
    return more


def forget_the_rest(folder: Path) -> None:
    """Serve what was examined after all."""
    for name in HEADS:
        if (folder / EXAMINED / name).is_dir():
            shutil.rmtree(folder / name)
            shutil.move(folder / EXAMINED / name, folder / name)
    (folder / EXAMINED).rmdir()


def _everything(data: Data, intents: tuple[str, ...]) -> TrainingSet:
    """What was learned, and what was held out of the same intents; must-pass questions are learned by nobody."""
    kept = {example.id for example in data.cleaned.examples}
    held = {example.id for example in (*data.split.holdout, *data.split.set_aside)}
    together = clean([*data.cleaned.examples, *_in_order(data, held)]).examples
    # Whatever cleaning chose before it goes on choosing: a held-out text is added or not, and replaces nothing.
    added = [one for one in together if one.id in held and one.id not in kept and one.intent in intents]
    return training_set_of((*data.cleaned.examples, *added), data.snapshot.intents)


def _in_order(data: Data, held: set[int]) -> list[Example]:
    return [example for example in data.snapshot.examples if example.id in held]


def _taught(
    training_set: TrainingSet,
    examined: Classifier,
    cascade: Cascade | None,
    encoder: OnnxEncoder,
    store: Store,
    steps: Steps,
) -> tuple[Classifier, Cascade | None]:
    vectors = encode(training_set, store=store, encoder=encoder, steps=steps)
    lesson, material = prepare(training_set, vectors, encoder, steps)
    with steps.step("Learning what was held out"):
        heads = fit_heads(lesson, np.arange(len(lesson.texts)), len(training_set.intents))
    classifier = replace(examined, dense=heads.dense, lexical=heads.lexical.head(lesson))
    if cascade is None:
        return classifier, None
    student = student_of(lesson, material.table, heads.project)
    known = fingerprints((*training_set.examples, *training_set.titles))
    return classifier, replace(cascade, student=student, trained_on=known)
