"""The cascade: most messages are understood without the encoder, by a static student of it.

The student is a table of word-piece vectors, distilled from the encoder at training time: their sum stands in for the
encoder's vector, and the same dense head reads it. With the lexical channel beside it, it answers what it is sure of;
the encoder is asked for the rest. It is never asked
about what it cannot know: a word piece that no training example held, an intent with several answers (which of them is
meant, the neighbours tell), and questions near an example that was added, relabelled or taken out after training: a
correction works at once, and it works through the encoder.

Where its measured risk was not as low as the encoder's, training switches it off (training/calibrate.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from chatbot.classifier import Classifier, Scores, softmax
from chatbot.text import text_key
from chatbot.trust import Flags, Trust, quick_evidence
from chatbot.types import Example, Vector

NEAR_A_CHANGE = 0.6
"""Cosine of student vectors from which a question may be touched by a change of the examples. Paraphrases in BANKING77
have 0.6 or more to their nearest in nine of ten cases; asking the encoder too often costs time only."""

MOST_CHANGES = 2_000
"""With more examples changed since training than this, comparing with each of them costs more than the encoder."""

LEAST_PIECES = 3
"""Word pieces of a text that may be glanced at: "no" and "later" mean what the conversation makes of them."""

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Student:
    """`row` maps a word piece's number to its row of `table` (UNKNOWN: no training example held it)."""

    row: NDArray[np.int32]
    table: NDArray[np.float16]

    def known(self, pieces: Sequence[int]) -> list[int]:
        return [piece for piece in pieces if self.row[piece] != UNKNOWN]

    def vector(self, pieces: Sequence[int]) -> NDArray[np.float32] | None:
        """Of length 1; None where a piece is unknown or there is none."""
        rows = self.row[np.asarray(pieces, dtype=np.int64)]
        if not len(rows) or (rows == UNKNOWN).any():
            return None
        total = self.table[rows].astype(np.float32).sum(axis=0)
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9))


@dataclass(frozen=True, slots=True)
class Glance:
    """What the cascade's first stage is sure of: as a reading, without a vector and without neighbours."""

    probabilities: NDArray[np.float64]
    channels: dict[str, NDArray[np.float64]]
    certainty: float


@dataclass(frozen=True, slots=True)
class Cascade:
    """`weights` mix the student's log-probabilities and the lexical margins; `answer_at` is the certainty from which
    a glance is enough; `trained_on` are fingerprints of the examples that training saw; `pieces` cuts a text into the
    numbers of its word pieces."""

    student: Student
    weights: tuple[float, float]
    trust: Trust
    answer_at: float
    trained_on: frozenset[int]
    pieces: Callable[[str], list[int]]
    judged: dict[int, tuple[Example, bool]] = field(default_factory=dict, compare=False, repr=False)
    """By id: whether training saw an example as it is now. Fingerprints of ten thousand take a third of a second."""

    def glance(
        self, classifier: Classifier, *, pieces: Sequence[int], letters: int, lexical: Scores, changed: Vector
    ) -> Glance | None:
        """What it is sure of, or None: then the encoder has to read.

        `lexical` are the classifier's margins, shape (1, intents); `changed` are the student's vectors of the examples
        that changed since training.
        """
        vector = self.student.vector(pieces) if len(pieces) >= LEAST_PIECES else None
        if vector is None or (len(changed) and float((changed @ vector).max()) >= NEAR_A_CHANGE):
            return None
        student = classifier.dense.scores(vector[None])
        fused = quick_fuse(self.weights, student, lexical)
        if not eligible(fused, student, lexical, classifier.answerable)[0]:
            return None
        found = quick_evidence(
            fused=fused,
            student=student,
            lexical=lexical,
            lengths=np.array([float(letters)]),
            answerable=classifier.answerable,
        )
        certainty = float(self.trust.probability(found)[0])
        if certainty < self.answer_at:
            return None
        channels = {"student": np.exp(student[0]), "lexical": softmax(self.weights[1] * lexical)[0]}
        return Glance(fused[0], channels, certainty)

    def changed(self, approved: Iterable[Example], unapproved: Iterable[Example]) -> Vector | None:
        """The student's vectors of the examples that training did not see as they are now, and of those whose text it
        saw and that are approved no more; None where they are too many to compare with.

        Of an example with unknown word pieces the others are taken: the question may hold just these.
        """
        examples = [
            *(example for example in approved if not self._was_seen(example)),
            *(example for example in unapproved if text_fingerprint(example) in self.trained_on),
        ]
        if len(examples) > MOST_CHANGES:
            return None
        vectors = [self.student.vector(self.student.known(self.pieces(example.text))) for example in examples]
        found = [vector for vector in vectors if vector is not None]
        return np.stack(found) if found else np.empty((0, self.student.table.shape[1]), np.float32)

    def _was_seen(self, example: Example) -> bool:
        known = self.judged.get(example.id)
        if known is None or known[0] is not example:
            known = self.judged[example.id] = example, fingerprint(example) in self.trained_on
        return known[1]


def quick_fuse(weights: Sequence[float], student: Scores, lexical: Scores) -> Scores:
    return softmax(weights[0] * student + weights[1] * lexical)


def eligible(fused: Scores, student: Scores, lexical: Scores, answerable: Flags) -> Flags:
    """Which texts a glance may answer at all: meaning and words point to the same intent, and it is in scope."""
    best = fused.argmax(axis=1)
    return np.asarray(
        answerable[best] & (student.argmax(axis=1) == best) & (lexical.argmax(axis=1) == best), dtype=np.bool_
    )


def fingerprint(example: Example) -> int:
    """60 bits of text and label."""
    return int(text_key(f"{example.intent} {example.text}")[:15], 16)


def text_fingerprint(example: Example) -> int:
    """60 bits of the text alone."""
    return int(text_key(example.text)[:15], 16)


def fingerprints(examples: Iterable[Example]) -> frozenset[int]:
    """For `Cascade.trained_on`: of each text with its label, and of each text."""
    return frozenset(mark(example) for example in examples for mark in (fingerprint, text_fingerprint))


def save_cascade(cascade: Cascade, folder: Path) -> None:
    """Write `cascade.safetensors` (arrays) and `cascade.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {
        "student.row": cascade.student.row,
        "student.table": cascade.student.table,
        "trained_on": np.array(sorted(cascade.trained_on), dtype=np.int64),
        **{f"trust.{name}": array for name, array in cascade.trust.arrays().items()},
    }
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "cascade.safetensors")
    about = {"weights": cascade.weights, "answer_at": cascade.answer_at}
    (folder / "cascade.json").write_text(json.dumps(about), encoding="utf-8")


def load_cascade(folder: Path, pieces: Callable[[str], list[int]]) -> Cascade | None:
    """Read what `save_cascade` wrote; None for a version that has no cascade. `pieces` is the encoder's."""
    if not (folder / "cascade.json").exists():
        return None
    arrays = load_file(folder / "cascade.safetensors")
    about = json.loads((folder / "cascade.json").read_text(encoding="utf-8"))
    student, lexical = about["weights"]
    return Cascade(
        Student(arrays["student.row"], arrays["student.table"]),
        (student, lexical),
        Trust.of({name.removeprefix("trust."): array for name, array in arrays.items() if name.startswith("trust.")}),
        about["answer_at"],
        frozenset(arrays["trained_on"].tolist()),
        pieces,
    )
