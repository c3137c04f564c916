from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.index import KINDS, build, choose_probes, clusters, main, recall, row, serialised
from chatbot.retriever import faiss


def test_vectors_are_the_same_each_time_and_queries_lie_among_them() -> None:
    vectors, queries = clusters(2000, centres=20, seed=0), clusters(50, centres=20, seed=1)
    np.testing.assert_array_equal(vectors, clusters(2000, centres=20, seed=0))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    nearest = np.sort(queries @ vectors.T, axis=1)
    assert 0.7 < np.median(nearest[:, -1]) < 0.95
    assert abs(float(np.median(nearest))) < 0.2


def test_recall_is_the_share_of_the_true_ones() -> None:
    assert recall(np.array([[1, 2], [3, 9]]), np.array([[2, 1], [3, 4]])) == 0.75


def test_a_build_that_takes_too_long_is_stopped_and_says_so() -> None:
    vectors = clusters(300, centres=4, seed=0)
    assert build(KINDS["flat"](300), vectors, 60.0)[0] == 300
    added, seconds = build(KINDS["flat"](300), vectors, 0.0)
    assert added == 0
    assert row("HNSW", 300, {"added": added, "seconds": 61.0})[2] == "stopped after 61 with 0"
    assert seconds < 60


def test_as_few_cells_as_will_do() -> None:
    vectors, queries = clusters(2000, centres=20, seed=0), clusters(100, centres=20, seed=1)
    index = KINDS["IVF"](2000)
    build(index, vectors, 60.0)
    truth = faiss.knn(queries, vectors, 5, metric=faiss.METRIC_INNER_PRODUCT)[1]
    probes = choose_probes(index, queries, truth)
    assert recall(index.search(queries, 5)[1], truth) >= 0.99
    index.nprobe = probes // 2
    assert probes == 1 or recall(index.search(queries, 5)[1], truth) < 0.99


def test_sizes_are_those_of_the_numbers_inside() -> None:
    vectors = clusters(1000, centres=4, seed=0)
    sizes = {}
    for kind in ("flat", "flat, fp16", "flat, 8 bit"):
        index = KINDS[kind](1000)
        build(index, vectors, 60.0)
        sizes[kind] = round(serialised(index) / 384_000, 1)
    assert sizes == {"flat": 4.0, "flat, fp16": 2.0, "flat, 8 bit": 1.0}


def test_the_command_prints_a_row_for_each_kind(capfd: pytest.CaptureFixture[str]) -> None:
    main(["--sizes", "600", "--kinds", "flat", "HNSW"])
    lines = capfd.readouterr().out.splitlines()
    assert lines[2].startswith("| vectors | index | build, s |")
    assert [line.split(" | ")[:2] for line in lines[4:]] == [["| 600", "flat"], ["| 600", "HNSW"]]
    assert json.loads(lines[4].split(" | ")[5]) == 1.0
