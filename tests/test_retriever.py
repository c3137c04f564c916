"""The vector index against a brute force of numpy."""

from __future__ import annotations

import threading
from itertools import cycle, islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.retriever import EXACT_UNTIL, NO_HIT, FaissIndex, Ids, build_index
from chatbot.types import Vector

BOTH = pytest.mark.parametrize("exact", [True, False], ids=["flat", "cells"])
ROUNDING = 2e-6


def unit_rows(count: int, dimension: int = 24, seed: int = 0) -> Vector:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def empty(exact: bool, dimension: int = 24) -> FaissIndex:
    return FaissIndex(dimension, sample=None if exact else unit_rows(300, dimension, seed=5))


def filled(exact: bool, ids: Ids, vectors: Vector) -> FaissIndex:
    index = empty(exact, vectors.shape[1])
    index.add(ids, vectors)
    return index


def assert_nearest(index: FaissIndex, queries: Vector, known: dict[int, Vector], count: int) -> None:
    """The index gives the greatest similarities in falling order, each to the id that has it; padding comes last."""
    similarities, ids = index.search(queries, count)
    rows = np.stack([known[number] for number in sorted(known)]) if known else np.empty((0, queries.shape[1]))
    truth = -np.sort(-(queries.astype(np.float64) @ rows.T), axis=1)[:, :count]
    assert similarities.shape == ids.shape == (len(queries), count)
    np.testing.assert_allclose(similarities[:, : truth.shape[1]], truth, atol=ROUNDING)
    assert (similarities[:, truth.shape[1] :] == -np.inf).all()
    assert (ids[:, truth.shape[1] :] == NO_HIT).all()
    for query, row, numbers in zip(queries, similarities, ids, strict=True):
        real = [number for number in numbers.tolist() if number != NO_HIT]
        assert len(set(real)) == len(real)
        np.testing.assert_allclose([query @ known[number] for number in real], row[: len(real)], atol=ROUNDING)


@BOTH
def test_a_case_small_enough_to_see(exact: bool) -> None:
    index = filled(exact, np.array([7, 3, 5]), np.array([[1, 0], [0.6, 0.8], [-1, 0]], dtype=np.float32))
    similarities, ids = index.search(np.array([1, 0], dtype=np.float32), 4)
    assert ids.tolist() == [[7, 3, 5, NO_HIT]]
    np.testing.assert_allclose(similarities, [[1, 0.6, -1, -np.inf]], atol=ROUNDING)


def test_a_flat_index_is_exact() -> None:
    ids, vectors = np.arange(100, 3100), unit_rows(3000)
    index = build_index(24, ids, vectors)
    assert (index.exact, len(index)) == (True, 3000)
    assert_nearest(index, unit_rows(50, seed=1), dict(zip(ids.tolist(), vectors, strict=True)), 30)


def share_found(found: Ids, queries: Vector, vectors: Vector) -> float:
    """Of the true neighbours, where ids are row numbers."""
    truth = np.argsort(-(queries @ vectors.T), axis=1)[:, : found.shape[1]]
    return float(np.mean([len(set(one) & set(other)) / len(one) for one, other in zip(found, truth, strict=True)]))


def test_from_fifty_thousand_on_cells_find_what_brute_force_finds() -> None:
    vectors, queries = unit_rows(EXACT_UNTIL, 8), unit_rows(300, 8, seed=1)
    index = build_index(8, np.arange(len(vectors)), vectors)
    similarities, found = index.search(queries, 10)
    assert not index.exact
    assert share_found(found, queries, vectors) >= 0.985
    np.testing.assert_allclose(similarities, np.take_along_axis(queries @ vectors.T, found, axis=1), atol=ROUNDING)
    assert (np.diff(similarities, axis=1) <= 0).all()
    again = build_index(8, np.arange(len(vectors)), vectors)
    np.testing.assert_array_equal(again.search(queries, 10)[1], found)


