"""Which vector index suits how many vectors: build time, memory, recall against exact search, time of one query.

    python benchmarks/index.py [--sizes 10000 100000 1000000] [--kinds flat hnsw ...] [--most-minutes 30]

Unit vectors of 384 dimensions in clusters, made from a seed: groups of wordings around some thousand subjects, along
fewer directions than there are dimensions, as sentence vectors lie. Each index is built in a process of its own with
all cores and asked one query at a time by one thread. A build that takes longer than allowed is stopped, and says so.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # also when it is run as a file

from benchmarks.tables import provenance, quantile, table  # noqa: E402 - after the path
from chatbot.retriever import ROUNDS, ROWS_PER_CELL, Ids, cells, faiss  # noqa: E402
from chatbot.types import Vector  # noqa: E402

DIMENSION = 384
NEIGHBOURS = 5
ASKED = 400
"""Queries: one half chooses how many cells an IVF looks into, the other is what the table speaks of."""

LEAST_RECALL = 0.99
HNSW_LINKS, HNSW_EF_CONSTRUCTION, HNSW_EF_SEARCH = 32, 200, 128
TIMED_SECONDS = 20.0
BLOCK = 10_000
"""Vectors that are added between two looks at the clock."""


def clusters(count: int, *, centres: int, seed: int, dimension: int = DIMENSION) -> Vector:
    """Unit rows; centres and directions are the same for every seed, so that queries fit the vectors.

    Spectrum and spread are such that similarities of neighbours, and the cells that an IVF has to look into, come near
    those of 25,809 MiniLM vectors of customers' questions (0.70 to 0.98 to the nearest, 16 of 512 cells), a bit harder.
    """
    shape, chance = np.random.default_rng(7), np.random.default_rng([seed, count])
    spectrum = np.arange(1, dimension + 1) ** -0.8
    turned = np.linalg.qr(shape.normal(size=(dimension, dimension)))[0]
    directions = (spectrum[:, None] * turned).astype(np.float32)
    middle = _unit(shape.normal(size=(centres, dimension)).astype(np.float32) @ directions)
    rows = np.empty((count, dimension), np.float32)
    for start in range(0, count, BLOCK):
        shift = chance.normal(size=(min(BLOCK, count - start), dimension)).astype(np.float32) @ directions
        rows[start : start + BLOCK] = _unit(middle[chance.integers(centres, size=len(shift))] + 0.8 * _unit(shift))
    return rows


def _unit(rows: Vector) -> Vector:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _flat(_: int) -> Any:
    return faiss.IndexFlatIP(DIMENSION)


def _scalar(bits: int) -> Any:
    return faiss.ScalarQuantizer.QT_fp16 if bits == 16 else faiss.ScalarQuantizer.QT_8bit


def _flat_scalar(bits: int) -> Callable[[int], Any]:
    return lambda _: faiss.IndexScalarQuantizer(DIMENSION, _scalar(bits), faiss.METRIC_INNER_PRODUCT)


def _hnsw(bits: int) -> Callable[[int], Any]:
    def make(_: int) -> Any:
        if bits == 32:
            index = faiss.IndexHNSWFlat(DIMENSION, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
        else:
            index = faiss.IndexHNSWSQ(DIMENSION, _scalar(bits), HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = HNSW_EF_CONSTRUCTION, HNSW_EF_SEARCH
        return index

    return make


def _ivf(bits: int) -> Callable[[int], Any]:
    def make(count: int) -> Any:
        coarse, inner = faiss.IndexFlatIP(DIMENSION), faiss.METRIC_INNER_PRODUCT
        if bits == 32:
            index = faiss.IndexIVFFlat(coarse, DIMENSION, cells(count), inner)
        else:
            index = faiss.IndexIVFScalarQuantizer(coarse, DIMENSION, cells(count), _scalar(bits), inner, False)
        index.cp.niter = ROUNDS
        return index

    return make


KINDS: dict[str, Callable[[int], Any]] = {
    "flat": _flat,
    "flat, fp16": _flat_scalar(16),
    "flat, 8 bit": _flat_scalar(8),
    "IVF": _ivf(32),
    "IVF, fp16": _ivf(16),
    "IVF, 8 bit": _ivf(8),
    "HNSW": _hnsw(32),
    "HNSW, fp16": _hnsw(16),
    "HNSW, 8 bit": _hnsw(8),
}


def build(index: Any, vectors: Vector, most_seconds: float) -> tuple[int, float]:
    """How many vectors went in, and the seconds that it took."""
    start = time.perf_counter()
    if not index.is_trained:
        wanted = ROWS_PER_CELL * getattr(index, "nlist", 1000)
        index.train(vectors[:: max(1, len(vectors) // wanted)])
    added = 0
    while added < len(vectors) and time.perf_counter() - start < most_seconds:
        index.add(vectors[added : added + BLOCK])
        added += len(vectors[added : added + BLOCK])
    return added, time.perf_counter() - start


def recall(found: Ids, truth: Ids) -> float:
    """The share of the true neighbours that were found."""
    return float(np.mean([len(set(one) & set(other)) / len(other) for one, other in zip(found, truth, strict=True)]))


def choose_probes(index: Any, queries: Vector, truth: Ids) -> int:
    """The fewest cells, doubling, that lose hardly more than rounding alone has lost already."""
    index.nprobe = index.nlist
    wanted = LEAST_RECALL * recall(index.search(queries, NEIGHBOURS)[1], truth)
    index.nprobe = 1
    while index.nprobe < index.nlist and recall(index.search(queries, NEIGHBOURS)[1], truth) < wanted:
        index.nprobe *= 2
    return int(index.nprobe)


def serialised(index: Any) -> int:
    """Bytes, counted without keeping them."""
    size = 0

    def count(written: bytes) -> int:
        nonlocal size
        size += len(written)
        return len(written)

    faiss.write_index(index, faiss.PyCallbackIOWriter(count))
    return size


def one_by_one(index: Any, queries: Vector) -> list[float]:
    """Milliseconds of each query alone, by one thread, until the time is up."""
    faiss.omp_set_num_threads(1)
    for query in queries[:10]:
        index.search(query[None], NEIGHBOURS)
    taken, until = [], time.monotonic() + TIMED_SECONDS
    for query in queries:
        start = time.perf_counter()
        index.search(query[None], NEIGHBOURS)
        taken.append((time.perf_counter() - start) * 1000)
        if time.monotonic() > until:
            break
    return taken


def examine(kind: str, folder: Path, most_seconds: float) -> dict[str, Any]:
    """One index, from nothing to its figures."""
    vectors, queries, truth = (np.load(folder / f"{name}.npy") for name in ("vectors", "queries", "truth"))
    half, process = ASKED // 2, psutil.Process()
    before = process.memory_info().rss
    index = KINDS[kind](len(vectors))
    added, seconds = build(index, vectors, most_seconds)
    figures: dict[str, Any] = {"added": added, "seconds": seconds}
    if added < len(vectors):
        return figures
    figures |= {"resident": process.memory_info().rss - before, "bytes": serialised(index)}
    if hasattr(index, "nprobe"):
        figures["probes"] = f"{choose_probes(index, queries[:half], truth[:half])} of {index.nlist}"
    figures["recall"] = recall(index.search(queries[half:], NEIGHBOURS)[1], truth[half:])
    taken = one_by_one(index, queries[half:])
    return figures | {"p50": quantile(taken, 0.5), "p99": quantile(taken, 0.99)}


def measure(size: int, kinds: Sequence[str], most_minutes: float) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        centres = max(1, min(3000, size // 80))
        vectors, queries = clusters(size, centres=centres, seed=0), clusters(ASKED, centres=centres, seed=1)
        truth = faiss.knn(queries, vectors, NEIGHBOURS, metric=faiss.METRIC_INNER_PRODUCT)[1]
        for name, rows in (("vectors", vectors), ("queries", queries), ("truth", truth)):
            np.save(Path(folder) / f"{name}.npy", rows)
        del vectors
        rows = []
        for kind in kinds:
            command = [sys.executable, __file__, "--examine", kind, folder, "--most-minutes", str(most_minutes)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
            rows.append(row(kind, size, json.loads(done.stdout)))
            print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    return rows


def row(kind: str, size: int, figures: dict[str, Any]) -> list[str]:
    name = f"{kind} ({figures['probes']} cells)" if "probes" in figures else kind
    if figures["added"] < size:
        stopped = f"stopped after {figures['seconds']:,.0f} with {figures['added']:,}"
        return [f"{size:,}", name, stopped, "", "", "", "", ""]
    return [
        f"{size:,}",
        name,
        f"{figures['seconds']:,.2f}",
        f"{figures['bytes'] / 1e6:,.0f}",
        f"{figures['resident'] / 1e6:,.0f}",
        f"{figures['recall']:.4f}",
        f"{figures['p50']:.3f}",
        f"{figures['p99']:.3f}",
    ]


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--most-minutes", type=float, default=30.0, help="of one build")
    parser.add_argument("--examine", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(given)
    if chosen.examine:
        kind, folder = chosen.examine
        print(json.dumps(examine(kind, Path(folder), chosen.most_minutes * 60)))
        return
    rows = [each for size in chosen.sizes for each in measure(size, chosen.kinds, chosen.most_minutes)]
    header = ["vectors", "index", "build, s", "size, MB", "resident, MB", "recall@5", "p50, ms", "p99, ms"]
    print(f"{provenance(('faiss-cpu',))}\n\n{table(header, rows)}")


if __name__ == "__main__":
    main()
