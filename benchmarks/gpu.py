"""What a GPU does here: encoder texts a second in bf16, and exact search over ten million vectors in fp16
(both in float32 on a processor).

    python benchmarks/gpu.py [--vectors 10000000] [--device cuda]
    python benchmarks/gpu.py --device cpu --vectors 10000    # the same code where there is no GPU

A search has to read every vector once and to multiply it with every query: the time that the copy bandwidth and the
matrix speed measured on the same device allow at best is the limit, and the share of it that is reached is printed.
Through faiss-gpu where it is installed, and through torch (benchmarks/torch_index.py).
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # also when it is run as a file

from benchmarks.tables import provenance, table  # noqa: E402 - after the path
from benchmarks.torch_index import TorchIndex  # noqa: E402
from chatbot.encoder import TorchEncoder  # noqa: E402
from chatbot.retriever import Ids, faiss  # noqa: E402
from chatbot.types import Vector  # noqa: E402

DIMENSION = 384
NEIGHBOURS = 5
BATCHES = (1, 4, 16, 64, 256, 1024)
BLOCK = 500_000


class Search(Protocol):
    def search(self, vectors: Vector, count: int) -> tuple[NDArray[np.float32], Ids]: ...


def seconds(work: Callable[[], object], device: str) -> float:
    """The least time of some tries, after one that is not counted; it includes waiting for the device."""
    best = float("inf")
    for number in range(4 if device == "cpu" else 11):
        start = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize(device)
        if number:
            best = min(best, time.perf_counter() - start)
    return best


def precision(device: str, half: torch.dtype) -> torch.dtype:
    """Most processors compute in half precision only by way of float32, slowly: there the figures would say nothing."""
    return torch.float32 if device == "cpu" else half


def bandwidth(device: str) -> float:
    """Bytes a second, read and written, of a copy on the device."""
    size = 2**24 if device == "cpu" else 2**31
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / seconds(lambda: target.copy_(source), device)


def matrix_speed(device: str) -> float:
    """Multiplications and additions a second of a large product."""
    size = 256 if device == "cpu" else 8192
    one = torch.randn((size, size), device=device).to(precision(device, torch.float16))
    return 2.0 * size**3 / seconds(lambda: one @ one, device)


def limit(rows: torch.Tensor, batch: int, *, copied: float, multiplied: float) -> float:
    """Seconds that a search over these rows takes at least."""
    return max(float(rows.nbytes) / copied, 2.0 * batch * float(rows.numel()) / multiplied)


def encoder_table(device: str, batches: Sequence[int]) -> str:
    with (ROOT / "data" / "questions.csv").open(encoding="utf-8", newline="") as file:
        asked = [row["text"] for row in csv.DictReader(file)]
    model = TorchEncoder().model.to(device).to(precision(device, torch.bfloat16))
    rows = []
    for batch in batches:
        texts = list(itertools.islice(itertools.cycle(asked), batch))
        tokens = {name: values.to(device) for name, values in model.preprocess(texts).items() if hasattr(values, "to")}
        with torch.inference_mode():
            alone = seconds(lambda tokens=tokens: model(dict(tokens)), device)  # type: ignore[misc]
        whole = seconds(
            lambda texts=texts: model.encode(texts, batch_size=len(texts), show_progress_bar=False),  # type: ignore[misc]
            device,
        )
        rows.append([f"{batch:,}", f"{whole * 1000:.2f}", f"{batch / whole:,.0f}", f"{batch / alone:,.0f}"])
    return table(["batch", "ms", "texts/s", "texts/s, already in tokens"], rows)


def random_rows(count: int, device: str) -> torch.Tensor:
    """Unit rows, in fp16 on a GPU, made on the device."""
    rows = torch.empty((count, DIMENSION), dtype=precision(device, torch.float16), device=device)
    source = torch.Generator(device).manual_seed(0)
    for start in range(0, count, BLOCK):
        part = torch.randn((min(BLOCK, count - start), DIMENSION), generator=source, device=device)
        rows[start : start + BLOCK] = torch.nn.functional.normalize(part, dim=1)
    return rows


def through_torch(rows: torch.Tensor, device: str) -> Search:
    index = TorchIndex(DIMENSION, device=device, precision=rows.dtype)
    index.put(torch.arange(len(rows)), rows)
    return index


def through_faiss(rows: torch.Tensor) -> Search:
    """FAISS's flat index on the GPU, in fp16."""
    settings = faiss.GpuIndexFlatConfig()
    settings.useFloat16 = True
    index: Any = faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), DIMENSION, settings)
    for start in range(0, len(rows), BLOCK):
        index.add(rows[start : start + BLOCK].float().cpu().numpy())
    found: Search = index
    return found


