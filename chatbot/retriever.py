"""The vector index behind one small protocol: FAISS, exact below 50,000 vectors, in cells above, on a GPU where one is.

Similarity is the cosine (inner product of unit vectors): higher is closer. Vectors are added and removed without a
rebuild. The database is the truth; an index is only ever built from it. Why which kind from where: docs/retrieval.md.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from chatbot.types import Vector

# FAISS wraps its functions in Python at import; its own type stubs describe the unwrapped ones.
faiss: Any = _faiss

EXACT_UNTIL = 50_000
EXACT_ON_GPU_UNTIL = 2_000_000
"""3 GB at 384 dimensions, which a small card holds beside the encoder."""

ROWS_PER_CELL = 50
"""That the middles of the cells are found from; more made no better cells."""

ROUNDS = 6
LEAST_RECALL = 0.99
"""Of the ten nearest, on stored vectors when the index is built."""

MOST_BITS = 2**26
"""8 MB."""

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
    """Exact (flat), or in cells of which a search looks into the nearest ones (IVF); safe to change while other threads
    search."""

    def __init__(self, dimension: int, *, sample: Vector | None = None) -> None:
        """With a `sample` of the vectors to come the space is divided into cells; without one the index is flat."""
        self.dimension = dimension
        self.exact = sample is None
        self._index = faiss.IndexIDMap(faiss.IndexFlatIP(dimension)) if sample is None else _divided(sample)
        self._cells = 0 if sample is None else int(self._index.nlist)
        self._looked_into = self._cells  # all, until `settle` knows how many will do
        self._ids: set[int] = set()
        self._gpu: Any = None
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._ids)

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
            coming = np.asarray(ids, dtype=np.int64)
            numbers, gone = set(coming.tolist()), self._ids.intersection(leaving)
            known = sorted(numbers & self._ids - gone)
            if known or len(numbers) < len(coming):
                raise ValueError(f"ids are added once; already there or given twice: {(known or coming.tolist())[:5]}")
            if gone:
                self._index.remove_ids(np.array(sorted(gone), dtype=np.int64))
            if numbers:
                self._index.add_with_ids(vectors, coming)
            self._ids = (self._ids - gone) | numbers
            self._gpu = None

    def settle(self, queries: Vector, count: int = 10) -> None:
        """Look into as few cells as find the `count` nearest of these stored vectors, themselves not counted."""
        if self.exact:
            return
        with self._lock:
            self._looked_into = self._cells
            truth = self.search(queries, count + 1)[1][:, 1:]
            self._looked_into = 1
            while self._looked_into < self._cells and _share(truth, self.search(queries, count + 1)[1]) < LEAST_RECALL:
                self._looked_into *= 2

    def search(self, vectors: Vector, count: int, *, allowed: Ids | None = None) -> tuple[NDArray[np.float32], Ids]:
        queries = np.ascontiguousarray(np.atleast_2d(vectors), dtype=np.float32)
        # One message alone is found faster by one thread than by waking the others, and leaves them to other messages.
        # OpenMP keeps this number per calling thread, so it is set each time.
        faiss.omp_set_num_threads(1 if len(queries) == 1 else os.cpu_count() or 1)
        with self._lock:
            wanted = min(count, len(self._ids) if allowed is None else len(allowed))
            if wanted == 0:
                similarities, ids = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
            else:
                similarities, ids = self._find(queries, wanted, allowed)
        return _padded(similarities, ids, count)

    def _find(self, queries: Vector, count: int, allowed: Ids | None) -> Any:
        if allowed is None and self.exact and faiss.get_num_gpus() > 0:
            return self._on_gpu().search(queries, count)
        among = None if allowed is None else _selector(np.asarray(allowed, dtype=np.int64))
        if self.exact:
            return self._index.search(queries, count, params=faiss.SearchParameters(sel=among))
        # What is allowed may lie in any cell, so that all are looked into; the rest of them is passed over unread.
        cells = self._looked_into if among is None else self._cells
        return self._index.search(queries, count, params=faiss.SearchParametersIVF(sel=among, nprobe=cells))

    def _on_gpu(self) -> Any:
        """A copy on all GPUs. GPU indexes cannot remove or filter, so the copy is made anew after each change."""
        if self._gpu is None:
            self._gpu = faiss.index_cpu_to_all_gpus(self._index)
        return self._gpu


def build_index(dimension: int, ids: Sequence[int] | Ids, vectors: Vector) -> FaissIndex:
    """The index that suits this many vectors, filled."""
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    until = EXACT_ON_GPU_UNTIL if faiss.get_num_gpus() > 0 else EXACT_UNTIL
    index = FaissIndex(dimension, sample=None if len(ids) < until else vectors)
    index.add(np.asarray(ids, dtype=np.int64), vectors)
    index.settle(vectors[:: len(vectors) // 256 + 1])
    return index


def cells(count: int) -> int:
    """How many for so many vectors: a power of two near twice the root. More cost more to build than they save."""
    return int(2 ** np.round(np.log2(2 * count**0.5)))


def _divided(sample: Vector) -> Any:
    """An IVF whose cells lie where the sample's rows lie; the same each time, FAISS draws from a fixed seed."""
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    dimension, count = sample.shape[1], cells(len(sample))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, count, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = ROUNDS
    index.cp.min_points_per_centroid = 1  # no complaint on the console about a small sample
    index.train(np.ascontiguousarray(sample[:: max(1, len(sample) // (ROWS_PER_CELL * count))], dtype=np.float32))
    return index


def _selector(allowed: Ids) -> Any:
    """A bit for each id is asked faster than a set; ids of a database are small enough for that."""
    if allowed.min() < 0 or allowed.max() >= MOST_BITS:
        return faiss.IDSelectorBatch(allowed)
    chosen = np.zeros(int(allowed.max()) + 1, dtype=bool)
    chosen[allowed] = True
    return faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))


def _share(truth: Ids, found: Ids) -> float:
    return float(np.mean([np.isin(one, other).mean() for one, other in zip(truth, found, strict=True)]))


def _padded(similarities: NDArray[np.float32], ids: Ids, count: int) -> tuple[NDArray[np.float32], Ids]:
    """Rows of exactly `count` places; equal similarities in the order of their ids, so that results repeat."""
    order = np.lexsort((ids, -similarities), axis=1)
    similarities, ids = np.take_along_axis(similarities, order, 1), np.take_along_axis(ids, order, 1)
    missing = count - ids.shape[1]
    if missing > 0:
        similarities = np.pad(similarities, ((0, 0), (0, missing)), constant_values=-np.inf)
        ids = np.pad(ids, ((0, 0), (0, missing)), constant_values=NO_HIT)
    return np.where(ids == NO_HIT, -np.inf, similarities).astype(np.float32), ids.astype(np.int64)
