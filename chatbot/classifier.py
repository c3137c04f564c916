"""The intent classifier: three channels over one message, mixed with learned weights into calibrated probabilities.

dense       a linear head over the sentence vector: meaning
lexical     a linear head over word and character n-grams: names, typos, and every language the encoder cannot read
neighbours  votes of the nearest examples: works at once for what an agent has just confirmed

The mix is log-linear, p proportional to exp(sum of weight x channel score): on BANKING77 it was better calibrated than
a weighted sum (expected calibration error 0.003 against 0.020) and more accurate. Fitting its weights by likelihood on
held-out predictions fits the temperature too, as their common scale.

Fitting is in training/fit.py; this module holds what was fitted and needs neither torch nor scipy to use it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from chatbot.ngrams import letter_ngrams, word_ngrams
from chatbot.text import letters_in_common, normalise
from chatbot.trust import Trust, evidence, log_odds, sigmoid
from chatbot.types import OUT_OF_SCOPE, Hit, Vector

Scores = NDArray[np.float64]
"""Shape (messages, intents)."""

FAMILIES = (word_ngrams, letter_ngrams)
NO_COLUMN = -1
KERNEL_WIDTH = 0.05
"""Cosine difference after which a vote has fallen to 1/e. 0.05 was best of 0.05, 0.07 and 0.1 on validation."""

FLOOR = 3e-3
"""Probability a channel grants to an intent it sees no evidence for, so that one channel alone can never veto."""

SAME_WORDING = 0.97
"""Cosine from which two texts may be the same question: then the example's label is the best evidence there is."""

SAME_LETTERS = 0.8
"""Share of letters that they must have in common too: in a script that the encoder cannot read, all short texts have
the same vector (to MiniLM, "return" and "invoice" in Chinese have a cosine of 1)."""


IDENTICAL_TRUST = 0.999
"""For the very same words: what a person has confirmed of them is a fact, not an estimate, and works at once."""

SAME_GIST_TRUST = 0.99
"""For the same words but for articles, courtesy and punctuation; measured in chatbot/text.py, `gist`."""


@dataclass(frozen=True, slots=True)
class DenseHead:
    """Logits = vectors @ weights + bias; weights of shape (dimension, intents)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, vectors: Vector) -> Scores:
        """Log-probabilities."""
        return np.log(softmax((vectors @ self.weights + self.bias).astype(np.float64)) + 1e-9)


@dataclass(frozen=True)
class LexicalHead:
    """Margins of one-against-rest linear machines over TF-IDF of word and letter n-grams (chatbot/ngrams.py).

    `places` and `idf` are per family of n-grams, words first; `weights`, shape (n-grams, intents), holds their rows one
    family after the other, in half precision: a message touches about two hundred of them.
    """

    places: tuple[Mapping[str, int], ...]
    idf: tuple[NDArray[np.float64], ...]
    weights: NDArray[np.float16]
    bias: NDArray[np.float32]

    def scores(self, texts: Sequence[str]) -> Scores:
        return np.stack([self._margins(text) for text in texts]) if texts else np.empty((0, len(self.bias)))

    def _margins(self, text: str) -> NDArray[np.float64]:
        rows: list[NDArray[np.int64]] = []
        values: list[NDArray[np.float64]] = []
        offset = 0
        for ngrams, places, idf in zip(FAMILIES, self.places, self.idf, strict=True):
            counts = Counter(ngrams(text))
            known = [(places[ngram], count) for ngram, count in counts.items() if ngram in places]
            found = np.array([place for place, _ in known], dtype=np.int64)
            weighed = (1 + np.log(np.array([count for _, count in known], dtype=np.float64))) * idf[found]
            rows.append(found + offset)
            values.append(weighed / max(float(np.sqrt(weighed @ weighed)), 1e-12))
            offset += len(idf)
        touched = self.weights[np.concatenate(rows)].astype(np.float32)
        return np.asarray(np.concatenate(values).astype(np.float32) @ touched + self.bias, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Mix:
    """The learned weight of each channel, how far an example with the same wording is to be trusted, and how much of
    the probability goes to intents that came after training (see `_with_later`)."""

    dense: float
    lexical: float
    neighbours: float
    same_wording_trust: float
    later: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)

    def probabilities(self, dense: Scores, lexical: Scores, votes: Scores) -> Scores:
        return softmax(self.dense * dense + self.lexical * lexical + self.neighbours * np.log(votes + FLOOR))


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of each text: all intents, their probabilities, each channel's own view of them (probabilities too), and the
    probability that answering with the best one is right."""

    intents: tuple[str, ...]
    probabilities: Scores
    channels: Mapping[str, Scores]
    certainty: NDArray[np.float64]


