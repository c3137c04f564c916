"""What fine-tuning is told and what it tells: no torch here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

FEW = 16
"""Examples of an intent that are never held out: with so few, each counts more in training than in a measurement."""

HELD_SHARE = 0.05
MOST_HELD = 400
LEAST_HELD = 60
"""With fewer held-out questions an accuracy moves in steps of more than a point: early stopping would be a lottery."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Every knob of fine-tuning. What is known of the defaults stands in docs/tuning.md (benchmarks/tuning.py)."""

    epochs: int = 3
    least_steps: int = 120
    """Few examples are read more often, until so many batches are done; not where a tuned model goes on."""

    batch: int = 32
    learning_rate: float = 5e-5
    layer_decay: float = 0.9
    """Each layer below learns this much more slowly than the one above it."""

    head_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    most_norm: float = 1.0
    label_smoothing: float = 0.1
    scale: float = 20.0
    """Of the cosines between a sentence and the intents' directions, before the softmax."""

    contrastive: float = 0.5
    """Weight of the supervised contrastive loss beside the cross-entropy."""

    temperature: float = 0.1
    answers: float = 0.1
    """Weight of the loss that draws questions to their approved answers, where these are known."""

    answers_a_batch: int = 16
    balance: float = 0.5
    """0: an epoch holds the intents as they are; 1: all equally often."""

    frozen: int = 1
    """So many parts from below stay as they are: 1 is the table of word pieces, 2 the first layer too, ..."""

    blend: float = 0.5
    """Share of the tuned weights in what is saved; the rest are those that tuning began with."""

    dropout: float | None = None
    """None: as the encoder was trained."""

    patience: int = 2
    most_minutes: float = 30.0
    most_tokens: int = 64
    augment: tuple[str, ...] = ()
    augment_share: float = 0.3
    adversarial: float = 0.0
    """Length of the perturbation of the word vectors, as a share of theirs; 0: none. It doubles the time."""

    lora_rank: int = 0
    replay: float = 0.15
    """Share of the old examples in each epoch, where the caller says which are new."""

    seed: int = 0
    threads: int = 0
    """0: as many as torch finds."""

    report_to: tuple[str, ...] = ("tensorboard",)


@dataclass(frozen=True, slots=True)
class Point:
    """`loss` is the mean since the last point, `validation` the accuracy on the early-stopping slice where measured."""

    step: int
    epoch: float
    loss: float
    validation: float | None


@dataclass(frozen=True, slots=True)
class Tuned:
    """A sentence-transformers model in `folder`. `held_out` are the rows that it has not seen: thresholds may be chosen
    on these, while on the others it looks better than it is."""

    folder: Path
    curve: tuple[Point, ...]
    about: dict[str, Any]
    held_out: tuple[int, ...] = ()


def hold_out(labels: Rows, groups: Sequence[str]) -> tuple[Rows, Rows]:
    """Rows to learn from and rows to stop by; none of the latter where there are too few.

    A group stays on one side, and mostly on the same side in the next run: its place in the line follows from its name.
    An intent keeps FEW examples, and all but a small share of the others.
    """
    left = np.bincount(labels)
    spare = np.minimum(np.maximum(left - FEW, 0), np.ceil(left * HELD_SHARE)).astype(np.int64)
    members: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    held: list[int] = []
    for group in sorted(members, key=_place):
        wanted = np.bincount(labels[members[group]], minlength=len(left))
        if (wanted <= spare).all() and len(held) + len(members[group]) <= MOST_HELD:
            spare -= wanted
            held += members[group]
    if len(held) < LEAST_HELD:
        held = []
    inside = np.zeros(len(labels), dtype=bool)
    inside[held] = True
    return np.flatnonzero(~inside), np.flatnonzero(inside)


def _place(group: str) -> bytes:
    return hashlib.sha256(group.encode()).digest()
