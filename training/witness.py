"""From rehearsals to evidence, and to what thresholds are chosen on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chatbot.cascade import eligible, quick_fuse
from chatbot.classifier import Mix, Scores
from chatbot.decide import MOST_CHOICES
from chatbot.trust import Flags, Floats, best_answerable, evidence, quick_evidence
from chatbot.types import OUT_OF_SCOPE
from training.examples import TrainingSet
from training.rehearsal import Rehearsal, Strangers
from training.trust import Evidence, join

STRANGER_WEIGHT = 0.3
"""Of all strangers together in learning, where all known questions have 1. As many of both tell strangers a little
better (AUROC 0.932 instead of 0.927 on BANKING77's validation questions), but known mistakes worse, and with ten
examples an intent 7 points fewer could be answered at 3 % wrong."""

LATER_WEIGHT = 0.3
BESIDE_WEIGHT = 1.0
"""The same of questions about later intents, and of known ones with later examples around. With a tenth of these one
example each of 20 new intents raised the wrong answers to BANKING77's others from 2.0 to 2.9 % (validation)."""

LATER_CALIBRATING = 0.03
"""Of either in the last calibration: few messages are about what came after training."""

NOT_ELIGIBLE = -1.0
"""Certainty of the cascade where it may not answer: an unknown word piece, channels that disagree, out of scope."""

Testimony = Callable[[Rehearsal, Flags], tuple[Floats, Flags]]
"""Evidence of rehearsed questions, and whether answering with the best intent is right."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the bot and its cascade say of questions that they had not seen: the held-out examples, then as many
    strangers as are expected. One row each; `probabilities` has rows for the examples alone.

    `certainty` and `quick_certainty` are cross-fitted. `offered` is the summed probability of the choices that a
    clarification would offer, `offers_right` whether one of them is right. The last two are of all strangers that were
    rehearsed, expected or not.
    """

    probabilities: Scores
    certainty: Floats
    right: Flags
    quick_certainty: Floats
    quick_right: Flags
    nearest: Floats
    offered: Floats
    offers_right: Flags
    languages: tuple[str, ...]
    stranger_certainty: Floats = field(default_factory=lambda: np.empty(0))
    stranger_quick_certainty: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def strangers(self) -> int:
        return len(self.right) - len(self.probabilities)


@dataclass(frozen=True)
class Witness:
    """`unknown_share` of all messages are expected to be about something that no intent covers."""

    training_set: TrainingSet
    folds: Rehearsal
    strangers: Sequence[Strangers]
    mix: Mix
    quick_weights: tuple[float, ...]
    unknown_share: float

    @cached_property
    def fused(self) -> Scores:
        """Of the folds."""
        return self.folds.fused(self.mix)

    def full(self) -> Evidence:
        """For the classifier: known questions, strangers, later intents and known ones beside these."""
        count = len(self.folds.rows)
        later = [(group.later, group.order) for group in self.strangers]
        beside = [(group.beside, group.order) for group in self.strangers]
        parts = self._known_and_strangers(self._full)
        for rehearsed, weight in ((later, LATER_WEIGHT), (beside, BESIDE_WEIGHT)):
            each = count / max(sum(len(seen.rows) for seen, _ in rehearsed), 1)
            parts += [
                self._evidence(self._full, seen, order, learning=weight * each, calibrating=LATER_CALIBRATING * each)
                for seen, order in rehearsed
            ]
        return join(parts)

    def quick(self) -> Evidence:
        """For the cascade: known questions and strangers."""
        return join(self._known_and_strangers(self._quick))

    def held_out(self, certainty: Floats, quick_certainty: Floats) -> HeldOut:
        """From the cross-fitted certainties of the rows of `full` and `quick`, which begin alike."""
        count = len(self.folds.rows)
        everyone = [(self.folds, np.arange(len(self.training_set.intents)))]
        everyone += [(group.unknown, group.order) for group in self.strangers]
        chosen = np.concatenate([np.arange(count), count + self._expected_strangers()])
        columns = [self._row_facts(seen, order) for seen, order in everyone]
        right, quick_right, eligible, nearest, offered, offers_right = (
            np.concatenate(parts) for parts in zip(*columns, strict=True)
        )
        total = len(right)
        quick = np.where(eligible, quick_certainty[:total], NOT_ELIGIBLE)
        spoken = [example.language for example in self.training_set.examples]
        rows = np.concatenate([seen.rows for seen, _ in everyone])[chosen]
        return HeldOut(
            self.fused,
            certainty[chosen],
            right[chosen],
            quick[chosen],
            quick_right[chosen],
            nearest[chosen],
            offered[chosen],
            offers_right[chosen],
            tuple(spoken[row] for row in rows),
            stranger_certainty=certainty[count:total],
            stranger_quick_certainty=quick[count:total],
        )

    def _known_and_strangers(self, testimony: Testimony) -> list[Evidence]:
        count, strange = len(self.folds.rows), max(sum(len(group.unknown.rows) for group in self.strangers), 1)
        expected = len(self._expected_strangers()) / strange
        everyone = np.arange(len(self.training_set.intents))
        return [
            self._evidence(testimony, self.folds, everyone, learning=1.0, calibrating=1.0),
            *(
                self._evidence(
                    testimony,
                    group.unknown,
                    group.order,
                    learning=STRANGER_WEIGHT * count / strange,
                    calibrating=expected,
                )
                for group in self.strangers
            ),
        ]

    def _expected_strangers(self) -> NDArray[np.int64]:
        """Which of all strangers, at random: labelled out-of-scope examples stand for strangers too."""
        strange, count = sum(len(group.unknown.rows) for group in self.strangers), len(self.folds.rows)
        labelled = int((~self.training_set.in_scope[self.folds.rows]).sum())
        wanted = round(self.unknown_share / (1 - self.unknown_share) * (count - labelled)) - labelled
        return np.sort(np.random.default_rng(0).permutation(strange)[: max(wanted, 0)])

    def _evidence(
        self, testimony: Testimony, seen: Rehearsal, order: NDArray[np.int64], *, learning: float, calibrating: float
    ) -> Evidence:
        features, right = testimony(seen, self._answerable[order])
        each = np.ones(len(right))
        return Evidence(features, right, learning * each, calibrating * each, self._groups[seen.rows])

    def _full(self, seen: Rehearsal, answerable: Flags) -> tuple[Floats, Flags]:
        fused = self.fused if seen is self.folds else seen.fused(self.mix)
        features = evidence(
            fused=fused,
            dense=seen.dense,
            lexical=seen.lexical,
            votes=seen.votes,
            similarities=seen.similarities,
            columns=seen.columns,
            lengths=seen.lengths,
            answerable=answerable,
        )
        # Out of scope is never right to answer; the best answerable intent is never the label of such a question.
        return features, best_answerable(fused, answerable) == seen.labels

    def _quick(self, seen: Rehearsal, answerable: Flags) -> tuple[Floats, Flags]:
        known = answerable[: seen.dense.shape[1]]
        fused = quick_fuse(self.quick_weights, seen.student, seen.lexical)
        features = quick_evidence(
            fused=fused, student=seen.student, lexical=seen.lexical, lengths=seen.lengths, answerable=known
        )
        return features, best_answerable(fused, known) == seen.labels

    def _row_facts(self, seen: Rehearsal, order: NDArray[np.int64]) -> tuple[Floats | Flags, ...]:
        """Right, quick right, eligible for the cascade, nearest, offered, offers right."""
        answerable = self._answerable[order]
        fused = self.fused if seen is self.folds else seen.fused(self.mix)
        quick = quick_fuse(self.quick_weights, seen.student, seen.lexical)
        most = min(MOST_CHOICES, int(answerable.sum()))  # out of scope is never offered, however few intents there are
        choices = np.argsort(-np.where(answerable, fused, -1.0), axis=1)[:, :most]
        return (
            best_answerable(fused, answerable) == seen.labels,
            best_answerable(quick, answerable[: quick.shape[1]]) == seen.labels,
            seen.familiar & eligible(quick, seen.student, seen.lexical, answerable[: quick.shape[1]]),
            seen.nearest,
            np.take_along_axis(fused, choices, axis=1).sum(axis=1),
            (choices == seen.labels[:, None]).any(axis=1),
        )

    @cached_property
    def _answerable(self) -> Flags:
        return np.array([intent != OUT_OF_SCOPE for intent in self.training_set.intents])

    @cached_property
    def _groups(self) -> NDArray[np.int64]:
        names = [example.group or example.text for example in self.training_set.examples]
        return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.int64)