def test_one_vector_less_is_searched_in_full() -> None:
    vectors, queries = unit_rows(EXACT_UNTIL - 1, 8), unit_rows(50, 8, seed=1)
    index = build_index(8, np.arange(len(vectors)), vectors)
    assert index.exact
    assert share_found(index.search(queries, 10)[1], queries, vectors) == 1


def test_before_it_is_settled_no_cell_is_left_out() -> None:
    vectors, queries = unit_rows(2000), unit_rows(50, seed=1)
    index = FaissIndex(24, sample=vectors[:500])
    index.add(np.arange(2000), vectors)
    assert share_found(index.search(queries, 10)[1], queries, vectors) == 1


def test_equal_similarities_come_in_the_order_of_their_ids() -> None:
    vectors = unit_rows(40)
    vectors[[3, 8, 20, 21, 39]] = vectors[0]
    index = filled(True, np.arange(40), vectors)
    assert index.search(vectors[0], 6)[1].tolist() == [[0, 3, 8, 20, 21, 39]]
    index.remove([3])
    index.add(np.array([3]), vectors[:1])
    assert index.search(vectors[0], 6)[1].tolist() == [[0, 3, 8, 20, 21, 39]]


def assert_filtered(index: FaissIndex, allowed: Ids, queries: Vector, known: dict[int, Vector]) -> None:
    """With a filter the index finds exactly the nearest of those that are allowed and there."""
    real = sorted(set(allowed.tolist()) & known.keys())
    similarities, found = index.search(queries, 10, allowed=allowed)
    rows = np.stack([known[number] for number in real]) if real else np.empty((0, queries.shape[1]), np.float32)
    truth = -np.sort(-(queries @ rows.T), axis=1)[:, :10]
    np.testing.assert_allclose(similarities[:, : truth.shape[1]], truth, atol=ROUNDING)
    assert (similarities[:, truth.shape[1] :] == -np.inf).all()
    assert set(found.ravel().tolist()) <= {*real, NO_HIT}
    for row in found:
        assert len(set(row.tolist())) == min(len(real), 10) + (len(real) < 10)


@pytest.mark.parametrize("share", [1 / 1200, 0.004, 0.1, 0.5, 0.9, 1.0])
@BOTH
def test_a_filter_costs_no_recall(exact: bool, share: float) -> None:
    vectors, queries = unit_rows(1200), unit_rows(20, seed=1)
    index, known = filled(exact, np.arange(1200), vectors), dict(enumerate(vectors))
    index.settle(vectors[:100])
    allowed = np.random.default_rng(2).permutation(1200)[: round(1200 * share)]
    assert_filtered(index, np.append(allowed, [9999]), queries, known)
    gone = np.concatenate([allowed[::2], np.arange(0, 1200, 3)])
    index.remove(gone)
    known = {number: vector for number, vector in known.items() if number not in set(gone.tolist())}
    assert_filtered(index, allowed, queries, known)
    assert_filtered(index, np.concatenate([allowed, allowed]), queries, known)


@BOTH
def test_ids_may_be_large(exact: bool) -> None:
    vectors, ids = unit_rows(100), np.arange(100) * 2**40
    index, known = filled(exact, ids, vectors), dict(zip((np.arange(100) * 2**40).tolist(), vectors, strict=True))
    assert_filtered(index, ids[::3], unit_rows(5, seed=1), known)


@BOTH
def test_a_filter_finds_what_lies_far_from_the_question(exact: bool) -> None:
    near, far = unit_rows(2, seed=3)
    around = [at + 0.05 * unit_rows(600, seed=seed) for seed, at in enumerate((near, far))]
    vectors = np.vstack(around)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = filled(exact, np.arange(1200), vectors)
    index.settle(vectors[::10])
    assert (index.search(near, 10)[1] < 600).all()
    assert_filtered(index, np.arange(600, 1200), near[None], dict(enumerate(vectors)))
    assert_filtered(index, np.arange(900, 903), near[None], dict(enumerate(vectors)))