def agreement(index: Search, rows: torch.Tensor, queries: Vector) -> float:
    """The share of the nearest, by float32 arithmetic over the same rows, that the index finds."""
    asked, best = torch.from_numpy(queries).to(rows.device), []
    for start in range(0, len(rows), BLOCK):
        values, places = (asked @ rows[start : start + BLOCK].float().T).topk(NEIGHBOURS, dim=1)
        best.append((values, places + start))
    order = torch.cat([values for values, _ in best], 1).topk(NEIGHBOURS, dim=1).indices
    truth = torch.cat([places for _, places in best], 1).gather(1, order).cpu().numpy()
    found = index.search(queries, NEIGHBOURS)[1]
    return float(np.mean([np.isin(one, other).mean() for one, other in zip(truth, found, strict=True)]))


def search_table(indexes: Mapping[str, Search], rows: torch.Tensor, device: str, batches: Sequence[int]) -> str:
    copied, multiplied = bandwidth(device), matrix_speed(device)
    cells = []
    for name, index in indexes.items():
        for batch in batches:
            queries = random_rows(batch, "cpu").float().numpy()
            took = seconds(lambda index=index, queries=queries: index.search(queries, NEIGHBOURS), device)  # type: ignore[misc]
            least = limit(rows, batch, copied=copied, multiplied=multiplied)
            cells.append(
                [
                    name,
                    f"{batch:,}",
                    f"{took * 1000:.2f}",
                    f"{batch / took:,.0f}",
                    f"{least * 1000:.2f}",
                    f"{least / took * 100:.0f} %",
                ]
            )
    recall = {name: agreement(index, rows, random_rows(16, "cpu").float().numpy()) for name, index in indexes.items()}
    said = ", ".join(f"{name} {share:.4f}" for name, share in recall.items())
    return (
        f"{len(rows):,} vectors, {rows.nbytes / 1e9:.2f} GB; copy {copied / 1e9:,.0f} GB/s, "
        f"product {multiplied / 1e12:,.1f} TFLOP/s in {rows.dtype}; recall@{NEIGHBOURS} against float32: {said}\n\n"
        + table(["search", "batch", "ms", "queries/s", "limit, ms", "share of the limit"], cells)
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--vectors", type=int, default=10_000_000)
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES))
    chosen = parser.parse_args(given)
    if chosen.device != "cpu" and not torch.cuda.is_available():
        print("There is no GPU that torch can use here, so nothing was measured (--device cpu runs the same code).")
        return
    name = "the processor" if chosen.device == "cpu" else torch.cuda.get_device_name(chosen.device)
    print(f"{provenance(('torch', 'sentence-transformers'))}\nOn {name}, FAISS {faiss.__version__}\n", flush=True)
    print(f"{encoder_table(chosen.device, chosen.batches)}\n", flush=True)
    rows = random_rows(chosen.vectors, chosen.device)
    indexes = {"torch": through_torch(rows, chosen.device)}
    if chosen.device != "cpu" and faiss.get_num_gpus() > 0:
        indexes["faiss-gpu"] = through_faiss(rows)
    print(search_table(indexes, rows, chosen.device, chosen.batches))


if __name__ == "__main__":
    main()
