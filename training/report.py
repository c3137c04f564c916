"""What people read of a training run or an evaluation: lines for a terminal, and pictures."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.types import OUT_OF_SCOPE
from training.calibrate import Automation
from training.evaluate import Evaluation, Prediction
from training.retrain import Trained

MOST_IN_PICTURE = 40
CHINESE_FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei")


def training_lines(trained: Trained) -> list[str]:
    metrics = trained.metrics
    lines = [
        "",
        f"On held-out examples ({metrics['examples']:,} of {metrics['intents']} intents, each judged by parts that "
        "never saw it):",
        f"  accuracy {metrics['accuracy']:.1%}   macro F1 {metrics['macro_f1']:.1%}   "
        f"calibration error {metrics['ece']:.3f}",
        f"  answered {metrics['answered']:.1%}, of which wrong {metrics['wrong_of_answered']:.2%}; "
        "the rest is clarified or handed to a person",
        *_stranger_lines(metrics),
        f"  {trained.policy.promise}",
        f"  {trained.passages}",
        "",
        *_automation_lines(trained.automation),
    ]
    return [*lines, *_confused_lines(trained.confused), ""]


def _stranger_lines(metrics: Mapping[str, Any]) -> list[str]:
    if metrics["unknown_auroc"] is None:
        return ["  (too few intents to rehearse questions that no intent covers)"]
    return [
        f"  told from {metrics['strangers']:,} questions of left-out intents with an AUROC of "
        f"{metrics['unknown_auroc']:.3f}; {metrics['answered_without_encoder']:.0%} answered without the encoder"
    ]


def _automation_lines(automation: Sequence[Automation]) -> list[str]:
    lines = ["  at most wrong    answered by itself    wrong of these"]
    for entry in automation:
        note = "" if entry.proven else "   too little data to promise it"
        lines.append(f"  {entry.budget:13.0%} {entry.answered:21.1%} {entry.wrong:17.2%}{note}")
    return lines


def evaluation_lines(result: Evaluation, confused: Sequence[tuple[str, str, int]], lacking: Sequence[str]) -> list[str]:
    auroc = "-" if result.oos_auroc is None else f"{result.oos_auroc:.3f}"
    lines = [
        f"{result.n:,} questions: {result.n_in_scope:,} in scope, {result.n_out_of_scope:,} out of scope",
        "",
        f"intent accuracy       {result.intent_accuracy:7.2%}",
        f"macro F1              {result.macro_f1:7.2%}",
        f"answered              {result.answered:7.2%}   right {result.answered_right:.2%}",
        f"clarified             {result.clarified:7.2%}   right {result.clarified_right:.2%}",
        f"handed off            {result.handed_off:7.2%}",
        f"wrong of answered     {result.wrong_of_answered:7.2%}",
        f"out of scope answered {result.oos_answered:7.2%}",
        f"out of scope AUROC    {auroc:>7}",
        f"calibration error     {result.ece:7.3f}",
        f"time for one message  {result.p50_ms:5.1f} ms median, {result.p99_ms:.1f} ms at the 99th percentile",
    ]
    if lacking:
        lines.append(f"{len(lacking)} intents have no approved template yet: {', '.join(lacking[:5])}")
    return [*lines, *_confused_lines(confused)]


def _confused_lines(confused: Sequence[tuple[str, str, int]]) -> list[str]:
    if not confused:
        return []
    return ["  most confused:", *(f"    {count:4}  {expected} read as {given}" for expected, given, count in confused)]


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
    axes.plot(100 * answered / len(ranked), 100 * wrong / answered, color="#1f6f5c")
    if now:
        risk = sum(not entry.right for entry in now) / len(now)
        axes.plot([100 * len(now) / len(ranked)], [100 * risk], "o", color="#c2410c", label="the active thresholds")
        axes.legend()
    axes.set_xlabel("answered without a person, % of all messages")
    axes.set_ylabel("wrong, % of the answered")
    axes.set_title("What answering more would cost")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.savefig(file, dpi=130)
    return file
