"""Texts that say nearly the same, by the share of three-character runs they have in common (Jaccard)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from chatbot.text import normalise

_BLOCK = 256
_TYPICAL_OF = 200


def group_similar(texts: Sequence[str], threshold: float) -> list[list[int]]:
    """Positions in groups; the first of each is its leader, and the others are at least `threshold` like it.

    A text joins the first leader that it resembles, so the order of `texts` decides: put what should lead first.
    """
    runs, sizes = _runs(texts)
    free = np.ones(len(texts), dtype=bool)
    groups: list[list[int]] = []
    for start in range(0, len(texts), _BLOCK):
        rows = np.flatnonzero(free[start : start + _BLOCK]) + start
        shared = (runs[rows] @ runs.T).tocsr()
        for position, leader in enumerate(rows):
            if not free[leader]:
                continue
            found = slice(shared.indptr[position], shared.indptr[position + 1])
            others, common = shared.indices[found], shared.data[found]
            like = common / (sizes[leader] + sizes[others] - common)
            members = np.sort(others[(like >= threshold) & free[others] & (others != leader)])
            free[leader] = False
            free[members] = False
            groups.append([int(leader), *(int(member) for member in members)])
    return groups


def most_typical(texts: Sequence[str]) -> str:
    """The text most like all others; of equals the shortest, then the first in the alphabet."""
    choices = sorted(set(texts), key=lambda text: (len(text), text))[:_TYPICAL_OF]
    if len(choices) == 1:
        return choices[0]
    runs, sizes = _runs(choices)
    shared = (runs @ runs.T).toarray()
    like = shared / (sizes[:, None] + sizes[None, :] - shared)
    return choices[int(np.argmax(np.round(like.sum(axis=1), 9)))]


def _runs(texts: Sequence[str]) -> tuple[csr_matrix, NDArray[np.float64]]:
    """A row for each text with a one for each run in it, and how many runs each has."""
    columns: dict[str, int] = {}
    indices: list[int] = []
    ends = [0]
    for text in texts:
        padded = f" {normalise(text)}  "
        runs = {padded[i : i + 3] for i in range(len(padded) - 2)}
        indices.extend(columns.setdefault(run, len(columns)) for run in sorted(runs))
        ends.append(len(indices))
    matrix = csr_matrix(
        (np.ones(len(indices), dtype=np.float32), indices, ends), shape=(len(texts), max(len(columns), 1))
    )
    return matrix, np.diff(ends).astype(np.float64)
