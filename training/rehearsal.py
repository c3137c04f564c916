"""Rehearsals: what the channels say of questions that they have not seen, and of questions that nobody prepared.

Folds leave examples out: every example is read by heads and neighbours that know neither it nor its split group.
Strangers leave whole intents out: their examples are what a question of an unknown kind looks like, near the domain;
and, once one to three of them stand among the neighbours again, what an intent looks like that came after training.
Taking an intent's column out of a head that was trained with it was measurably worse (BANKING77, validation: AUROC of
unknown against known questions 0.88 instead of 0.91), since such a head has learned to avoid just these questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.cascade import LEAST_PIECES
from chatbot.classifier import SAME_WORDING, Mix, Scores, fuse, same_wording, vote_matrix
from chatbot.knowledge import NEIGHBOURS
from chatbot.retriever import NO_HIT, build_index
from training.examples import TrainingSet, folds
from training.heads import Heads, Lesson, Rows, fit_heads
from training.progress import Advance

STRANGER_GROUPS = 4
LEAST_INTENTS = 4
"""With fewer, leaving some out leaves nothing to compare with."""

MOST_FITTED = 4000
"""Examples that a head which leaves intents out is fitted on: enough for its evidence to look like the whole's."""

MOST_QUESTIONS = 40
"""Per left-out intent, and as many per known one beside it."""

MOST_SHOTS = 3
NOBODY = -1
"""The label of a question that no intent answers."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One row for each question. `dense`, `lexical` and `student` have a column for each intent that the heads know;
    `columns` of the neighbours (-1: none) and `labels` may name later ones too, up to `intents`.

    `same_label` is the column of a neighbour in the same words (NOBODY where there is none); `familiar` says that the
    cascade may look at the text: it has enough word pieces, and all were among those fitted on.
    """

    rows: Rows
    labels: Rows
    dense: Scores
    lexical: Scores
    student: Scores
    similarities: NDArray[np.float64]
    columns: Rows
    same_label: Rows
    familiar: NDArray[np.bool_]
    lengths: NDArray[np.float64]
    intents: int

    @property
    def votes(self) -> Scores:
        return vote_matrix(self.similarities, np.maximum(self.columns, 0), self.intents)

    @property
    def nearest(self) -> NDArray[np.float64]:
        return np.where(np.isfinite(self.similarities[:, 0]), self.similarities[:, 0], 0.0)

    def fused(self, mix: Mix) -> Scores:
        """As the classifier fuses, with the trust in the same words."""
        fused = fuse(mix, self.dense, self.lexical, self.votes, self.similarities, self.columns)
        same = np.flatnonzero(self.same_label != NOBODY)
        fused[same] *= 1 - mix.same_wording_trust
        fused[same, self.same_label[same]] += mix.same_wording_trust
        return fused


@dataclass(frozen=True, slots=True)
class Strangers:
    """Rehearsals with some intents left out. `order` gives the original column of each of theirs, the left-out last.

    `unknown`: questions of left-out intents; `later`: the same when a few of their examples have been added;
    `beside`: questions of known intents with those few examples around.
    """

    order: Rows
    unknown: Rehearsal
    later: Rehearsal
    beside: Rehearsal


@dataclass(frozen=True, slots=True)
class Stage:
    """One rehearsal's roles: heads and neighbours know the rows of `fit`, questions are those of `held`.

    `tuned` says that the lesson's encoder has learned the rows of `fit` itself. Then only rows of `held` may ever be
    asked: with vectors made for their labels all others would be read too well.
    """

    lesson: Lesson
    fit: Rows
    held: Rows
    tuned: bool = False


def stages_of(training_set: TrainingSet, lesson: Lesson) -> list[Stage]:
    """With an encoder that has learned none of the examples: each is held out once."""
    return [Stage(lesson, fit, held) for fit, held in folds(training_set)]


