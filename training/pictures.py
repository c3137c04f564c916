"""What a training run looks like: how honest the probabilities are, and what each error budget would automate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.calibrate import Automation
from training.metrics import BINS
from training.witness import HeldOut

GREEN, ORANGE, GREY = "#1f6f5c", "#c2410c", "#9aa5a1"
FOLDER = "report"


def draw_training(held_out: HeldOut, automation: Sequence[Automation], budget: float, folder: Path) -> list[Path]:
    """`reliability.png` and `automation.png` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _draw_reliability(held_out, folder / "reliability.png"),
        _draw_automation(automation, budget, folder / "automation.png"),
    ]


def _draw_reliability(held_out: HeldOut, file: Path) -> Path:
    """Of the messages that were called so sure, how many were right: on the diagonal the probabilities are honest."""
    from matplotlib.figure import Figure

    place = np.minimum((held_out.certainty * BINS).astype(int), BINS - 1)
    filled = [number for number in range(BINS) if (place == number).any()]
    said = [float(held_out.certainty[place == number].mean()) for number in filled]
    right = [float(held_out.right[place == number].mean()) for number in filled]
    sizes = [float((place == number).mean()) for number in filled]
    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    axes.scatter(said, right, s=[30 + 900 * size for size in sizes], color=GREEN, alpha=0.75)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("how sure the bot was")
    axes.set_ylabel("share that was right")
    axes.set_title("Held-out questions: a larger dot is more of them")
    axes.grid(alpha=0.3)
    figure.savefig(file, dpi=130)
    return file


def _draw_automation(automation: Sequence[Automation], budget: float, file: Path) -> Path:
    """A bar for each error budget: what the bot would answer by itself, and what is left to people."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(automation))
    for place, entry in enumerate(automation):
        colour = ORANGE if entry.budget == budget else GREEN
        axes.bar(place, 100 * entry.answered, color=colour if entry.proven else GREY, width=0.65)
        words = f"{entry.answered:.0%}\n{entry.wrong:.1%} wrong" if entry.proven else "too little data\nto promise it"
        axes.text(place, 100 * entry.answered + 2, words, ha="center", fontsize=9)
    axes.set_xticks(places, [f"{entry.budget:.0%}" for entry in automation])
    axes.set_ylim(0, 118)
    axes.set_yticks(range(0, 101, 20))
    axes.set_xlabel("at most so many of the answers may be wrong (orange: chosen)")
    axes.set_ylabel("answered without a person, % of messages")
    axes.set_title("What each error budget would automate")
    figure.savefig(file, dpi=130)
    return file
