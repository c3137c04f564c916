"""What a training run will do, decided before it begins: which encoder it starts from, and what that has learned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.examples import TrainingSet

LEARNED = "learned.json"
"""In an encoder's folder: the numbers of the examples that it was fine-tuned on, ever."""

MANY = 3000
"""From so many examples on a part of them is enough to calibrate with, and the encoder is fine-tuned once. With fewer
none can be spared: it is fine-tuned on all of them, and before that, for calibration alone, without one of PARTS."""

PARTS = 4
FEW = 1000
"""With fewer examples than this, two such parts are left out in turn: one alone would hold too few questions."""

CALIBRATING = 0.15
LEAST_CALIBRATING = 150
"""Questions that an encoder has not learned, below which it cannot be calibrated by them alone."""


class Effort(StrEnum):
    """How much a run may cost: heads alone, the encoder too, or a search for the best way to fine-tune it as well."""

    QUICK = "quick"
    STANDARD = "standard"
    THOROUGH = "thorough"


class Start(StrEnum):
    """The encoder that a run begins with."""

    BASE = "base"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Plan:
    """`tunes`: the encoder is fine-tuned, from `start`. `words` say so to people."""

    effort: Effort
    start: Start
    tunes: bool
    words: str


def choose_plan(effort: Effort, *, inherits: bool, examples: int, unlearned: int, calibrating: int) -> Plan:
    """`inherits`: the active version has a fine-tuned encoder of the same base; `unlearned` of the examples it has not
    been fine-tuned on, and `calibrating` of these would be left to calibration if it were tuned further."""
    if effort is Effort.QUICK and not inherits:
        return Plan(effort, Start.BASE, False, "heads only, on the encoder as it comes")
    if effort is Effort.QUICK and unlearned >= LEAST_CALIBRATING:
        return Plan(effort, Start.ACTIVE, False, "heads only, on the active version's fine-tuned encoder")
    if effort is Effort.QUICK:
        words = (
            "fine-tuned anew: the active version's encoder has learned nearly all examples, "
            "so that none are left to calibrate with"
        )
        return Plan(Effort.STANDARD, Start.BASE, True, words)
    enough = spares_some(examples) and calibrating >= LEAST_CALIBRATING
    if inherits and enough and effort is Effort.STANDARD:
        return Plan(effort, Start.ACTIVE, True, "fine-tuned further, from the active version's encoder")
    return Plan(effort, Start.BASE, True, "fine-tuned from the encoder as it comes")


def calibrating(training_set: TrainingSet, learned: Collection[int]) -> NDArray[np.int64]:
    """Rows that fine-tuning leaves to calibration: the same ones in every run, whatever else comes, for as long as no
    encoder has learned them."""
    return np.array(
        [
            row
            for row, example in enumerate(training_set.examples)
            if example.id not in learned and _chance(example.group or example.text) < CALIBRATING
        ],
        dtype=np.int64,
    )


def spares_some(examples: int) -> bool:
    """Whether fine-tuning can do without a part of so many examples."""
    return examples >= MANY


def rehearsed_parts(examples: int) -> int:
    """How many of PARTS are left out in turn, each of them a fine-tuning more."""
    return 2 if examples < FEW else 1


def learned_by(folder: Path) -> frozenset[int]:
    """The numbers of the examples that the encoder in a folder was fine-tuned on; empty for one as it came."""
    file = folder / LEARNED
    return frozenset(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else frozenset()


def write_learned(folder: Path, numbers: Collection[int]) -> None:
    (folder / LEARNED).write_text(json.dumps(sorted(numbers)), encoding="utf-8")


def numbers_of(training_set: TrainingSet, rows: Sequence[int] | NDArray[np.int64]) -> set[int]:
    return {training_set.examples[row].id for row in rows}


def _chance(key: str) -> float:
    """From 0 to 1, by the words alone."""
    return int(hashlib.sha256(f"calibrate {key}".encode("utf-8", "replace")).hexdigest()[:8], 16) / 16**8
