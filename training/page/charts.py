"""The charts of the report. Each is None where there is nothing to draw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from chatbot.types import OUT_OF_SCOPE
from training.calibrate import Automation
from training.evaluate import Prediction, is_answered
from training.metrics import BINS
from training.page.drawing import Frame, axes, bar, curve, dot, drawing, legend, shortened, whole, words
from training.page.figures import Change
from training.page.markup import Markup, tag
from training.tune.plan import Point
from training.witness import HeldOut

WIDTH = 480
MOST_CHANGES = 14
MOST_CONFUSED = 18
MOST_POINTS = 160
TENTHS = [(number / 5, f"{20 * number} %") for number in range(6)]


def intents_chart(changes: Sequence[Change]) -> Markup | None:
    """Of each intent that changed most, the share read right before and after."""
    moved = [change for change in changes if change.before and change.before.recall != change.after.recall]
    shown = sorted(moved, key=lambda change: -abs((change.after.recall or 0) - (change.before.recall or 0)))  # type: ignore[union-attr]
    shown = sorted(shown[:MOST_CHANGES], key=lambda change: (change.after.recall or 0) - (change.before.recall or 0))  # type: ignore[union-attr]
    if not shown:
        return None
    frame = Frame(660, 70 + 26 * len(shown), (0, 1), (0, len(shown)), left=190, top=30, bottom=30)
    parts = axes(frame, across=TENTHS, up=[], across_name="")
    for row, change in enumerate(shown):
        y = frame.y(len(shown) - row - 0.5)
        before, after = change.before.recall or 0, change.after.recall or 0  # type: ignore[union-attr]
        kind = "good" if after > before else "bad"
        parts += [
            words(frame.left - 12, y + 4, shortened(change.intent), anchor="end", kind="name"),
            tag("line", x1=frame.x(before), x2=frame.x(after), y1=y, y2=y, class_=f"link {kind}"),
            dot(frame.x(before), y, "grey", 5),
            dot(frame.x(after), y, kind, 6, title=f"{change.intent}: {whole(before)} before, {whole(after)} now"),
        ]
    parts += legend(frame.left, 14, [("grey", "before"), ("good", "better now"), ("bad", "worse now")])
    return drawing(frame, parts, "Share read right before and now, intent by intent")


def confusion_chart(predictions: Sequence[Prediction]) -> Markup | None:
    """Rows are what customers wanted, columns what was read; the intents with most mistakes."""
    pairs = Counter((entry.intent, entry.predicted or OUT_OF_SCOPE) for entry in predictions)
    mistakes: Counter[str] = Counter()
    for (wanted, read), count in pairs.items():
        if wanted != read:
            mistakes.update({wanted: count, read: count})
    names = sorted(name for name, _ in sorted(mistakes.items(), key=lambda item: (-item[1], item[0]))[:MOST_CONFUSED])
    if not names:
        return None
    margin, cell = 190, 26
    side = cell * len(names)
    frame = Frame(margin + side + 100, margin - 20 + side + 20, (0, len(names)), (0, len(names)))
    top = margin - 20
    rows = Counter(entry.intent for entry in predictions)
    parts = []
    for row, wanted in enumerate(names):
        parts.append(words(margin - 8, top + (row + 0.5) * cell + 4, shortened(wanted), anchor="end", kind="name"))
        x = margin + (row + 0.5) * cell + 4
        turned = f"rotate(-60 {x:g} {top - 8:g})"
        parts.append(words(x, top - 8, shortened(wanted, 22), anchor="start", kind="name", transform=turned))
        for column, read in enumerate(names):
            count = pairs[wanted, read]
            kind = "cell" if not count else ("good" if wanted == read else "bad")
            strength = 1 if not count else 0.25 + 0.75 * count / max(rows[wanted], 1)
            x, y = margin + column * cell, top + row * cell
            title = f"{wanted} read as {read}: {count} of {rows[wanted]}"
            parts.append(bar(x + 1, y + 1, cell - 2, cell - 2, kind, title=title, strength=strength))
            if count:
                parts.append(
                    words(x + cell / 2, y + cell / 2 + 4, str(count), kind="count light" if strength > 0.7 else "count")
                )
    return drawing(frame, parts, "Which intents are taken for which")


def reliability_chart(held_out: HeldOut | None) -> Markup | None:
    """Of the messages that were called so sure, how many were right; on the line the probabilities are honest."""
    if held_out is None or not len(held_out.right):
        return None
    frame = Frame(WIDTH, 340, (0, 1), (0, 1))
    parts = axes(frame, across=TENTHS, up=TENTHS, across_name="how sure it was", up_name="share that was right")
    parts.append(curve(frame, [(0, 0), (1, 1)], "guide"))
    place = np.minimum((held_out.certainty * BINS).astype(int), BINS - 1)
    for number in range(BINS):
        mine = place == number
        if mine.any():
            said, right = float(held_out.certainty[mine].mean()), float(held_out.right[mine].mean())
            radius = 3 + 20 * math.sqrt(float(mine.mean()))
            title = f"{int(mine.sum()):,} questions: {whole(said)} sure, {whole(right)} right"
            parts.append(dot(frame.x(said), frame.y(right), "accent soft", radius, title=title))
    return drawing(frame, parts, "How sure it was against how often it was right")


def risk_chart(after: Sequence[Prediction], before: Sequence[Prediction] | None) -> Markup | None:
    """Share wrong among the answered, as ever less sure messages are answered too."""
    if not after:
        return None
    curves = [("accent", "this version", _risk(after))]
    if before:
        curves.insert(0, ("grey", "before", _risk(before)))
    highest = max(0.02, max(risk for _, _, points in curves for share, risk in points if share >= 0.1))
    step = next(each for each in (0.01, 0.02, 0.05, 0.1, 0.2) if highest / each <= 6 or each == 0.2)
    top = math.ceil(highest / step) * step
    ticks = [(step * number, f"{100 * step * number:.0f} %") for number in range(round(top / step) + 1)]
    frame = Frame(WIDTH, 340, (0, 1), (0, top), top=34)
    parts = axes(
        frame, across=TENTHS, up=ticks, across_name="answered without a person", up_name="wrong of the answered"
    )
    parts += [curve(frame, [(share, min(risk, top)) for share, risk in points], kind) for kind, _, points in curves]
    now = [entry for entry in after if is_answered(entry)]
    entries = [(kind, name) for kind, name, _ in curves]
    if now:
        wrong = sum(not entry.right for entry in now) / len(now)
        parts.append(dot(frame.x(len(now) / len(after)), frame.y(min(wrong, top)), "bad", 6))
        entries.append(("bad", "as it answers now"))
    return drawing(frame, [*parts, *legend(frame.left + 6, 18, entries)], "What answering more would cost")


def automation_chart(automation: Sequence[Automation], budget: float) -> Markup | None:
    if not automation:
        return None
    frame = Frame(WIDTH, 300, (0, len(automation)), (0, 1), top=40)
    parts = axes(frame, across=[], up=TENTHS, across_name="at most so many of the answers may be wrong")
    for place, entry in enumerate(automation):
        left, right, top = frame.x(place + 0.2), frame.x(place + 0.8), frame.y(entry.answered)
        kind = ("chosen" if entry.budget == budget else "accent") if entry.proven else "grey"
        middle = frame.x(place + 0.5)
        parts += [
            bar(left, top, right - left, frame.y(0) - top, kind),
            words(middle, top - 18 if entry.proven else top - 6, whole(entry.answered), kind="name strong"),
            words(middle, frame.y(0) + 18, whole(entry.budget)),
        ]
        if entry.proven:
            parts.append(words(middle, top - 5, f"{100 * entry.wrong:.1f} % wrong"))
    return drawing(frame, parts, "What each error budget would answer by itself")


def training_chart(points: Sequence[Point]) -> Markup | None:
    """The loss falls, the accuracy on the slice that stops the training rises."""
    if len(points) < 2:
        return None
    kept = [*points[: -1 : max(1, len(points) // MOST_POINTS)], points[-1]]
    highest = max(point.loss for point in kept) or 1.0
    last = kept[-1].step or 1
    frame = Frame(WIDTH, 300, (0, last), (0, 1), right=56, top=34)
    marks = [(number / 4, f"{highest * number / 4:.2g}") for number in range(5)]
    ticks = [(last * number / 4, f"{last * number / 4:,.0f}") for number in range(5)]
    parts = axes(frame, across=ticks, up=marks, across_name="step", up_name="loss")
    parts.append(curve(frame, [(point.step, point.loss / highest) for point in kept], "accent"))
    seen = [(point.step, point.validation) for point in points if point.validation is not None]
    entries = [("accent", "loss (left)")]
    if seen:
        entries.append(("chosen", "right on the slice that stops it (right)"))
        parts += [curve(frame, seen, "chosen"), *(dot(frame.x(x), frame.y(y), "chosen", 3.5) for x, y in seen)]
        parts += [words(frame.width - 48, frame.y(share) + 4, name, anchor="start") for share, name in TENTHS]
    return drawing(frame, [*parts, *legend(frame.left + 6, 18, entries)], "How the encoder learned")


def _risk(predictions: Sequence[Prediction]) -> list[tuple[float, float]]:
    """(share answered, share wrong of these), from the surest on."""
    ranked = sorted(predictions, key=lambda entry: -entry.in_scope_probability)
    wrong = np.cumsum([not (entry.in_scope and entry.predicted == entry.intent) for entry in ranked])
    places = np.unique(np.linspace(0, len(ranked) - 1, min(len(ranked), MOST_POINTS)).astype(int))
    return [((int(at) + 1) / len(ranked), float(wrong[at]) / (int(at) + 1)) for at in places]
