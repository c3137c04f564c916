"""The encoder of a candidate: as it comes, inherited, or fine-tuned; with the stages on which it can be rehearsed.

Whatever an encoder has learned it reads too well. So what weighs the channels, and the thresholds, come from questions
that it has not: a part that fine-tuning leaves out, or, where examples are few, from encoders that are fine-tuned for
this alone, each without the part that it is asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.bot import ENCODER_FOLDER
from chatbot.encoder import Encoder, OnnxEncoder, TorchEncoder, export_onnx
from chatbot.errors import ModelDamaged, NoActiveModel
from chatbot.knowledge import vectors_of
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import Vector
from training.compress import export_encoder, read_right, reuse_encoder
from training.distil import Material, prepare
from training.examples import TrainingSet, folds
from training.heads import Lesson
from training.plan import (
    PARTS,
    Effort,
    Plan,
    Start,
    calibrating,
    learned_by,
    numbers_of,
    rehearsed_parts,
    spares_some,
    write_learned,
)
from training.progress import Steps
from training.rehearsal import Stage, stages_of
from training.search import search
from training.tune import Point, Tuned, Tuning, tune_encoder

TUNED_FOLDER = "tuned"
"""In a version: the fine-tuned encoder as a sentence-transformers model, from which the next run goes on."""

ENCODE_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Prepared:
    """The encoder in the candidate's folder as it will serve, what the heads learn of it, and the stages."""

    encoder: OnnxEncoder
    lesson: Lesson
    material: Material
    stages: tuple[Stage, ...]
    about: dict[str, Any]
    curve: tuple[Point, ...] = ()

    @property
    def vectors(self) -> Vector:
        """Of the examples and then the titles."""
        return self.lesson.vectors


@dataclass(frozen=True, slots=True)
class Preparation:
    """Where an encoder is prepared: `building` is the candidate's folder, `answers` has each example's approved answer
    where one is known."""

    settings: Settings
    training_set: TrainingSet
    answers: tuple[str | None, ...]
    store: Store
    registry: Registry
    building: Path
    logs: Path
    steps: Steps
    scratch: Path
    tuning: Tuning
    search_minutes: float

    @property
    def folder(self) -> Path:
        return self.building / ENCODER_FOLDER


def prepare_encoder(preparation: Preparation, plan: Plan) -> Prepared:
    """As the plan says. Raises EncoderUnavailable."""
    if plan.effort is Effort.THOROUGH:
        preparation, trials = _searched(preparation, plan)
        prepared = prepare_encoder(preparation, replace(plan, effort=Effort.STANDARD))
        return replace(prepared, about=prepared.about | {"trials": trials})
    if not plan.tunes and plan.start is Start.BASE:
        return _as_it_comes(preparation)
    if not plan.tunes:
        return _inherited(preparation)
    if spares_some(len(preparation.training_set.examples)):
        return _tuned_once(preparation, plan)
    return _tuned_in_parts(preparation)


def inherited_examples(settings: Settings, registry: Registry) -> frozenset[int]:
    """What the active version's encoder has learned, if it began as the one of the settings; else nothing."""
    with suppress(NoActiveModel, ModelDamaged):
        folder = registry.active()
        if registry.manifest(folder.name).get("encoder") == settings.encoder and (folder / TUNED_FOLDER).is_dir():
            return learned_by(folder / ENCODER_FOLDER)
    return frozenset()


def _searched(preparation: Preparation, plan: Plan) -> tuple[Preparation, list[dict[str, Any]]]:
    """With the knobs that did best on questions that the tried encoders had not learned; and what was tried."""
    training_set = preparation.training_set
    held = calibrating(training_set, ())
    rows = np.setdiff1d(np.arange(len(training_set.examples)), held)
    chosen = [training_set.examples[row] for row in rows]
    found = search(
        _base(preparation, plan),
        [example.text for example in chosen],
        training_set.labels[rows],
        [example.group or example.text for example in chosen],
        [preparation.answers[row] for row in rows],
        tuning=preparation.tuning,
        most_minutes=preparation.search_minutes,
        steps=preparation.steps,
        judge=_judge(training_set, rows, held) if len(held) else None,
        trials_in=preparation.scratch,
    )
    return replace(preparation, tuning=found.tuning), [asdict(trial) for trial in found.trials]


def _judge(training_set: TrainingSet, learned: NDArray[np.int64], held: NDArray[np.int64]) -> Callable[[Tuned], float]:
    """How many of the held questions a head on the tried encoder's vectors reads right."""

    def judge(tuned: Tuned) -> float:
        encoder = TorchEncoder(str(tuned.folder))
        vectors = encoder.encode(training_set.texts)
        labels = training_set.labels
        return float(read_right(vectors[learned], labels[learned], vectors[held], labels[held]).mean())

    return judge


def _base(preparation: Preparation, plan: Plan) -> str:
    if plan.start is Start.ACTIVE:
        return str(preparation.registry.active() / TUNED_FOLDER)
    return preparation.settings.encoder


def _as_it_comes(preparation: Preparation) -> Prepared:
    training_set, settings, steps = preparation.training_set, preparation.settings, preparation.steps
    with steps.step("Preparing the encoder"):
        precision = None
        with suppress(NoActiveModel, ModelDamaged):
            active = preparation.registry.active() / ENCODER_FOLDER
            precision = reuse_encoder(active, preparation.folder, settings.encoder, len(training_set.examples))
        if precision is None:
            precision = export_encoder(
                TorchEncoder(settings.encoder),
                preparation.folder,
                training_set.texts,
                training_set.labels,
                threads=settings.threads,
            )
    encoder, lesson, material = _lesson(preparation)
    return Prepared(encoder, lesson, material, tuple(stages_of(training_set, lesson)), {"serving_encoder": precision})


