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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from chatbot.text import normalise
from chatbot.types import Hit, Vector

Scores = NDArray[np.float64]
"""Shape (messages, intents)."""

CHANNELS = ("dense", "lexical", "neighbours")
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


@dataclass(frozen=True, slots=True)
class DenseHead:
    """Logits = vectors @ weights + bias; weights of shape (dimension, intents)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, vectors: Vector) -> Scores:
        """Log-probabilities."""
        return np.log(softmax((vectors @ self.weights + self.bias).astype(np.float64)) + 1e-9)


@dataclass(frozen=True, slots=True)
class LexicalHead:
    """Margins of one-against-rest linear machines over TF-IDF; `vectorizers` are word and character n-grams.

    Weights are kept in half precision, shape (n-grams, intents): a message touches about a hundred of their rows.
    """

    vectorizers: tuple[Any, ...]
    weights: NDArray[np.float16]
    bias: NDArray[np.float32]

    def scores(self, texts: Sequence[str]) -> Scores:
        margins = np.tile(self.bias.astype(np.float64), (len(texts), 1))
        if not texts:  # scikit-learn refuses to transform nothing
            return margins
        offset = 0
        for vectorizer in self.vectorizers:
            rows = vectorizer.transform(texts)
            for number in range(len(texts)):
                places = slice(rows.indptr[number], rows.indptr[number + 1])
                weights = self.weights[offset + rows.indices[places]].astype(np.float64)
                margins[number] += rows.data[places] @ weights
            offset += rows.shape[1]
        return margins


@dataclass(frozen=True, slots=True)
class Mix:
    """The learned weight of each channel, and how far an example with the same wording is to be trusted."""

    dense: float
    lexical: float
    neighbours: float
    same_wording_trust: float

    def probabilities(self, dense: Scores, lexical: Scores, votes: Scores) -> Scores:
        return softmax(self.dense * dense + self.lexical * lexical + self.neighbours * np.log(votes + FLOOR))


@dataclass(frozen=True, slots=True)
class Classifier:
    """`intents` is the order of the heads' columns; intents that came later are known to the neighbours alone."""

    intents: tuple[str, ...]
    dense: DenseHead
    lexical: LexicalHead
    mix: Mix

    def predict(
        self, texts: Sequence[str], vectors: Vector, neighbours: Sequence[Sequence[Hit]]
    ) -> tuple[tuple[str, ...], Scores, Mapping[str, Scores]]:
        """All intents, their probabilities, and each channel's own view (probabilities too) of them."""
        later = sorted({hit.intent for hits in neighbours for hit in hits} - set(self.intents))
        labels = (*self.intents, *later)
        votes = vote(neighbours, labels)
        dense, lexical = self.dense.scores(vectors), self.lexical.scores(texts)
        fused = _with_later(self.mix.probabilities(dense, lexical, _share(votes, len(self.intents))), votes)
        fused = self._trust_same_wording(fused, texts, neighbours, labels)
        channels = {
            "dense": _pad(np.exp(dense), len(labels)),
            "lexical": _pad(softmax(self.mix.lexical * lexical), len(labels)),
            "neighbours": votes,
        }
        return labels, fused, channels

    def _trust_same_wording(
        self, probabilities: Scores, texts: Sequence[str], neighbours: Sequence[Sequence[Hit]], labels: Sequence[str]
    ) -> Scores:
        for row, (text, hits) in enumerate(zip(texts, neighbours, strict=True)):
            same = same_wording(text, [(hit.text, hit.similarity) for hit in hits])
            if same is not None:
                identical = normalise(hits[same].text) == normalise(text)
                trust = IDENTICAL_TRUST if identical else self.mix.same_wording_trust
                probabilities[row] *= 1 - trust
                probabilities[row, labels.index(hits[same].intent)] += trust
        return probabilities


def same_wording(text: str, others: Sequence[tuple[str, float]]) -> int | None:
    """Which of `others` (texts and their similarities, closest first) is the same question as `text`, if any is."""
    close = [number for number, (_, similarity) in enumerate(others) if similarity >= SAME_WORDING]
    alike = {number: _letters_in_common(text, others[number][0]) for number in close}
    best = max(close, key=alike.__getitem__, default=None)
    return best if best is not None and alike[best] >= SAME_LETTERS else None