def rehearse_folds(training_set: TrainingSet, stages: Sequence[Stage], advance: Advance) -> Rehearsal:
    """All examples that a stage holds out, in their order."""
    parts = []
    for stage in stages:
        lesson = stage.lesson
        fitted = lesson.with_titles(stage.fit, np.unique(lesson.labels[stage.fit]))
        heads = fit_heads(lesson, fitted, len(training_set.intents))
        around = lesson.with_titles(stage.fit, np.unique(lesson.labels))
        parts.append(_rehearse(lesson, heads, fitted=fitted, around=around, asked=stage.held))
        advance(1)
    return _in_order(parts)


def rehearse_strangers(training_set: TrainingSet, stages: Sequence[Stage], advance: Advance) -> list[Strangers]:
    """One for each group of left-out intents; none where there are too few intents or examples for it."""
    generator = np.random.default_rng(0)
    in_scope = np.unique(training_set.labels[training_set.in_scope])
    able = generator.permutation(in_scope[_fewest_askable(training_set, stages)[in_scope] >= 2])
    if len(in_scope) < LEAST_INTENTS or len(able) < STRANGER_GROUPS:
        return []
    found = []
    for number, group in enumerate(np.array_split(able, STRANGER_GROUPS)):
        found.append(_leave_out(training_set, stages[number % len(stages)], np.sort(group), generator))
        advance(1)
    return found


def _fewest_askable(training_set: TrainingSet, stages: Sequence[Stage]) -> Rows:
    """For each intent, how many questions the stage that can ask fewest of them has."""
    every = np.arange(len(training_set.examples))
    counts = [
        np.bincount(training_set.labels[stage.held if stage.tuned else every], minlength=len(training_set.intents))
        for stage in stages
    ]
    return np.asarray(np.min(counts, axis=0), dtype=np.int64)


def _leave_out(training_set: TrainingSet, stage: Stage, left_out: Rows, generator: np.random.Generator) -> Strangers:
    lesson = stage.lesson
    known = np.setdiff1d(np.unique(training_set.labels), left_out)
    askable = stage.held if stage.tuned else np.arange(len(training_set.examples))
    if stage.tuned:
        fit, held = (_known_rows(training_set, rows, known, generator) for rows in (stage.fit, stage.held))
        fit, held = np.sort(fit[:MOST_FITTED]), np.sort(held[: _most_beside(training_set)])
    else:
        fit, held = _apart(training_set, np.flatnonzero(np.isin(training_set.labels, known)), generator)
    shots, asked = _shots(training_set, left_out, askable, generator)
    fitted = lesson.with_titles(fit, known)
    heads = fit_heads(lesson, fitted, len(training_set.intents))
    order = np.concatenate([known, left_out])
    column = np.empty(len(training_set.intents), dtype=np.int64)
    column[order] = np.arange(len(order))
    with_shots = np.concatenate([fitted, lesson.with_titles(shots, left_out)])

    def rehearse(around: Rows, rows: Rows) -> Rehearsal:
        seen = _rehearse(lesson, heads, fitted=fitted, around=around, asked=rows)
        return _reordered(seen, column, order, len(known))

    unknown = rehearse(fitted, asked)
    return Strangers(
        order,
        replace(unknown, labels=np.full(len(asked), NOBODY, dtype=np.int64)),
        rehearse(with_shots, asked),
        rehearse(with_shots, held),
    )


