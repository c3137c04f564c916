"""Batches: the same vectors as alone, messages before imports, and nobody waits for ever or pays for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from chatbot.batcher import CHUNK, FEW_TEXTS, MESSAGE_BATCHES, MOST_TEXTS, BatchingEncoder
from chatbot.encoder import Encoder, OnnxEncoder, TorchEncoder, export_onnx
from chatbot.errors import EncoderUnavailable, Overloaded
from chatbot.types import Vector

WORDS = [
    "where",
    "is",
    "my",
    "parcel",
    "can",
    "i",
    "pay",
    "with",
    "visa",
    "when",
    "do",
    "you",
    "open",
    "the",
    "tent",
    "is",
    "torn",
]


@pytest.fixture(scope="module")
def real(small_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("exported")
    export_onnx(TorchEncoder(str(small_encoder)), folder)
    return OnnxEncoder(folder, threads=1)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


class Watched:
    """A real encoder that can be stopped before it begins, and keeps what it was given."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.fingerprint, self.dimension = encoder.fingerprint, encoder.dimension
        self.batches: list[list[str]] = []
        self.inside = 0
        self.most_inside = 0
        self._go_on = threading.Event()
        self._go_on.set()

    def encode(self, texts: Sequence[str]) -> Vector:
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        self.batches.append(list(texts))
        assert self._go_on.wait(20)
        try:
            if any("\ud800" in text for text in texts):
                raise ValueError("a text that cannot be read")
            return self._encoder.encode(texts)
        finally:
            self.inside -= 1

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self._go_on.clear()
        try:
            yield
        finally:
            self._go_on.set()


@pytest.fixture
def watched(real: Encoder) -> Watched:
    return Watched(real)


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def texts_of(count: int, seed: int = 0) -> list[str]:
    choose = np.random.default_rng(seed)
    return [" ".join(choose.choice(WORDS, size=choose.integers(1, 40))) for _ in range(count)]


def cosines(one: Vector, other: Vector) -> Vector:
    return (one * other).sum(axis=1)  # type: ignore[no-any-return]  # numpy types a sum as anything


def begin(pool: ThreadPoolExecutor, batching: BatchingEncoder, watched: Watched, text: str) -> Future[Vector]:
    """Have one batch run, so that all who come now have to wait."""
    before = len(watched.batches)
    future = pool.submit(batching.encode, [text])
    wait_until(lambda: len(watched.batches) > before)
    return future


def line_up(
    pool: ThreadPoolExecutor, batching: BatchingEncoder, calls: Sequence[Sequence[str]]
) -> list[Future[Vector]]:
    """Calls that wait in this order."""
    futures = []
    for call in calls:
        waiting = len(batching._messages) + len(batching._chunks)
        futures.append(pool.submit(batching.encode, call))
        wait_until(lambda waiting=waiting: len(batching._messages) + len(batching._chunks) > waiting)  # type: ignore[misc]
    return futures


def test_it_says_of_itself_what_the_other_says(real: Encoder) -> None:
    batching = BatchingEncoder(real)
    assert (batching.fingerprint, batching.dimension) == (real.fingerprint, real.dimension)
    assert batching.encode([]).shape == (0, real.dimension)


def test_a_lone_request_runs_at_once_in_its_own_thread(real: Encoder) -> None:
    threads: list[str] = []

    class Noting(Watched):
        def encode(self, texts: Sequence[str]) -> Vector:
            threads.append(threading.current_thread().name)
            return super().encode(texts)

    batching = BatchingEncoder(Noting(real))
    assert np.array_equal(batching.encode(["shop hours"]), real.encode(["shop hours"]))
    assert threads == [threading.current_thread().name]


def test_many_threads_get_the_vectors_that_each_would_get_alone(
    real: Encoder, watched: Watched, pool: ThreadPoolExecutor
) -> None:
    batching = BatchingEncoder(watched)
    texts = texts_of(400)
    together = np.concatenate(list(pool.map(lambda text: batching.encode([text]), texts)))
    alone = np.concatenate([real.encode([text]) for text in texts])
    assert cosines(together, alone).min() >= 0.99999
    assert watched.most_inside == 1
    assert len(watched.batches) < len(texts)
    assert sorted(text for batch in watched.batches for text in batch) == sorted(texts)


def test_a_call_of_several_texts_keeps_their_order(real: Encoder, pool: ThreadPoolExecutor) -> None:
    batching = BatchingEncoder(real)
    calls = [texts_of(count, seed) for seed, count in enumerate((1, 3, 8, 9, 40, 100, 2, 5))]
    for call, vectors in zip(calls, pool.map(batching.encode, calls), strict=True):
        assert vectors.shape == (len(call), real.dimension)
        assert cosines(vectors, real.encode(call)).min() >= 0.99999


def test_those_who_come_while_a_batch_runs_form_the_next(watched: Watched, pool: ThreadPoolExecutor) -> None:
    batching = BatchingEncoder(watched)
    with watched.stopped():
        first = begin(pool, batching, watched, "first")
        others = line_up(pool, batching, [["ccc"], ["a", "dddd"], ["bb"]])
    assert [future.result(20).shape[0] for future in (first, *others)] == [1, 1, 2, 1]
    assert watched.batches == [["first"], ["a", "bb", "ccc", "dddd"]]


def test_short_texts_are_not_padded_to_a_long_one(watched: Watched, pool: ThreadPoolExecutor) -> None:
    batching = BatchingEncoder(watched)
    long = "where is it " * 60
    with watched.stopped():
        begin(pool, batching, watched, "first")
        futures = line_up(pool, batching, [[long], ["short"], ["x" * 60]])
    assert all(future.result(20).shape == (1, watched.dimension) for future in futures)
    assert watched.batches[1:] == [["short", "x" * 60], [long]]


