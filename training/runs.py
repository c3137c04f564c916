"""The words of a training run: how it is meant, what it has to work with, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.decide import Policy
from chatbot.importers.records import Question
from chatbot.store.knowledge import Snapshot
from chatbot.store.lineage import Used
from training.calibrate import Automation
from training.candidate import Candidate
from training.cleaning import Cleaned
from training.examination import Examination
from training.examples import TrainingSet
from training.gate.verdict import Verdict
from training.plan import Effort
from training.splitting import Split
from training.tune import Tuning


@dataclass(frozen=True, slots=True)
class Data:
    """What a run has to work with. `hash` names it (training/examples.py); `used` says the same by number."""

    snapshot: Snapshot
    split: Split
    cleaned: Cleaned
    training_set: TrainingSet
    hash: str
    used: tuple[Used, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version, what was measured of it, and whether it went live. `page` is what people read of it."""

    version: str
    promoted: bool
    verdict: Verdict
    candidate: Candidate
    examined: Examination
    data: Data
    page: Path | None = None

    @property
    def metrics(self) -> Mapping[str, Any]:
        return self.candidate.measured.metrics

    @property
    def policy(self) -> Policy:
        return self.candidate.policy

    @property
    def confused(self) -> list[tuple[str, str, int]]:
        return self.candidate.measured.confused

    @property
    def automation(self) -> list[Automation]:
        return self.candidate.measured.automation

    @property
    def passages(self) -> str:
        return self.candidate.passages


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a run is meant. `unproven`: a person asks for it, and takes a version that too few questions can judge.
    `promote` False leaves a version that may go live to a lead. `must_pass` are asked beside those of the desk."""

    effort: Effort = Effort.QUICK
    promote: bool = True
    unproven: bool = True
    by: str = "train"
    tuning: Tuning | None = None
    search_minutes: float = 60.0
    must_pass: Sequence[Question] = ()
