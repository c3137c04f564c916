"""The best way to fine-tune on these examples, looked for within a time: effort `thorough`.

Optuna proposes, from a fixed seed; the first trial is what is given, so that the best found is never worse than it on
the early-stopping slice. A trial that is worse after an epoch than the median of the others there is given up.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.progress import SILENT, Steps
from training.tune import Point, Tuned, Tuning, hold_out, tune_encoder
from training.tune.plan import Rows

if TYPE_CHECKING:
    import optuna

Judge = Callable[[Tuned], float]
"""How good a tuned encoder is; more is better. Without one the accuracy on the early-stopping slice counts: that of
the encoder's own head before blending, which on BANKING77 said little about the three channels' (docs/tuning.md)."""

SPACE: Mapping[str, tuple[Any, ...]] = {
    "learning_rate": (2e-5, 3e-4),
    "contrastive": (0.0, 1.0),
    "label_smoothing": (0.0, 0.2),
    "layer_decay": (0.75, 1.0),
    "batch": (16, 32, 64),
    "frozen": (1, 2, 3),
}
"""Two numbers: everything between them, learning rates by their logarithm; more: one of these."""

FEW_TRIALS = 4
"""Trials before one can be given up: a median needs company."""

LEAST_MINUTES = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    number: int
    accuracy: float | None
    """None where it was given up or failed to be measured."""

    outcome: str
    seconds: float
    changed: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """`trials` in their order, for the report."""

    tuning: Tuning
    trials: tuple[Trial, ...]


def search(
    base: str,
    texts: Sequence[str],
    labels: Rows,
    groups: Sequence[str],
    answers: Sequence[str | None],
    *,
    tuning: Tuning,
    most_minutes: float,
    steps: Steps,
    most_trials: int = 20,
    judge: Judge | None = None,
    space: Mapping[str, tuple[Any, ...]] | None = None,
    trials_in: Path | None = None,
) -> Found:
    """Try other settings than those of `tuning` until the time is over or `most_trials` are done.

    Where no early-stopping slice can be held out and there is no `judge`, nothing can be compared: `tuning` comes back.
    `trials_in` is where trials write while they run; nothing is left there.
    """
    if judge is None and not len(hold_out(labels, groups)[1]):
        return Found(tuning, ())
    import optuna

    ends = time.monotonic() + most_minutes * 60
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with steps.step("Searching for settings", total=most_trials) as advance:
            study = optuna.create_study(
                direction="maximize",
                sampler=optuna.samplers.TPESampler(seed=tuning.seed),
                pruner=optuna.pruners.MedianPruner(n_startup_trials=FEW_TRIALS, n_warmup_steps=1),
            )
            # What is given and not among the choices is somebody's own choice, and stands.
            given = space or SPACE
            looked_at = {name: choices for name, choices in given.items() if _covers(choices, getattr(tuning, name))}
            study.enqueue_trial({name: getattr(tuning, name) for name in looked_at})

            def attempt(trial: optuna.Trial) -> float:
                proposed = replace(tuning, **{name: _propose(trial, name, looked_at[name]) for name in looked_at})
                left = max((ends - time.monotonic()) / 60, LEAST_MINUTES)
                limited = replace(proposed, most_minutes=min(proposed.most_minutes, left), report_to=())
                with tempfile.TemporaryDirectory(prefix=".trial-", dir=trials_in) as folder:
                    tuned = tune_encoder(
                        base,
                        texts,
                        labels,
                        groups,
                        answers,
                        folder=Path(folder) / "model",
                        logs=Path(folder) / "logs",
                        tuning=limited,
                        steps=SILENT,
                        on_point=_pruning(trial),
                    )
                    return float(tuned.about["accuracy"]) if judge is None else judge(tuned)

            study.optimize(
                attempt,
                n_trials=most_trials,
                timeout=most_minutes * 60,
                callbacks=[lambda *_: advance()],
                gc_after_trial=True,
            )
    finally:
        optuna.logging.set_verbosity(before)
    return Found(_best(study, tuning), tuple(_told(trial) for trial in study.trials))


def _is_range(choices: tuple[Any, ...]) -> bool:
    return len(choices) == 2 and isinstance(choices[0], float)


def _covers(choices: tuple[Any, ...], value: Any) -> bool:
    return choices[0] <= value <= choices[1] if _is_range(choices) else value in choices


def _propose(trial: optuna.Trial, name: str, choices: tuple[Any, ...]) -> Any:
    if not _is_range(choices):
        return trial.suggest_categorical(name, choices)
    return trial.suggest_float(name, *choices, log=name.endswith("rate"))


def _pruning(trial: optuna.Trial) -> Callable[[Point], None]:
    import optuna

    def told(point: Point) -> None:
        if point.validation is None:
            return
        trial.report(point.validation, round(point.epoch))
        if trial.should_prune():
            raise optuna.TrialPruned

    return told


def _best(study: optuna.Study, tuning: Tuning) -> Tuning:
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    if not done:
        return tuning
    # Of equals the first, which is what was given if it is among them.
    best = max(done, key=lambda trial: (trial.value or 0.0, -trial.number))
    return replace(tuning, **best.params)


def _told(trial: optuna.trial.FrozenTrial) -> Trial:
    outcome = {"COMPLETE": "finished", "PRUNED": "given up"}.get(trial.state.name, "failed")
    seconds = trial.duration.total_seconds() if trial.duration else 0.0
    accuracy = trial.value if outcome == "finished" else None
    return Trial(trial.number, accuracy, outcome, seconds, dict(trial.params))