def _inherited(preparation: Preparation) -> Prepared:
    active = preparation.registry.active()
    with preparation.steps.step("Taking over the fine-tuned encoder"):
        for name in (ENCODER_FOLDER, TUNED_FOLDER):
            shutil.copytree(active / name, preparation.building / name)
    about = preparation.registry.manifest(active.name)
    encoder, lesson, material = _lesson(preparation)
    learned = learned_by(preparation.folder)
    rows = np.arange(len(preparation.training_set.examples))
    seen = np.array([example.id in learned for example in preparation.training_set.examples], dtype=bool)
    stage = Stage(lesson, rows[seen], rows[~seen], tuned=True)
    kept = {name: about[name] for name in ("serving_encoder", "tuning") if name in about}
    return Prepared(encoder, lesson, material, (stage,), kept | {"encoder_from": active.name})


def _tuned_once(preparation: Preparation, plan: Plan) -> Prepared:
    """On all but what is left to calibration; from the active version's encoder on what is new and some of the old."""
    training_set = preparation.training_set
    further = plan.start is Start.ACTIVE
    learned = inherited_examples(preparation.settings, preparation.registry) if further else frozenset()
    held = calibrating(training_set, learned)
    fit = np.setdiff1d(np.arange(len(training_set.examples)), held)
    tuned = _tune(preparation, _base(preparation, plan), fit, preparation.building / TUNED_FOLDER, learned=learned)
    about = _serve(preparation, learned | numbers_of(training_set, fit), tuned)
    encoder, lesson, material = _lesson(preparation)
    stage = Stage(lesson, fit, held, tuned=True)
    return Prepared(encoder, lesson, material, (stage,), about, tuned.curve)


def _tuned_in_parts(preparation: Preparation) -> Prepared:
    training_set = preparation.training_set
    parts = folds(training_set, most=PARTS)[: rehearsed_parts(len(training_set.examples))]
    stages = []
    for number, (fit, held) in enumerate(parts, start=1):
        into = preparation.scratch / f"part-{number}"
        _tune(preparation, preparation.settings.encoder, fit, into, part=f" ({number} of {len(parts) + 1})")
        export_onnx(TorchEncoder(str(into)), into / "onnx")
        encoder = OnnxEncoder(into / "onnx", threads=preparation.settings.threads)
        lesson, _ = prepare(training_set, encoder.encode(_texts(training_set)), encoder, preparation.steps)
        stages.append(Stage(lesson, fit, held, tuned=True))
        shutil.rmtree(into)
    rows = np.arange(len(training_set.examples))
    last = f" ({len(parts) + 1} of {len(parts) + 1})"
    tuned = _tune(preparation, preparation.settings.encoder, rows, preparation.building / TUNED_FOLDER, part=last)
    about = _serve(preparation, numbers_of(training_set, rows), tuned)
    encoder, lesson, material = _lesson(preparation)
    return Prepared(encoder, lesson, material, tuple(stages), about, tuned.curve)


def _tune(
    preparation: Preparation,
    base: str,
    rows: NDArray[np.int64],
    folder: Path,
    *,
    part: str = "",
    learned: frozenset[int] = frozenset(),
) -> Tuned:
    """`learned` are the examples that the encoder behind `base` knows already: of these some are repeated."""
    training_set = preparation.training_set
    chosen = [training_set.examples[row] for row in rows]
    return tune_encoder(
        base,
        [example.text for example in chosen],
        training_set.labels[rows],
        [example.group or example.text for example in chosen],
        [preparation.answers[row] for row in rows],
        new=np.array([example.id not in learned for example in chosen]) if learned else None,
        folder=folder,
        logs=preparation.logs / (part.strip(" ()").replace(" ", "-") or "whole"),
        tuning=preparation.tuning,
        steps=preparation.steps,
    )


def _serve(preparation: Preparation, learned: frozenset[int] | set[int], tuned: Tuned) -> dict[str, Any]:
    """Write the fine-tuned encoder as serving loads it; what the manifest says of it."""
    with preparation.steps.step("Preparing the encoder"):
        precision = _export(preparation, TorchEncoder(str(tuned.folder)))
        write_learned(preparation.folder, learned)
    return {"serving_encoder": precision, "tuning": tuned.about}


def _export(preparation: Preparation, encoder: TorchEncoder) -> dict[str, Any]:
    """As serving loads it; tells its precision and what that was measured to cost."""
    training_set, threads = preparation.training_set, preparation.settings.threads
    return export_encoder(encoder, preparation.folder, training_set.texts, training_set.labels, threads=threads)


def _lesson(preparation: Preparation) -> tuple[OnnxEncoder, Lesson, Material]:
    encoder = OnnxEncoder(preparation.folder, threads=preparation.settings.threads)
    vectors = encode(preparation.training_set, store=preparation.store, encoder=encoder, steps=preparation.steps)
    lesson, material = prepare(preparation.training_set, vectors, encoder, preparation.steps)
    return encoder, lesson, material


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


def _texts(training_set: TrainingSet) -> list[str]:
    return [example.text for example in (*training_set.examples, *training_set.titles)]
