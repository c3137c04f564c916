"""One fine-tuning run: texts and labels in, a sentence-transformers model in a folder out."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chatbot.encoder import TorchEncoder
from chatbot.errors import SettingsError, TrainingRefused
from training.augment import REWRITES, Rewrite
from training.progress import Steps
from training.tune.batches import Epochs
from training.tune.machine import processes, torch_as_asked, wait_for_the_first
from training.tune.plan import Point, Rows, Tuned, Tuning, hold_out

if TYPE_CHECKING:
    from training.tune.parts.trainer import Course, Trainer
    from training.tune.parts.watch import Watch

MOST_EPOCHS = 60


@dataclass(frozen=True, slots=True)
class Lessons:
    """Texts to learn from, one row each."""

    texts: Sequence[str]
    labels: Rows
    groups: Sequence[str]
    answers: Sequence[str | None]
    new: NDArray[np.bool_] | None
    rewrites: Sequence[Rewrite]


def tune_encoder(
    base: str,
    texts: Sequence[str],
    labels: Rows,
    groups: Sequence[str],
    answers: Sequence[str | None],
    *,
    folder: Path,
    logs: Path,
    tuning: Tuning,
    steps: Steps,
    new: NDArray[np.bool_] | None = None,
    rewrites: Mapping[str, Rewrite] | None = None,
    on_point: Callable[[Point], None] | None = None,
) -> Tuned:
    """Fine-tune `base` for intents and retrieval at once and write it into `folder`.

    `new` says which rows the model behind `base` has not learned yet: an epoch then holds these and `tuning.replay` of
    the others. `rewrites` are further changes of texts that `tuning.augment` may name. An error that `on_point` raises
    ends the run, and nothing is written. Raises TrainingRefused, SettingsError or EncoderUnavailable.
    """
    lessons = Lessons(texts, labels, groups, answers, new, _chosen(tuning, rewrites or {}))
    _check(lessons, tuning)
    with torch_as_asked(tuning):
        return _tune(base, lessons, folder, logs, tuning, steps, on_point)


def _tune(
    base: str,
    lessons: Lessons,
    folder: Path,
    logs: Path,
    tuning: Tuning,
    steps: Steps,
    on_point: Callable[[Point], None] | None,
) -> Tuned:
    from transformers import set_seed

    from training.tune.parts.adversary import Adversary
    from training.tune.parts.shape import blend, copy, save
    from training.tune.parts.trainer import build_trainer
    from training.tune.parts.watch import Clock, Watch

    clock, started = Clock(tuning.most_minutes * 60), time.monotonic()
    set_seed(tuning.seed)
    learn, held = hold_out(lessons.labels, lessons.groups)
    encoder = TorchEncoder(base)
    model, tokens = encoder.model, encoder.model.max_seq_length
    model.max_seq_length = min(tokens, tuning.most_tokens)
    course = _course(encoder, lessons, learn, held, tuning)
    kept = copy(model) if tuning.blend < 1 else {}
    words = model[0].model.get_input_embeddings()
    adversary = Adversary(words, tuning.adversarial) if tuning.adversarial else None
    with tempfile.TemporaryDirectory(prefix=".tune-") as scratch, steps.step("Fine-tuning", course.steps) as advance:
        watch = Watch(clock, advance, tuning.patience, on_point)
        trainer = build_trainer(
            model, course, adversary=adversary, watch=watch, tuning=tuning, scratch=Path(scratch), logs=logs
        )
        trainer.train()
    watch.restore(model)
    if adversary is not None:
        adversary.remove()
    blend(model, kept, tuning.blend)
    if trainer.is_world_process_zero():
        save(model, tokens, folder, tuning)
    wait_for_the_first()
    about = {"examples": len(learn), "held_out": len(held), "seconds": time.monotonic() - started}
    return Tuned(folder, tuple(watch.curve), about | _about(tuning, watch, trainer, course), tuple(held.tolist()))


def _course(encoder: TorchEncoder, lessons: Lessons, learn: Rows, held: Rows, tuning: Tuning) -> Course:
    """Gives the encoder its head, too."""
    from training.tune.parts.losses import IntentHead, JointLoss
    from training.tune.parts.shape import HEAD, directions, prepare
    from training.tune.parts.trainer import Course
    from training.tune.parts.watch import Slice

    model, labels = encoder.model, lessons.labels[learn]
    texts = [lessons.texts[row] for row in learn]
    head = IntentHead(directions(encoder, texts, labels, int(lessons.labels.max()) + 1), tuning.scale)
    layers = prepare(model, tuning)
    model.add_module(HEAD, head)
    answers = [lessons.answers[row] for row in learn]
    known = sorted({answer for answer in answers if answer is not None})
    epochs = Epochs(
        labels,
        _lengths(model, texts),
        batch=tuning.batch,
        balance=tuning.balance,
        seed=tuning.seed,
        old=None if lessons.new is None else ~lessons.new[learn],
        replay=tuning.replay,
        processes=processes(),
    )
    # A model that goes on has had its steps.
    least = math.ceil(tuning.least_steps / epochs.batches) if lessons.new is None else 1
    return Course(
        rows=_rows(texts, labels, answers, known),
        loss=JointLoss(model, known, tuning),
        measured=Slice(head, [lessons.texts[row] for row in held], lessons.labels[held]) if len(held) else None,
        epochs=epochs,
        passes=min(max(tuning.epochs, least), MOST_EPOCHS),
        layers=layers,
        rewrites=lessons.rewrites,
    )


def _check(lessons: Lessons, tuning: Tuning) -> None:
    sizes = [len(each) for each in (lessons.texts, lessons.labels, lessons.groups, lessons.answers)]
    if len(set(sizes)) > 1:
        raise ValueError("{} texts, {} labels, {} groups, {} answers".format(*sizes))
    if len(np.unique(lessons.labels)) < 2:
        raise TrainingRefused("fine-tuning needs examples of two intents at least; add another intent, or train quick")
    if tuning.lora_rank and find_spec("peft") is None:
        raise SettingsError('LoRA needs the package peft; run pip install "service-chatbot[lora]"')
    for name in tuning.report_to:
        if find_spec(name) is None:
            raise SettingsError(f'"{name}" is not installed; install it, or leave it out of report_to')


def _lengths(model: Any, texts: Sequence[str]) -> Rows:
    ids = model.tokenizer(list(texts), truncation=True, max_length=model.max_seq_length)["input_ids"]
    return np.array([len(each) for each in ids], dtype=np.int64)


def _rows(texts: Sequence[str], labels: Rows, answers: Sequence[str | None], known: Sequence[str]) -> Any:
    from datasets import Dataset

    from training.tune.parts.losses import NO_ANSWER

    number = {answer: place for place, answer in enumerate(known)}
    numbers = [NO_ANSWER if answer is None else number[answer] for answer in answers]
    pairs = [[int(label), answer] for label, answer in zip(labels, numbers, strict=True)]
    return Dataset.from_dict({"text": list(texts), "label": pairs})


def _chosen(tuning: Tuning, more: Mapping[str, Rewrite]) -> list[Rewrite]:
    known = {**REWRITES, **more}
    unknown = sorted(set(tuning.augment) - set(known))
    if unknown:
        raise SettingsError(f'no augmentation is called "{unknown[0]}"; there are {", ".join(sorted(known))}')
    return [known[name] for name in tuning.augment]


def _about(tuning: Tuning, watch: Watch, trainer: Trainer, course: Course) -> dict[str, Any]:
    return {
        "accuracy": watch.best,
        "epochs": course.passes,
        "steps": int(trainer.state.global_step),
        "planned_steps": course.steps,
        "stopped": watch.stopped,
        "bf16": bool(trainer.args.bf16),
        "device": str(trainer.args.device),
        "processes": int(trainer.args.world_size),
        "lora_rank": tuning.lora_rank,
    }