def _apart(training_set: TrainingSet, rows: Rows, generator: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows to fit on and rows to ask, four to one; a split group stays on one side."""
    groups = np.array([training_set.examples[row].group or training_set.examples[row].text for row in rows])
    names = np.unique(groups)
    asked = np.isin(groups, generator.permutation(names)[: max(len(names) // 5, 1)])
    fit, held = generator.permutation(rows[~asked])[:MOST_FITTED], generator.permutation(rows[asked])
    return np.sort(fit), np.sort(held[: _most_beside(training_set)])


def _most_beside(training_set: TrainingSet) -> int:
    return MOST_QUESTIONS * len(training_set.intents) // STRANGER_GROUPS


def _known_rows(training_set: TrainingSet, rows: Rows, known: Rows, generator: np.random.Generator) -> Rows:
    return np.asarray(generator.permutation(rows[np.isin(training_set.labels[rows], known)]), dtype=np.int64)


def _shots(
    training_set: TrainingSet, left_out: Rows, askable: Rows, generator: np.random.Generator
) -> tuple[Rows, Rows]:
    """Of each left-out intent one to three examples to add, and others to ask."""
    added, asked = [], []
    for intent in left_out:
        rows = generator.permutation(askable[training_set.labels[askable] == intent])
        count = min(int(generator.integers(1, MOST_SHOTS + 1)), len(rows) - 1)
        added.append(rows[:count])
        asked.append(rows[count : count + MOST_QUESTIONS])
    return np.sort(np.concatenate(added)), np.sort(np.concatenate(asked))


def _rehearse(lesson: Lesson, heads: Heads, *, fitted: Rows, around: Rows, asked: Rows) -> Rehearsal:
    texts, vectors = [lesson.texts[row] for row in asked], lesson.vectors[asked]
    similarities, ids = build_index(vectors.shape[1], around, lesson.vectors[around]).search(vectors, NEIGHBOURS)
    columns = np.where(ids == NO_HIT, -1, lesson.labels[np.maximum(ids, 0)])
    pieces = [lesson.pieces[row] for row in asked]
    seen = np.zeros(lesson.vocabulary, dtype=bool)
    seen[np.concatenate([lesson.pieces[row] for row in fitted])] = True
    return Rehearsal(
        rows=asked,
        labels=lesson.labels[asked],
        dense=heads.dense.scores(vectors),
        lexical=heads.lexical.scores(lesson, asked),
        student=heads.dense.scores(heads.student(lesson.sums[asked])),
        similarities=similarities.astype(np.float64),
        columns=columns,
        same_label=_same_labels(lesson, texts, similarities.astype(np.float64), ids),
        familiar=np.array([len(each) >= LEAST_PIECES and bool(seen[each].all()) for each in pieces]),
        lengths=np.array([len(text) for text in texts], dtype=np.float64),
        intents=int(heads.dense.bias.shape[0]),
    )


def _same_labels(lesson: Lesson, asked: Sequence[str], similarities: NDArray[np.float64], ids: Rows) -> Rows:
    found = np.full(len(asked), NOBODY, dtype=np.int64)
    for row in np.flatnonzero(similarities[:, 0] >= SAME_WORDING).tolist():
        near = zip(ids[row].tolist(), similarities[row].tolist(), strict=True)
        # A title was never confirmed as a question.
        known = [(lesson.texts[at], alike if at < lesson.examples else 0.0) for at, alike in near if at != NO_HIT]
        same = same_wording(asked[row], known)
        if same is not None:
            found[row] = lesson.labels[ids[row, same]]
    return found


def _reordered(seen: Rehearsal, column: Rows, order: Rows, known: int) -> Rehearsal:
    return replace(
        seen,
        labels=column[seen.labels],
        dense=seen.dense[:, order[:known]],
        lexical=seen.lexical[:, order[:known]],
        student=seen.student[:, order[:known]],
        columns=np.where(seen.columns < 0, -1, column[np.maximum(seen.columns, 0)]),
        same_label=np.where(seen.same_label == NOBODY, NOBODY, column[np.maximum(seen.same_label, 0)]),
    )


def _in_order(parts: Sequence[Rehearsal]) -> Rehearsal:
    """The stages' rows put together; no example may be held out twice."""
    width = max(part.similarities.shape[1] for part in parts)
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows, kind="stable")
    if len(np.unique(rows)) != len(rows):
        raise ValueError("an example is held out by more than one stage of the rehearsal")
    padded = [
        replace(
            part,
            similarities=_pad(part.similarities, width, -np.inf),
            columns=_pad(part.columns, width, -1),
        )
        for part in parts
    ]
    together = {
        name: np.concatenate([getattr(part, name) for part in padded])[order]
        for name in Rehearsal.__slots__
        if name != "intents"
    }
    return Rehearsal(**together, intents=parts[0].intents)


def _pad(values: NDArray[Any], width: int, filler: float) -> NDArray[Any]:
    return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=filler)
