"""What people read of a training run or an evaluation: lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.calibrate import Automation
from training.evaluate import Evaluation, Report
from training.gate.verdict import Verdict
from training.runs import Trained


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


def verdict_lines(verdict: Verdict, candidate: Report, active: Report | None) -> list[str]:
    """The decision first, then the figures before and now, then what each rule of the gate found."""
    return [verdict.words, "", *_figure_lines(candidate, active), "", *_finding_lines(verdict)]


def _figure_lines(candidate: Report, active: Report | None) -> list[str]:
    now, then = candidate.summary, active.summary if active is not None else None
    lines = [f"{'':24}{'before':>10}{'now':>10}" if then else f"{'':24}{'now':>10}"]
    for name, field, written in _FIGURES:
        before = f"{_figure(getattr(then, field), written):>10}" if then else ""
        lines.append(f"{name:24}{before}{_figure(getattr(now, field), written):>10}")
    return lines


_FIGURES = (
    ("intent accuracy", "intent_accuracy", "{:.2%}"),
    ("macro F1", "macro_f1", "{:.2%}"),
    ("answered", "answered", "{:.2%}"),
    ("wrong of answered", "wrong_of_answered", "{:.2%}"),
    ("out of scope answered", "oos_answered", "{:.2%}"),
    ("out of scope AUROC", "oos_auroc", "{:.3f}"),
    ("calibration error", "ece", "{:.3f}"),
    ("time for one message", "p50_ms", "{:.1f} ms"),
)


def _figure(value: float | None, written: str) -> str:
    return "-" if value is None else written.format(value)


def _finding_lines(verdict: Verdict) -> list[str]:
    """What failed first."""
    ordered = sorted(verdict.findings, key=lambda finding: finding.passed)
    return [f"  {'ok  ' if finding.passed else 'FAIL'}  {finding.rule}: {finding.words}" for finding in ordered]


def _confused_lines(confused: Sequence[tuple[str, str, int]]) -> list[str]:
    if not confused:
        return []
    return ["  most confused:", *(f"    {count:4}  {expected} read as {given}" for expected, given, count in confused)]
