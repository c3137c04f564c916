"""What looks on: the accuracy on the early-stopping slice, the clock, the curve, and when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed as together
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.util.distributed import get_world_size
from torch.nn import functional
from transformers import TrainerCallback

from training.progress import Advance
from training.tune.parts.losses import IntentHead
from training.tune.parts.shape import trainable
from training.tune.plan import Point, Rows


class Slice(BaseEvaluator):  # type: ignore[misc]
    """Accuracy on the early-stopping slice: is the nearest direction that of the intent?"""

    def __init__(self, head: IntentHead, texts: Sequence[str], labels: Rows) -> None:
        super().__init__()
        self._head, self._texts, self._labels = head, list(texts), labels

    def __call__(self, model: Any, *_: Any, **__: Any) -> dict[str, float]:
        vectors = model.encode(self._texts, normalize_embeddings=True, show_progress_bar=False, batch_size=64)
        directions = functional.normalize(self._head.weight.detach(), dim=-1).cpu().numpy()
        return {"accuracy": float(((vectors @ directions.T).argmax(axis=1) == self._labels).mean())}


class Clock:
    """Seconds since the start, the same for all processes, of which the first one's count."""

    def __init__(self, most_seconds: float) -> None:
        self.started, self.most_seconds, self.share = time.monotonic(), most_seconds, 0.0

    def tick(self) -> None:
        share = torch.tensor((time.monotonic() - self.started) / self.most_seconds)
        if get_world_size() > 1:
            device = "cuda" if together.get_backend() == "nccl" else "cpu"
            share = share.to(device)
            together.broadcast(share, 0)
        self.share = float(share)

    @property
    def is_over(self) -> bool:
        return self.share >= 1.0


class Watch(TrainerCallback):  # type: ignore[misc]
    """Progress, the curve, the best weights so far, and when to stop."""

    def __init__(
        self, clock: Clock, advance: Advance, patience: int, told: Callable[[Point], None] | None = None
    ) -> None:
        self.curve: list[Point] = []
        self.best: float | None = None
        self.stopped = ""
        self._weights: dict[str, Any] = {}
        self.clock, self._advance, self._patience, self._told = clock, advance, patience, told
        self._since_best, self._loss = 0, float("nan")

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - the library's form
        self._advance(1)
        self.clock.tick()
        if self.clock.is_over:
            self.stopped, control.should_training_stop = "time", True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:  # noqa: ARG002
        if "loss" in logs:
            self._loss = logs["loss"]
            self._add(Point(state.global_step, float(state.epoch), self._loss, None))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any, model: Any, **_: Any) -> None:  # noqa: ARG002
        accuracy = float(metrics["eval_accuracy"])
        if self.curve and self.curve[-1].step == state.global_step:
            self.curve.pop()
        self._add(Point(state.global_step, float(state.epoch), self._loss, accuracy))
        if self.best is None or accuracy >= self.best:  # of equals the later one: it has learned for longer
            self.best, self._since_best = accuracy, 0
            self._weights = {name: value.detach().clone() for name, value in trainable(model)}
            return
        self._since_best += 1
        if self._since_best >= self._patience:
            self.stopped, control.should_training_stop = "no better", True

    def restore(self, model: Any) -> None:
        """The best weights; what stands there now where nothing was measured."""
        with torch.no_grad():
            for name, value in trainable(model):
                if name in self._weights:
                    value.copy_(self._weights[name])

    def _add(self, point: Point) -> None:
        self.curve.append(point)
        if self._told is not None:
            self._told(point)