@dataclass(frozen=True)
class Classifier:
    """`intents` is the order of the heads' columns; intents that came later are known to the neighbours alone."""

    intents: tuple[str, ...]
    dense: DenseHead
    lexical: LexicalHead
    mix: Mix
    trust: Trust

    @cached_property
    def answerable(self) -> NDArray[np.bool_]:
        return np.array([intent != OUT_OF_SCOPE for intent in self.intents])

    def judge(
        self, texts: Sequence[str], vectors: Vector, neighbours: Sequence[Sequence[Hit]], lexical: Scores
    ) -> Judgement:
        """`lexical` are the margins that `self.lexical` gave for these texts."""
        later = sorted({hit.intent for hits in neighbours for hit in hits} - set(self.intents))
        labels = (*self.intents, *later)
        similarities, columns = _matrices(neighbours, labels)
        votes = vote_matrix(similarities, np.maximum(columns, 0), len(labels))
        dense = self.dense.scores(vectors)
        fused = fuse(self.mix, dense, lexical, votes, similarities, columns)
        confirmed = self._trust_same_wording(fused, texts, neighbours, labels)
        certainty = self.trust.probability(
            evidence(
                fused=fused,
                dense=dense,
                lexical=lexical,
                votes=votes,
                similarities=similarities,
                columns=columns,
                lengths=np.array([len(text) for text in texts], dtype=np.float64),
                answerable=np.pad(self.answerable, (0, len(later)), constant_values=True),
            )
        )
        channels = {
            "dense": _pad(np.exp(dense), len(labels)),
            "lexical": _pad(softmax(self.mix.lexical * lexical), len(labels)),
            "neighbours": votes,
        }
        return Judgement(labels, fused, channels, np.where(confirmed > 0, confirmed, certainty))

    def _trust_same_wording(
        self, probabilities: Scores, texts: Sequence[str], neighbours: Sequence[Sequence[Hit]], labels: Sequence[str]
    ) -> NDArray[np.float64]:
        """Moves probability, in place, to the label of an example in the same words; tells how far that is a fact that
        a person has confirmed, 0 where it is none."""
        confirmed = np.zeros(len(texts))
        for row, (text, hits) in enumerate(zip(texts, neighbours, strict=True)):
            found = [(hit.text, hit.similarity if hit.kind == "example" else 0.0) for hit in hits]
            confirmed[row] = confirmed_by(text, hits[0].text) if hits and hits[0].confirmed else 0.0
            at = 0 if confirmed[row] else same_wording(text, found)
            if at is not None:
                trust = confirmed[row] or self.mix.same_wording_trust
                probabilities[row] *= 1 - trust
                probabilities[row, labels.index(hits[at].intent)] += trust
        return confirmed


def fuse(
    mix: Mix, dense: Scores, lexical: Scores, votes: Scores, similarities: Scores, columns: NDArray[np.int64]
) -> Scores:
    """All channels' probabilities: of the intents that the heads know, then of those that only the neighbours know."""
    known = dense.shape[1]
    fused = mix.probabilities(dense, lexical, _share(votes, known))
    return _with_later(mix, fused, votes, similarities, columns) if votes.shape[1] > known else fused


def confirmed_by(text: str, example: str) -> float:
    """How far the label of an example with the same words, small ones aside, is a fact about a text too."""
    return IDENTICAL_TRUST if normalise(text) == normalise(example) else SAME_GIST_TRUST


def same_wording(text: str, others: Sequence[tuple[str, float]]) -> int | None:
    """Which of `others` (texts and their similarities, closest first) is the same question as `text`, if any is."""
    close = [number for number, (_, similarity) in enumerate(others) if similarity >= SAME_WORDING]
    alike = {number: letters_in_common(text, others[number][0]) for number in close}
    best = max(close, key=alike.__getitem__, default=None)
    return best if best is not None and alike[best] >= SAME_LETTERS else None


def _matrices(neighbours: Sequence[Sequence[Hit]], labels: Sequence[str]) -> tuple[Scores, NDArray[np.int64]]:
    """Similarities and columns of the neighbours, shape (messages, most neighbours); -inf and -1: there is none."""
    place = {label: column for column, label in enumerate(labels)}
    width = max((len(hits) for hits in neighbours), default=0)
    similarities = np.full((len(neighbours), max(width, 1)), -np.inf)
    columns = np.full(similarities.shape, NO_COLUMN, dtype=np.int64)
    for row, hits in enumerate(neighbours):
        similarities[row, : len(hits)] = [hit.similarity for hit in hits]
        columns[row, : len(hits)] = [place[hit.intent] for hit in hits]
    return similarities, columns


