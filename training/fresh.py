"""What came in since the active version: do the others believe its labels?

A week of wrong labels among years of right ones hardly moves an accuracy, so no comparison of versions notices it. But
the labels themselves can be asked about: read by parts that have not learned them, wrong ones are contradicted surely.
Each batch is asked about alone, so that a bad one cannot hide behind good ones that came before or after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date

from chatbot.types import Example
from training.candidate import Candidate
from training.evaluate import Fresh, Report
from training.examples import TrainingSet
from training.splitting import Split

SURELY = 0.5
"""Probability of another label from which it contradicts the given one, if that has less than HARDLY."""

HARDLY = 0.1


def fresh_evidence(
    candidate: Candidate,
    report: Report,
    training_set: TrainingSet,
    split: Split,
    *,
    known: Collection[int],
    days: Mapping[int, date],
) -> tuple[Fresh, ...]:
    """`known` are the numbers of the examples that the active version was made with, `days` when each came."""
    found: dict[str, list[bool]] = defaultdict(list)

    def note(example: Example, contradicted: bool) -> None:
        if example.id not in known:
            found[f"{example.source or 'unnamed'}, {days.get(example.id, 'unknown day')}"].append(contradicted)

    probabilities = candidate.held_out.probabilities
    for place, row in enumerate(candidate.rows.tolist()):
        given = float(probabilities[place, training_set.labels[row]])
        note(training_set.examples[row], given < HARDLY and float(probabilities[place].max()) >= SURELY)
    for example, read in zip(split.holdout, report.predictions, strict=True):
        note(example, read.predicted != example.intent and read.probability >= SURELY)
    return tuple(Fresh(batch, len(each), sum(each)) for batch, each in sorted(found.items()))