def _letters_in_common(one: str, other: str) -> float:
    """From 0 to 1, whatever their order."""
    first, second = (Counter(normalise(text).replace(" ", "")) for text in (one, other))
    return 2 * (first & second).total() / max(first.total() + second.total(), 1)


def vote(neighbours: Sequence[Sequence[Hit]], labels: Sequence[str]) -> Scores:
    """Shares of the neighbours' votes; all zero where there are no neighbours."""
    place = {label: column for column, label in enumerate(labels)}
    width = max((len(hits) for hits in neighbours), default=0)
    similarities = np.full((len(neighbours), width), -np.inf)
    columns = np.zeros((len(neighbours), width), dtype=np.int64)
    for row, hits in enumerate(neighbours):
        similarities[row, : len(hits)] = [hit.similarity for hit in hits]
        columns[row, : len(hits)] = [place[hit.intent] for hit in hits]
    return vote_matrix(similarities, columns, len(labels))


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


def _with_later(probabilities: Scores, votes: Scores) -> Scores:
    """Intents that came after training get what the neighbours give them; the rest is scaled to what is left."""
    later = votes[:, probabilities.shape[1] :]
    return np.hstack([probabilities * (1 - later.sum(axis=1, keepdims=True)), later])


def _pad(scores: Scores, width: int) -> Scores:
    return np.pad(scores, ((0, 0), (0, width - scores.shape[1])))


def save_classifier(classifier: Classifier, folder: Path) -> None:
    """Write `classifier.safetensors` (arrays) and `classifier.json` (labels, vocabulary, mix)."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "dense.weights": classifier.dense.weights,
        "dense.bias": classifier.dense.bias,
        "lexical.weights": classifier.lexical.weights,
        "lexical.bias": classifier.lexical.bias,
    }
    vectorizers = []
    for number, vectorizer in enumerate(classifier.lexical.vectorizers):
        arrays[f"lexical.idf.{number}"] = np.asarray(vectorizer.idf_, dtype=np.float64)
        vocabulary = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
        vectorizers.append({"settings": _vectorizer_settings(vectorizer), "vocabulary": vocabulary})
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "classifier.safetensors")
    about = {
        "intents": classifier.intents,
        "mix": {name: getattr(classifier.mix, name) for name in Mix.__slots__},
        "vectorizers": vectorizers,
    }
    (folder / "classifier.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def load_classifier(folder: Path) -> Classifier:
    """Read what `save_classifier` wrote."""
    arrays = load_file(folder / "classifier.safetensors")
    about = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
    vectorizers = tuple(
        _restore_vectorizer(entry["settings"], entry["vocabulary"], arrays[f"lexical.idf.{number}"])
        for number, entry in enumerate(about["vectorizers"])
    )
    return Classifier(
        tuple(about["intents"]),
        DenseHead(arrays["dense.weights"], arrays["dense.bias"]),
        LexicalHead(vectorizers, arrays["lexical.weights"], arrays["lexical.bias"]),
        Mix(**about["mix"]),
    )


def new_vectorizer(*, analyzer: str, ngram_range: tuple[int, int], min_df: int = 1) -> Any:
    """scikit-learn's TfidfVectorizer with the settings that both n-gram families share."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=ngram_range,
        min_df=min_df,
        sublinear_tf=True,
        token_pattern=r"(?u)\b\w+\b" if analyzer == "word" else None,
    )


def _vectorizer_settings(vectorizer: Any) -> dict[str, Any]:
    return {"analyzer": vectorizer.analyzer, "ngram_range": list(vectorizer.ngram_range)}


def _restore_vectorizer(settings: Mapping[str, Any], vocabulary: Sequence[str], idf: NDArray[np.float64]) -> Any:
    vectorizer = new_vectorizer(analyzer=settings["analyzer"], ngram_range=tuple(settings["ngram_range"]))
    vectorizer.vocabulary_ = {term: column for column, term in enumerate(vocabulary)}
    vectorizer.fixed_vocabulary_ = False
    vectorizer.idf_ = idf
    return vectorizer