def vote_matrix(similarities: NDArray[Any], columns: NDArray[np.int64], count: int) -> Scores:
    """Votes weighted by exp(similarity / KERNEL_WIDTH), as shares; closest first, -inf where there is none."""
    votes = np.zeros((len(similarities), count))
    if similarities.shape[1] == 0:
        return votes
    closest = np.where(np.isfinite(similarities[:, :1]), similarities[:, :1], 0.0)
    weights = np.exp((similarities - closest) / KERNEL_WIDTH)
    np.add.at(votes, (np.arange(len(votes))[:, None], columns), weights)
    return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12))


def softmax(scores: Scores) -> Scores:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _share(votes: Scores, known: int) -> Scores:
    """The votes for the intents that the heads know, as shares among these."""
    return np.asarray(votes[:, :known] / np.maximum(votes[:, :known].sum(axis=1, keepdims=True), 1e-12))


def _with_later(
    mix: Mix, probabilities: Scores, votes: Scores, similarities: Scores, columns: NDArray[np.int64]
) -> Scores:
    """Intents that came after training get a share that grows with their votes and closeness, and shrinks with how sure
    the heads are of another; the rest is scaled to what is left."""
    known = probabilities.shape[1]
    later = votes[:, known:]
    share = np.where(
        later.sum(axis=1) > 0, sigmoid(later_evidence(probabilities, votes, similarities, columns) @ mix.later), 0
    )
    among = later / np.maximum(later.sum(axis=1, keepdims=True), 1e-12)
    return np.hstack([probabilities * (1 - share[:, None]), among * share[:, None]])


def later_evidence(probabilities: Scores, votes: Scores, similarities: Scores, columns: NDArray[np.int64]) -> Scores:
    """Shape (messages, 4), for the weights in `Mix.later`: their votes, how much closer they are, how sure the heads
    are of a known intent, and one for the bias."""
    known = probabilities.shape[1]
    there, new = columns >= 0, columns >= known
    closest_new = np.where(there & new, similarities, 0.0).max(axis=1, initial=0.0)
    closest_known = np.where(there & ~new, similarities, 0.0).max(axis=1, initial=0.0)
    return np.stack(
        [
            log_odds(votes[:, known:].sum(axis=1)),
            closest_new - closest_known,
            log_odds(probabilities.max(axis=1)),
            np.ones(len(votes)),
        ],
        axis=1,
    )


def _pad(scores: Scores, width: int) -> Scores:
    return np.pad(scores, ((0, 0), (0, width - scores.shape[1])))


def save_classifier(classifier: Classifier, folder: Path) -> None:
    """Write `classifier.safetensors` (arrays) and `classifier.json` (labels, n-grams, mix)."""
    folder.mkdir(parents=True, exist_ok=True)
    lexical = classifier.lexical
    arrays: dict[str, Any] = {
        "dense.weights": classifier.dense.weights,
        "dense.bias": classifier.dense.bias,
        "lexical.weights": lexical.weights,
        "lexical.bias": lexical.bias,
        **{f"lexical.idf.{number}": idf for number, idf in enumerate(lexical.idf)},
        **{f"trust.{name}": array for name, array in classifier.trust.arrays().items()},
    }
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "classifier.safetensors")
    about = {
        "intents": classifier.intents,
        "mix": {name: getattr(classifier.mix, name) for name in Mix.__slots__},
        "ngrams": [sorted(places, key=places.__getitem__) for places in lexical.places],
    }
    (folder / "classifier.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def load_classifier(folder: Path) -> Classifier:
    """Read what `save_classifier` wrote."""
    arrays = load_file(folder / "classifier.safetensors")
    about = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
    families = range(len(about["ngrams"]))
    return Classifier(
        tuple(about["intents"]),
        DenseHead(arrays["dense.weights"], arrays["dense.bias"]),
        LexicalHead(
            tuple({ngram: place for place, ngram in enumerate(ngrams)} for ngrams in about["ngrams"]),
            tuple(arrays[f"lexical.idf.{number}"] for number in families),
            arrays["lexical.weights"],
            arrays["lexical.bias"],
        ),
        Mix(**about["mix"] | {"later": tuple(about["mix"]["later"])}),
        Trust.of({name.removeprefix("trust."): array for name, array in arrays.items() if name.startswith("trust.")}),
    )
