from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.gpu import agreement, limit, main, random_rows, through_torch
from benchmarks.torch_index import GROUP, TorchIndex
from chatbot.retriever import NO_HIT, FaissIndex
from chatbot.types import Vector


def unit_rows(count: int, seed: int = 0) -> Vector:
    rows = np.random.default_rng(seed).normal(size=(count, 24)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def both(count: int) -> tuple[TorchIndex, FaissIndex]:
    indexes = TorchIndex(24, device="cpu", precision=torch.float32), FaissIndex(24)
    for index in indexes:
        index.add(np.arange(count), unit_rows(count))
    return indexes


def assert_same(indexes: tuple[TorchIndex, FaissIndex], count: int, allowed: list[int] | None = None) -> None:
    only = None if allowed is None else np.array(allowed, np.int64)
    (scores, ids), (wanted, truth) = (index.search(unit_rows(7, 1), count, allowed=only) for index in indexes)
    np.testing.assert_array_equal(ids, truth)
    np.testing.assert_allclose(scores, wanted, atol=2e-6)
    assert (scores[ids == NO_HIT] == -np.inf).all()


@pytest.mark.parametrize("count", [1, 3, GROUP, 5 * GROUP, 20 * GROUP + 17])
def test_torch_finds_what_faiss_finds(count: int) -> None:
    assert_same(both(count), 5)


def test_blocks_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.torch_index.SCORES", 7 * GROUP)
    assert_same(both(6 * GROUP + 9), 5)


def test_filters_and_removal() -> None:
    indexes = both(1000)
    assert_same(indexes, 5, allowed=[4, 900, 17, 5000])
    assert_same(indexes, 5, allowed=[])
    for index in indexes:
        index.remove([*range(0, 1000, 2), 7777])
    assert len(indexes[0]) == 500
    assert_same(indexes, 10)
    with pytest.raises(ValueError, match="already there or given twice"):
        indexes[0].add(np.array([1]), unit_rows(1))


def test_a_limit_is_reading_for_one_query_and_multiplying_for_many() -> None:
    rows = torch.empty((1000, 384), dtype=torch.float16)
    assert limit(rows, 1, copied=768_000.0, multiplied=1e12) == 1.0
    assert limit(rows, 100, copied=1e12, multiplied=38_400_000.0) == 2.0


def test_the_rows_are_unit_and_the_index_agrees_with_float32() -> None:
    rows = random_rows(3000, "cpu")
    np.testing.assert_allclose(torch.linalg.vector_norm(rows, dim=1), 1, atol=1e-5)
    assert agreement(through_torch(rows, "cpu"), rows, random_rows(4, "cpu").numpy()) == 1


def test_the_command_runs_on_a_processor(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--device", "cpu", "--vectors", "2000", "--batches", "1"])
    printed = capsys.readouterr().out
    assert "| batch | ms | texts/s |" in printed
    assert "2,000 vectors" in printed
    assert "recall@5 against float32: torch 1.0000" in printed


def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main([])
    assert capsys.readouterr().out.startswith("There is no GPU")
