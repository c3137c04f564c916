"""Exact search through torch, behind the protocol of chatbot/retriever.py: for cards where faiss-gpu is not installed.

Only the benchmark uses it. The server searches with FAISS, on a GPU too, and starts without torch.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from chatbot.retriever import NO_HIT, Ids
from chatbot.types import Vector

GROUP = 128
SCORES = 2**27
"""Similarities in memory at once, 256 MB in half precision: a batch is compared with a block of rows after another."""


class TorchIndex:
    """Rows in half precision on one device."""

    def __init__(self, dimension: int, *, device: str, precision: torch.dtype = torch.float16) -> None:
        self._rows = torch.empty((0, dimension), device=device, dtype=precision)
        self._ids = torch.empty(0, device=device, dtype=torch.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Ids, vectors: Vector) -> None:
        if np.isin(ids, self._ids.cpu().numpy()).any() or len(np.unique(ids)) < len(ids):
            raise ValueError("ids are added once; one is already there or given twice")
        self.put(torch.from_numpy(np.asarray(ids, np.int64)), torch.from_numpy(np.asarray(vectors, np.float32)))

    def put(self, ids: torch.Tensor, rows: torch.Tensor) -> None:
        """The same from tensors, which may be on the device already; new ids only."""
        rows, ids = rows.to(self._rows.device, self._rows.dtype), ids.to(self._ids.device)
        # The first rows are taken as they are: a copy of them might not fit beside them.
        self._rows = torch.cat([self._rows, rows]) if len(self._rows) else rows
        self._ids = torch.cat([self._ids, ids]) if len(self._ids) else ids

    def remove(self, ids: Iterable[int]) -> None:
        kept = ~torch.isin(self._ids, torch.tensor(sorted(ids), device=self._ids.device, dtype=torch.int64))
        self._rows, self._ids = self._rows[kept], self._ids[kept]

    def search(self, vectors: Vector, count: int, *, allowed: Ids | None = None) -> tuple[NDArray[np.float32], Ids]:
        rows, ids = self._rows, self._ids
        if allowed is not None:
            chosen = torch.isin(ids, torch.from_numpy(np.asarray(allowed, np.int64)).to(ids.device))
            rows, ids = rows[chosen], ids[chosen]
        queries = torch.from_numpy(np.atleast_2d(vectors)).to(rows.device, rows.dtype)
        with torch.inference_mode():
            best, places = _nearest(queries, rows, min(count, len(rows)))
        missing = count - best.shape[1]
        similarities = np.pad(best.float().cpu().numpy(), ((0, 0), (0, missing)), constant_values=-np.inf)
        return similarities, np.pad(ids[places].cpu().numpy(), ((0, 0), (0, missing)), constant_values=NO_HIT)


def _nearest(queries: torch.Tensor, rows: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Greatest similarities and their places, over blocks of whole groups."""
    block = max(1, SCORES // max(1, len(queries)) // GROUP) * GROUP
    best = torch.empty((len(queries), 0), device=rows.device, dtype=rows.dtype)
    places = torch.empty((len(queries), 0), device=rows.device, dtype=torch.int64)
    for start in range(0, len(rows), block):
        found, at = _greatest(queries @ rows[start : start + block].T, count)
        best, places = torch.cat([best, found], 1), torch.cat([places, at + start], 1)
        best, order = best.topk(min(count, best.shape[1]), dim=1)
        places = places.gather(1, order)
    return best, places


def _greatest(scores: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """`topk` that reads long rows once: the `count` greatest stand in the `count` groups with the greatest tops."""
    length = scores.shape[1]
    whole = length // GROUP
    if whole <= count:
        found = scores.topk(min(count, length), dim=1)
        return found.values, found.indices
    groups = scores[:, : whole * GROUP].view(len(scores), whole, GROUP)
    chosen = groups.amax(dim=2).topk(count, dim=1).indices
    at = (chosen[:, :, None] * GROUP + torch.arange(GROUP, device=scores.device)).flatten(1)
    rest = torch.arange(whole * GROUP, length, device=scores.device).expand(len(scores), -1)
    at = torch.cat([at, rest], dim=1)
    found = scores.gather(1, at).topk(count, dim=1)
    return found.values, at.gather(1, found.indices)
