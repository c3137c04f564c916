"""Question to question: does the nearest approved example have the right intent, ten examples an intent?

Every way of ranking gets the same examples and the same vectors. The share wrong at the first place is what counts.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.draws import Labelled, few_shot
from benchmarks.peers.accuracy import Sets, count_right
from benchmarks.tables import percent, table
from benchmarks.trained import trained_shop
from chatbot.types import Vector

RRF_CONSTANT = 60
"""Of the first paper on reciprocal-rank fusion (Cormack and others, 2009), and most libraries' default."""

DENSE = "dense: MiniLM, cosine"
Ranks = NDArray[np.float64]


def compare(sets: Sets, *, seeds: int) -> str:
    errors: dict[str, list[float]] = {}
    for seed in range(seeds):
        for title, error in _errors(few_shot(sets.train, 10, seed), sets.asked).items():
            errors.setdefault(title, []).append(error)
    plain = errors[DENSE]
    rows = [
        [
            title,
            percent(statistics.fmean(found)),
            f"{statistics.fmean(found) / statistics.fmean(plain):.2f}",
            f"{max(one / other for one, other in zip(found, plain, strict=True)):.2f}",
        ]
        for title, found in errors.items()
    ]
    header = [f"first place wrong, 10-shot, mean of {seeds}", "error", "times dense", "at worst"]
    return f"{sets.name}: {len(sets.asked):,} questions\n\n{table(header, rows)}"


def _errors(rows: Sequence[Labelled], asked: Sequence[Labelled]) -> dict[str, float]:
    with trained_shop(rows) as shop:
        bot = shop.bot
        queries = shop.redact(row.text for row in asked)
        ours = [reading.ranked(1)[0][0] for reading in bot.read_many(queries)]
        texts = [query.text for query in shop.redact(row.text for row in rows)]
        vectors, asked_vectors = bot.encoder.encode(texts), bot.encoder.encode([query.text for query in queries])
    dense = cosines(asked_vectors, vectors)
    lexical = lexical_similarities([query.text for query in queries], texts)
    rankings: dict[str, Callable[[], Ranks]] = {
        DENSE: lambda: dense,
        "lexical: TF-IDF, cosine": lambda: lexical,
        "reciprocal-rank fusion of both": lambda: fused(dense, lexical),
        "0.9 dense + 0.1 lexical": lambda: 0.9 * dense + 0.1 * lexical,
    }
    found = {"this project: learned mixture": 1 - count_right(ours, asked) / len(asked)}
    for title, similarities in rankings.items():
        nearest = [rows[place].intent for place in similarities().argmax(axis=1)]
        found[title] = 1 - count_right(nearest, asked) / len(asked)
    return found


def cosines(queries: Vector, examples: Vector) -> Ranks:
    return np.asarray(queries @ examples.T, dtype=np.float64)


def lexical_similarities(queries: Sequence[str], examples: Sequence[str]) -> Ranks:
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit(examples)
    return np.asarray((vectorizer.transform(queries) @ vectorizer.transform(examples).T).toarray())


def fused(one: Ranks, other: Ranks) -> Ranks:
    """Reciprocal-rank fusion of two tables of similarities, shape (queries, examples)."""
    return 1 / (RRF_CONSTANT + _places(one)) + 1 / (RRF_CONSTANT + _places(other))


def _places(similarities: Ranks) -> Ranks:
    """From 1 for the most similar; equal ones in the order of the examples."""
    order = np.argsort(-similarities, axis=1, kind="stable")
    places = np.empty_like(similarities)
    np.put_along_axis(places, order, np.arange(1.0, similarities.shape[1] + 1)[None, :], axis=1)
    return places
