"""The table of figures before and after: shares with their 95 % intervals (Wilson), and which way is better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from training.evaluate import Prediction, Report, is_answered, is_clarified
from training.metrics import wilson
from training.page.blocks import Cell, Mood

Row = list[str | Cell]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a report: `value` None where it has none, `hits` of `count` where it is a share of questions."""

    value: float | None
    hits: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """How a figure is taken and written. `better` is +1 where more is better, -1 where less, 0 where neither."""

    name: str
    take: Callable[[Report], Measure]
    written: Callable[[float], str]
    changed: Callable[[float], str]
    better: int


def measures(after: Report, before: Report | None) -> list[list[str | Cell]]:
    """Rows of name, before, now, change; without the figures that neither version has."""
    rows: list[Row] = []
    for kind in KINDS:
        now, then = kind.take(after), kind.take(before) if before is not None else Measure(None)
        if now.value is not None or then.value is not None:
            rows.append([kind.name, _cell(kind, then), _cell(kind, now), _change(kind, then.value, now.value)])
    return rows


def _cell(kind: Kind, measure: Measure) -> Cell:
    if measure.value is None:
        return Cell("–")
    if not measure.count:
        return Cell(kind.written(measure.value))
    low, high = wilson(measure.hits, measure.count)
    return Cell(kind.written(measure.value), f"{100 * low:.1f}–{100 * high:.1f}")


def _change(kind: Kind, then: float | None, now: float | None) -> Cell:
    if then is None or now is None:
        return Cell("")
    difference, words = now - then, kind.changed(now - then)
    if not words.strip("+−0."):
        return Cell("0")
    if kind.better == 0:
        return Cell(words)
    return Cell(words, mood=Mood.GOOD if difference * kind.better > 0 else Mood.BAD)


def _share(of: Callable[[Prediction], bool], among: Callable[[Prediction], bool]) -> Callable[[Report], Measure]:
    def take(report: Report) -> Measure:
        asked = [entry for entry in report.predictions if among(entry)]
        hits = sum(of(entry) for entry in asked)
        return Measure(hits / len(asked) if asked else None, hits, len(asked))

    return take


def _of_summary(name: str) -> Callable[[Report], Measure]:
    return lambda report: Measure(getattr(report.summary, name) if report.predictions else None)


def _of_retrieval(name: str) -> Callable[[Report], Measure]:
    return lambda report: Measure(getattr(report.retrieval, name) if report.retrieval else None)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "−")


def _three(value: float) -> str:
    return f"{value:.3f}"


def _signed_three(difference: float) -> str:
    return f"{difference:+.3f}".replace("-", "−")


def _milliseconds(value: float) -> str:
    return f"{value:.1f} ms"


def _one_digit(difference: float) -> str:
    return f"{difference:+.1f}".replace("-", "−")


def _in_scope(entry: Prediction) -> bool:
    return entry.in_scope


def _outcomes() -> Iterator[Kind]:
    shares: Sequence[tuple[str, Callable[[Prediction], bool], Callable[[Prediction], bool], int]] = (
        ("Intent read right", lambda entry: entry.predicted == entry.intent, _in_scope, +1),
        ("Answered by itself", is_answered, _in_scope, 0),
        ("Answered right", lambda entry: is_answered(entry) and entry.right, _in_scope, +1),
        ("Clarified", is_clarified, _in_scope, 0),
        ("Wrong of the answered", lambda entry: not entry.right, is_answered, -1),
        ("Out of scope, yet answered", is_answered, lambda entry: not entry.in_scope, -1),
    )
    for name, of, among, better in shares:
        yield Kind(name, _share(of, among), _percent, _points, better)


KINDS: tuple[Kind, ...] = (
    *_outcomes(),
    Kind("Macro F1", _of_summary("macro_f1"), _percent, _points, +1),
    Kind("Out of scope told apart (AUROC)", _of_summary("oos_auroc"), _three, _signed_three, +1),
    Kind("Calibration error (ECE)", _of_summary("ece"), _three, _signed_three, -1),
    Kind("Right answer found first (recall@1)", _of_retrieval("recall_at_1"), _percent, _points, +1),
    Kind("Mean reciprocal rank", _of_retrieval("mrr"), _three, _signed_three, +1),
    Kind("Time for an answer, median", _of_summary("p50_ms"), _milliseconds, _one_digit, 0),
    Kind("Time for an answer, 99th percentile", _of_summary("p99_ms"), _milliseconds, _one_digit, 0),
    Kind("Size, MB", lambda report: Measure(report.size_bytes / 1e6), lambda size: f"{size:,.0f}", _one_digit, 0),
)
