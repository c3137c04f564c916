"""What came in since the active version: do the others believe its labels?

A week of wrong labels among years of right ones hardly moves an accuracy, so no comparison of versions notices it. But
the labels themselves can be asked about: read by parts that have not learned them, wrong ones are contradicted surely.
"""

from __future__ import annotations

from collections.abc import Collection

from training.candidate import Candidate
from training.evaluate import Fresh, Report
from training.examples import TrainingSet
from training.splitting import Split

SURELY = 0.5
"""Probability of another label from which it contradicts the given one, if that has less than HARDLY."""

HARDLY = 0.1


def fresh_evidence(
    candidate: Candidate, report: Report, training_set: TrainingSet, split: Split, known: Collection[int]
) -> Fresh:
    """`known` are the numbers of the examples that the active version was made with."""
    count = contradicted = 0
    probabilities = candidate.held_out.probabilities
    for place, row in enumerate(candidate.rows.tolist()):
        if training_set.examples[row].id not in known:
            given = float(probabilities[place, training_set.labels[row]])
            count += 1
            contradicted += int(given < HARDLY and probabilities[place].max() >= SURELY)
    for example, read in zip(split.holdout, report.predictions, strict=True):
        if example.id not in known:
            count += 1
            contradicted += int(read.predicted != example.intent and read.probability >= SURELY)
    return Fresh(count, contradicted)
