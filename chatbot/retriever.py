"""The vector index behind one small protocol: FAISS, exact below 50,000 vectors, HNSW above, on the GPU where one is.

Similarity is the cosine (inner product of unit vectors): higher is closer. Vectors are added and removed without a
rebuild. The database is the truth; an index is only ever built from it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from chatbot.types import Vector

# FAISS wraps its functions in Python at import; its own type stubs describe the unwrapped ones.
faiss: Any = _faiss

EXACT_UNTIL = 50_000
HNSW_LINKS = 32
HNSW_EF_CONSTRUCTION = 200
HNSW_EF_SEARCH = 128

Ids = NDArray[np.int64]
NO_HIT = -1


class VectorIndex(Protocol):
    def __len__(self) -> int: ...

    def add(self, ids: Ids, vectors: Vector) -> None:
        """Add rows of unit length, shape (n, dimension); raises ValueError for an id that is already there."""

    def remove(self, ids: Iterable[int]) -> None:
        """Take ids out; those that are not there are ignored."""

    def search(self, vectors: Vector, count: int, *, allowed: Ids | None = None) -> tuple[NDArray[np.float32], Ids]:
        """Similarities and ids of the nearest, closest first, shape (n, count); the rest is -inf and NO_HIT.

        With `allowed`, only those ids are found, and the filter costs no recall: it is applied inside the search.
        """


class FaissIndex:
    """Exact (flat) or HNSW; safe to change while other threads search.

    HNSW cannot remove, so a removed vector stays in the graph under an internal id that no search gives back.
    """

    def __init__(self, dimension: int, *, exact: bool) -> None:
        self.dimension = dimension
        self.exact = exact
        self._index = faiss.IndexIDMap2(_base(dimension, exact))
        self._label: dict[int, int] = {}  # the caller's id to the index's own, which is never used twice
        self._id: dict[int, int] = {}
        self._next = 0
        self._gone: list[int] = []  # labels that are in the graph and in no answer
        self._live: Any = None  # the selector that says so
        self._gpu: Any = None
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._label)

    def add(self, ids: Ids, vectors: Vector) -> None:
        self.replace(leaving=(), ids=ids, vectors=vectors)

    def remove(self, ids: Iterable[int]) -> None:
        self.replace(leaving=ids, ids=np.empty(0, np.int64), vectors=np.empty((0, self.dimension), np.float32))

    def replace(self, *, leaving: Iterable[int], ids: Ids, vectors: Vector) -> None:
        """Remove and add in one step that no search sees the middle of; after a ValueError nothing has changed."""
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if vectors.shape != (len(ids), self.dimension):
            raise ValueError(f"vectors of shape {vectors.shape} where ({len(ids)}, {self.dimension}) are needed")
        with self._lock:
            coming = np.asarray(ids, dtype=np.int64).tolist()
            leaving = set(leaving)
            known = [number for number in coming if number in self._label and number not in leaving]
            if known or len(set(coming)) < len(coming):
                raise ValueError(f"ids are added once; already there or given twice: {(known or coming)[:5]}")
            self._take_out(leaving)
            self._put_in(coming, vectors)
            self._gpu = None

    def _take_out(self, leaving: Iterable[int]) -> None:
        labels = [self._label.pop(number) for number in leaving if number in self._label]
        for label in labels:
            del self._id[label]
        if labels and self.exact:
            self._index.remove_ids(np.array(sorted(labels), dtype=np.int64))
        elif labels:
            self._gone += labels
            self._live = faiss.IDSelectorNot(faiss.IDSelectorBatch(np.array(self._gone, dtype=np.int64)))

    def _put_in(self, coming: list[int], vectors: Vector) -> None:
        if not coming:
            return
        labels = np.arange(self._next, self._next + len(coming), dtype=np.int64)
        self._index.add_with_ids(vectors, labels)
        self._next += len(coming)
        for number, label in zip(coming, labels.tolist(), strict=True):
            self._label[number] = label
            self._id[label] = number

    def search(self, vectors: Vector, count: int, *, allowed: Ids | None = None) -> tuple[NDArray[np.float32], Ids]:
        queries = np.ascontiguousarray(np.atleast_2d(vectors), dtype=np.float32)
        # One message alone is found faster by one thread than by waking the others, and leaves them to other messages.
        # OpenMP keeps this number per calling thread, so it is set each time.
        faiss.omp_set_num_threads(1 if len(queries) == 1 else os.cpu_count() or 1)
        with self._lock:
            labels = self._labels(allowed)
            wanted = min(count, len(self._label) if labels is None else len(labels))
            if wanted == 0:
                similarities, found = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
            else:
                similarities, found = self._find(queries, wanted, labels)
            ids = _map(found, self._id)
        return _padded(similarities, ids, count)

    def _labels(self, allowed: Ids | None) -> Ids | None:
        """The index's own ids to search among; None for all that are live."""
        if allowed is not None:
            known = [self._label[number] for number in np.asarray(allowed).tolist() if number in self._label]
            return np.array(sorted(set(known)), dtype=np.int64)
        # A walk through a graph of mostly removed nodes would find too few.
        return np.fromiter(self._id, dtype=np.int64) if len(self._gone) > len(self._id) else None

    def _find(self, queries: Vector, count: int, labels: Ids | None) -> Any:
        if labels is None:
            if self.exact and faiss.get_num_gpus() > 0:
                return self._on_gpu().search(queries, count)
            return self._index.search(queries, count, params=self._parameters(count, self._live))
        if not self.exact and len(labels) < EXACT_UNTIL:
            return self._compare(queries, labels, count)
        return self._index.search(queries, count, params=self._parameters(count, faiss.IDSelectorBatch(labels)))

    def _parameters(self, count: int, selector: Any) -> Any:
        if self.exact:
            return faiss.SearchParameters(sel=selector)
        return faiss.SearchParametersHNSW(sel=selector, efSearch=max(HNSW_EF_SEARCH, 2 * count))

    def _compare(self, queries: Vector, labels: Ids, count: int) -> tuple[NDArray[np.float32], Ids]:
        """Exact search among few: a graph walk that may pass through few nodes only would miss some."""
        similarities = queries @ self._index.reconstruct_batch(labels).T
        best = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(similarities, best, axis=1), labels[best]

    def _on_gpu(self) -> Any:
        """A copy on all GPUs. GPU indexes cannot remove or filter, so the copy is made anew after each change."""
        if self._gpu is None:
            self._gpu = faiss.index_cpu_to_all_gpus(self._index)
        return self._gpu


