"""Pictures of a training run, how honest the probabilities are and what each error budget would automate; and of an
evaluation, what was taken for what and what answering more would cost."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chatbot.types import OUT_OF_SCOPE
from training.calibrate import Automation
from training.evaluate import Prediction
from training.metrics import BINS
from training.witness import HeldOut

GREEN, ORANGE, GREY = "#1f6f5c", "#c2410c", "#9aa5a1"
FOLDER = "report"
MOST_IN_PICTURE = 40
CHINESE_FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei")


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


def draw_pictures(predictions: Sequence[Prediction], folder: Path) -> list[Path]:
    """`confusion.png` and `risk_coverage.png` in `folder`; none where there is nothing to draw."""
    import matplotlib

    if not predictions:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"font.family": _families()}), warnings.catch_warnings():
        # Without a font for it a name is drawn as boxes; the picture is still worth having.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        return [
            _draw_confusion(predictions, folder / "confusion.png"),
            _draw_risk(predictions, folder / "risk_coverage.png"),
        ]


def _families() -> list[str]:
    """Matplotlib's own font, then those of Chinese that this machine has."""
    from matplotlib.font_manager import fontManager

    return ["DejaVu Sans", *(name for name in CHINESE_FONTS if name in fontManager.get_font_names())]


def _draw_confusion(predictions: Sequence[Prediction], file: Path) -> Path:
    """Rows are what customers wanted, columns what was read. Of many intents those with mistakes are drawn."""
    from matplotlib.figure import Figure

    pairs = [(entry.intent, entry.predicted or OUT_OF_SCOPE) for entry in predictions]
    mistaken = {name for pair in pairs if pair[0] != pair[1] for name in pair}
    everyone = {name for pair in pairs for name in pair}
    names = sorted(everyone if len(everyone) <= MOST_IN_PICTURE or not mistaken else mistaken)
    if len(names) > MOST_IN_PICTURE:
        worst = sorted(names, key=lambda name: -sum(name in pair and pair[0] != pair[1] for pair in pairs))
        names = sorted(worst[:MOST_IN_PICTURE])
    place = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)))
    for expected, given in pairs:
        if expected in place and given in place:
            counts[place[expected], place[given]] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = max(5.0, 0.28 * len(names) + 2.5)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7, parse_math=False)
    axes.set_yticks(range(len(names)), names, fontsize=7, parse_math=False)
    axes.set_xlabel("read as")
    axes.set_ylabel("wanted")
    axes.set_title("Share of each intent's questions")
    figure.colorbar(image, ax=axes, shrink=0.6)
    figure.savefig(file, dpi=130)
    return file


def _draw_risk(predictions: Sequence[Prediction], file: Path) -> Path:
    """Share wrong among the answered, as ever less sure messages are answered too."""
    from matplotlib.figure import Figure

    ranked = sorted(predictions, key=lambda entry: -entry.in_scope_probability)
    wrong = np.cumsum([not (entry.in_scope and entry.predicted == entry.intent) for entry in ranked])
    answered = np.arange(1, len(ranked) + 1)
    now = [entry for entry in predictions if entry.action == "answer" or entry.reason == "no_template"]
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(100 * answered / len(ranked), 100 * wrong / answered, color=GREEN)
    if now:
        risk = sum(not entry.right for entry in now) / len(now)
        axes.plot([100 * len(now) / len(ranked)], [100 * risk], "o", color=ORANGE, label="the active thresholds")
        axes.legend()
    axes.set_xlabel("answered without a person, % of all messages")
    axes.set_ylabel("wrong, % of the answered")
    axes.set_title("What answering more would cost")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.savefig(file, dpi=130)
    return file