@BOTH
def test_nothing_allowed_and_nothing_there(exact: bool) -> None:
    nothing = empty(exact)
    for similarities, ids in (
        nothing.search(unit_rows(2), 3),
        filled(exact, np.arange(5), unit_rows(5)).search(unit_rows(2), 3, allowed=np.empty(0, np.int64)),
    ):
        assert ids.tolist() == [[NO_HIT] * 3] * 2
        assert (similarities == -np.inf).all()
    assert nothing.search(np.empty((0, 24), np.float32), 3)[1].shape == (0, 3)


@BOTH
def test_removed_ids_never_come_back_and_may_return_with_another_vector(exact: bool) -> None:
    vectors = unit_rows(600)
    index, known = filled(exact, np.arange(600), vectors), dict(enumerate(vectors))
    for gone in (range(0, 600, 5), range(1, 600, 5), range(2, 600, 5)):  # 20, 40 and 60 % of all
        index.remove([*gone, 12345])
        known = {number: vector for number, vector in known.items() if number not in gone}
        assert len(index) == len(known)
        assert_nearest(index, vectors[:50], known, 20)
    back = unit_rows(2, seed=9)
    index.add(np.array([0, 1]), back)
    known |= {0: back[0], 1: back[1]}
    assert_nearest(index, np.vstack([vectors[:5], back]), known, 5)
    assert index.search(back[1], 1)[1].tolist() == [[1]]


@BOTH
def test_a_refused_change_changes_nothing(exact: bool) -> None:
    vectors, other = unit_rows(4), unit_rows(4, seed=1)
    index = filled(exact, np.array([1, 2, 3, 4]), vectors)
    with pytest.raises(ValueError, match=r"already there or given twice: \[2\]"):
        index.replace(leaving=[1], ids=np.array([9, 2]), vectors=other[:2])
    with pytest.raises(ValueError, match="given twice"):
        index.replace(leaving=[1], ids=np.array([9, 9]), vectors=other[:2])
    with pytest.raises(ValueError, match=r"shape \(2, 24\) where \(1, 24\)"):
        index.replace(leaving=[1], ids=np.array([9]), vectors=other[:2])
    with pytest.raises(ValueError, match=r"shape \(1, 23\)"):
        index.replace(leaving=[1], ids=np.array([9]), vectors=other[:1, :23])
    assert_nearest(index, vectors, dict(zip([1, 2, 3, 4], vectors, strict=True)), 5)


@BOTH
def test_a_search_sees_the_state_before_or_after_a_change_never_between(exact: bool) -> None:
    vectors = unit_rows(20)
    states = [set(range(10)), set(range(10, 20))]
    index = filled(exact, np.arange(10), vectors[:10])
    done = threading.Event()
    seen: list[set[int]] = []

    def search() -> None:
        while not done.is_set():
            seen.append(set(index.search(vectors[3], 20)[1].ravel().tolist()) - {NO_HIT})

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for old, new in islice(cycle([(0, 1), (1, 0)]), 60):
        coming = sorted(states[new])
        index.replace(leaving=states[old], ids=np.array(coming), vectors=vectors[coming])
    done.set()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert seen
    assert all(state in states for state in seen)


NUMBERS = st.sets(st.integers(0, 15), max_size=6)


@settings(max_examples=40, deadline=None)
@given(exact=st.booleans(), steps=st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 10_000)), max_size=8))
def test_any_sequence_of_changes_agrees_with_a_dictionary(
    exact: bool, steps: list[tuple[set[int], set[int], int]]
) -> None:
    index, known = empty(exact), dict[int, Vector]()
    queries = unit_rows(3, seed=77)
    for leaving, wanted, seed in steps:
        coming = sorted(wanted - (known.keys() - leaving))
        vectors = unit_rows(len(coming), seed=seed)
        index.replace(leaving=leaving, ids=np.array(coming, dtype=np.int64), vectors=vectors)
        known = {number: vector for number, vector in known.items() if number not in leaving}
        known |= dict(zip(coming, vectors, strict=True))
        assert len(index) == len(known)
        assert_nearest(index, queries, known, 8)