def build_index(dimension: int, ids: Sequence[int] | Ids, vectors: Vector) -> FaissIndex:
    """The index that suits this many vectors, filled."""
    index = FaissIndex(dimension, exact=len(ids) < EXACT_UNTIL)
    index.add(np.asarray(ids, dtype=np.int64), vectors)
    return index


def _base(dimension: int, exact: bool) -> Any:
    if exact:
        return faiss.IndexFlatIP(dimension)
    index = faiss.IndexHNSWFlat(dimension, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = HNSW_EF_CONSTRUCTION
    return index


def _map(labels: Ids, ids: Mapping[int, int]) -> Ids:
    return np.array([[ids.get(label, NO_HIT) for label in row] for row in labels.tolist()], dtype=np.int64).reshape(
        labels.shape
    )


def _padded(similarities: NDArray[np.float32], ids: Ids, count: int) -> tuple[NDArray[np.float32], Ids]:
    """Rows of exactly `count` places; equal similarities in the order of their ids, so that results repeat."""
    order = np.lexsort((ids, -similarities), axis=1)
    similarities, ids = np.take_along_axis(similarities, order, 1), np.take_along_axis(ids, order, 1)
    missing = count - ids.shape[1]
    if missing > 0:
        similarities = np.pad(similarities, ((0, 0), (0, missing)), constant_values=-np.inf)
        ids = np.pad(ids, ((0, 0), (0, missing)), constant_values=NO_HIT)
    return np.where(ids == NO_HIT, -np.inf, similarities).astype(np.float32), ids.astype(np.int64)