def test_a_batch_has_a_largest_size(watched: Watched, pool: ThreadPoolExecutor) -> None:
    batching = BatchingEncoder(watched)
    with watched.stopped():
        begin(pool, batching, watched, "first")
        pairs = [[f"a{number}", f"b{number}"] for number in range(MOST_TEXTS // 2 + 5)]
        futures = line_up(pool, batching, pairs)
    for future in futures:
        future.result(20)
    assert [len(batch) for batch in watched.batches] == [1, MOST_TEXTS, 10]


def test_a_message_goes_before_a_large_call(watched: Watched, pool: ThreadPoolExecutor) -> None:
    batching = BatchingEncoder(watched)
    imported = [f"imported {number:03}" for number in range(3 * CHUNK)]
    with watched.stopped():
        large = pool.submit(batching.encode, imported)
        wait_until(lambda: len(watched.batches) == 1)
        message = line_up(pool, batching, [["a message"]])[0]
    message.result(20)
    large.result(20)
    assert [len(batch) for batch in watched.batches] == [CHUNK, 1, CHUNK, CHUNK]
    assert [text for batch in watched.batches for text in batch if text != "a message"] == imported


def test_a_large_call_has_its_turn_among_messages_without_end(watched: Watched) -> None:
    batching = BatchingEncoder(watched)
    full = MOST_TEXTS // FEW_TEXTS
    messages = [["a message"] * FEW_TEXTS for _ in range((MESSAGE_BATCHES + 2) * full)]
    with ThreadPoolExecutor(len(messages) + 2) as many:
        with watched.stopped():
            begin(many, batching, watched, "first")
            futures = line_up(many, batching, [["imported"] * CHUNK, *messages])
        for future in futures:
            future.result(20)
    assert [len(batch) for batch in watched.batches] == [
        *(1, *[MOST_TEXTS] * MESSAGE_BATCHES),
        *(CHUNK, *[MOST_TEXTS] * 2),
    ]


def test_who_has_waited_too_long_is_told_so_and_not_encoded(watched: Watched, pool: ThreadPoolExecutor) -> None:
    batching = BatchingEncoder(watched, seconds=0.05)
    with watched.stopped():
        first = begin(pool, batching, watched, "first")
        late = line_up(pool, batching, [["late"]])[0]
        with pytest.raises(Overloaded, match=r"a message waited 0.05 seconds to be read; try again"):
            late.result(20)
        in_time = line_up(pool, batching, [["in time"]])[0]
        watched._go_on.set()
        in_time.result(20)
    assert first.result(20).shape == (1, watched.dimension)
    assert watched.batches == [["first"], ["in time"]]


def test_the_one_that_runs_is_not_hurried(watched: Watched, pool: ThreadPoolExecutor) -> None:
    batching = BatchingEncoder(watched, seconds=0.01)
    with watched.stopped():
        first = begin(pool, batching, watched, "first")
        time.sleep(0.1)
        assert not first.done()
    assert first.result(20).shape == (1, watched.dimension)


def test_more_than_may_wait_are_refused_at_once(watched: Watched, pool: ThreadPoolExecutor) -> None:
    batching = BatchingEncoder(watched, most_waiting=2)
    with watched.stopped():
        first = begin(pool, batching, watched, "first")
        waiting = line_up(pool, batching, [["a"], ["b"]])
        with pytest.raises(Overloaded, match="too many messages wait to be read"):
            batching.encode(["c"])
    assert [future.result(20).shape[0] for future in (first, *waiting)] == [1, 1, 1]
    assert batching.encode(["c"]).shape == (1, watched.dimension)


def test_a_text_that_cannot_be_read_is_its_senders_own(
    real: Encoder, watched: Watched, pool: ThreadPoolExecutor
) -> None:
    batching = BatchingEncoder(watched)
    with watched.stopped():
        begin(pool, batching, watched, "first")
        good, bad, also_good = line_up(pool, batching, [["good"], ["fine", "bad \ud800"], ["also good"]])
    with pytest.raises(ValueError, match="a text that cannot be read"):
        bad.result(20)
    for future, text in ((good, "good"), (also_good, "also good")):
        assert cosines(future.result(20), real.encode([text])).min() >= 0.99999
    with pytest.raises(ValueError, match="a text that cannot be read"):
        batching.encode(["\ud800"])
    assert batching.encode(["after"]).shape == (1, watched.dimension)


def test_an_error_in_a_large_call_ends_it_and_nothing_else(watched: Watched) -> None:
    batching = BatchingEncoder(watched)
    with pytest.raises(ValueError, match="a text that cannot be read"):
        batching.encode([*texts_of(40), "\ud800"])
    assert batching.encode(["after"]).shape == (1, watched.dimension)


def test_an_interrupted_batch_leaves_nobody_waiting(real: Encoder, pool: ThreadPoolExecutor) -> None:
    class Interrupted(Watched):
        def encode(self, texts: Sequence[str]) -> Vector:
            vectors = super().encode(texts)
            if "ctrl-c" in texts:
                raise KeyboardInterrupt
            return vectors

    watched = Interrupted(real)
    batching = BatchingEncoder(watched)
    with watched.stopped():
        begin(pool, batching, watched, "first")
        leader, follower, behind = line_up(pool, batching, [["ctrl-c"], ["follower"], texts_of(20)])
    assert isinstance(leader.exception(20), KeyboardInterrupt)
    with pytest.raises(EncoderUnavailable, match="was interrupted; send it again"):
        follower.result(20)
    assert behind.result(20).shape == (20, watched.dimension)
