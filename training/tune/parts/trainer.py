"""The library's loop, with our batches, our schedule and, where asked for, an adversary."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.training_args import SentenceTransformerTrainingArguments
from torch.utils.tensorboard import SummaryWriter
from transformers.integrations import TensorBoardCallback
from transformers.trainer_callback import PrinterCallback

from training.augment import Rewrite
from training.tune.batches import Epochs
from training.tune.machine import device, gains_from_bf16, processes
from training.tune.parts.adversary import Adversary
from training.tune.parts.shape import parameter_groups
from training.tune.parts.watch import Watch
from training.tune.plan import Tuning

LEAST_LOGS = 20


@dataclass(frozen=True, slots=True)
class Course:
    """What a trainer is given beside the model."""

    rows: Any
    loss: Any
    measured: Any
    """The early-stopping slice, or None."""

    epochs: Epochs
    passes: int
    layers: int
    rewrites: Sequence[Rewrite]

    @property
    def steps(self) -> int:
        return self.passes * self.epochs.batches


def build_trainer(
    model: Any, course: Course, *, adversary: Adversary | None, watch: Watch, tuning: Tuning, scratch: Path, logs: Path
) -> Trainer:
    arguments = _arguments(course, tuning, scratch)
    model.to(arguments.device)
    optimizer = torch.optim.AdamW(parameter_groups(model, tuning, course.layers))

    def rate(step: int) -> float:
        """Up, then down to nothing at the end of the last epoch or of the time, whichever comes first."""
        done = max(step / course.steps, watch.clock.share)
        return min((step + 1) / max(tuning.warmup * course.steps, 1), max(1 - done, 0.0) / (1 - tuning.warmup), 1.0)

    trainer = Trainer(
        epochs=course.epochs,
        adversary=adversary,
        model=model,
        args=arguments,
        train_dataset=course.rows,
        loss=course.loss,
        evaluator=course.measured,
        data_collator=SentenceTransformerDataCollator(_preprocess(model, course.rewrites, tuning)),
        callbacks=[watch],
        optimizers=(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)),
    )
    trainer.remove_callback(PrinterCallback)
    if "tensorboard" in tuning.report_to and trainer.is_world_process_zero():
        trainer.add_callback(TensorBoardCallback(SummaryWriter(log_dir=str(logs))))
    return trainer


def _arguments(course: Course, tuning: Tuning, scratch: Path) -> Any:
    on_cpu = device() == "cpu"
    return SentenceTransformerTrainingArguments(
        output_dir=str(scratch),
        num_train_epochs=course.passes,
        per_device_train_batch_size=max(course.epochs.batch // processes(), 1),
        max_grad_norm=tuning.most_norm,
        seed=tuning.seed,
        bf16=gains_from_bf16(),
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and processes() > 1 else None,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=not on_cpu,
        eval_strategy="no" if course.measured is None else "epoch",
        save_strategy="no",
        logging_steps=max(course.steps // LEAST_LOGS, 1),
        report_to=[name for name in tuning.report_to if name != "tensorboard"] or "none",
        disable_tqdm=True,
    )


def _preprocess(model: Any, rewrites: Sequence[Rewrite], tuning: Tuning) -> Callable[..., Any]:
    """Tokens of a batch's texts, some of them rewritten, each time in another way."""
    if not rewrites:
        return model.preprocess  # type: ignore[no-any-return]
    chance = random.Random(tuning.seed)

    def preprocess(texts: Sequence[str], **more: Any) -> Any:
        changed = [
            chance.choice(rewrites)(text, chance) if chance.random() < tuning.augment_share else text for text in texts
        ]
        return model.preprocess(changed, **more)

    return preprocess


class Trainer(SentenceTransformerTrainer):  # type: ignore[misc]
    """The library's loop with our batches and, where asked for, a second step on perturbed word vectors."""

    def __init__(self, *, epochs: Epochs, adversary: Adversary | None, **arguments: Any) -> None:
        self._epochs, self._adversary = epochs, adversary
        super().__init__(**arguments)

    def get_batch_sampler(self, dataset: Any, batch_size: int, drop_last: bool, **_: Any) -> Any:
        return _Sampler(self._epochs, dataset, batch_size, drop_last)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """None: a version has a model card of its own."""

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Any:
        if self._adversary is None:
            return super().training_step(model, inputs, num_items_in_batch)
        with self._adversary.listening():
            loss = super().training_step(model, dict(inputs), num_items_in_batch)
        with self._adversary.speaking():
            super().training_step(model, dict(inputs), num_items_in_batch)
        return loss


class _Sampler(torch.utils.data.BatchSampler):  # type: ignore[misc]
    """In the form that the loader wants."""

    def __init__(self, epochs: Epochs, dataset: Any, batch_size: int, drop_last: bool) -> None:
        super().__init__(dataset, batch_size, drop_last)
        self._epochs = epochs

    def __iter__(self) -> Any:
        return iter(self._epochs)

    def __len__(self) -> int:
        return len(self._epochs)
