"""Requests that arrive together are encoded together: throughput grows under load, and a lone request loses nothing.

There is no thread of its own and no waiting for company. Who finds the encoder idle runs it at once, in its own thread;
what arrives meanwhile forms the next batch, which is run by the first of those who wait.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot import stages
from chatbot.encoder import Encoder
from chatbot.errors import EncoderUnavailable, Overloaded
from chatbot.types import Vector

FEW_TEXTS = 8
"""A call of so many texts is somebody's message, and goes first; a larger one is an import or a training."""
CHUNK = 16
"""Texts of a large call in one pass: no message waits longer than these take."""
MOST_TEXTS = 64
"""Of messages in one batch."""
MESSAGE_BATCHES = 8
"""So many batches of messages in a row; then a large call that waits has its turn."""
MOST_WAITING = 256
WAITING_SECONDS = 10.0
SIMILAR_CHARACTERS = 64
"""A batch pads each text to its longest. Texts go together that differ by less than this, or by less than double."""


class BatchingEncoder:
    """An `Encoder` around another one, safe to share between threads.

    Raises Overloaded for a message that cannot wait (`most_waiting` do) or has waited for `seconds`; it is taken out of
    the queue then. An error of the other encoder reaches the one whose texts caused it.
    """

    def __init__(self, encoder: Encoder, *, most_waiting: int = MOST_WAITING, seconds: float = WAITING_SECONDS) -> None:
        self._encoder = encoder
        self._most_waiting = most_waiting
        self._seconds = seconds
        self._lock = threading.Lock()
        self._running = False
        self._messages: deque[_Request] = deque()
        self._chunks: deque[_Request] = deque()
        self._in_a_row = 0

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    @property
    def waiting(self) -> int:
        """Messages that wait to be read; as a look without a lock sees it."""
        return len(self._messages)

    def encode(self, texts: Sequence[str]) -> Vector:
        """Unit vectors, shape (len(texts), dimension), float32; as without batches up to rounding."""
        if len(texts) <= FEW_TEXTS:
            return self._encoded(texts, self._messages) if texts else self._encoder.encode(texts)
        # One chunk after the other, so that whoever came meanwhile goes between them.
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(order), CHUNK):
            rows = order[start : start + CHUNK]
            vectors[rows] = self._encoded([texts[row] for row in rows], self._chunks)
        return vectors

    @stages.stage(stages.WAIT)
    def _encoded(self, texts: Sequence[str], queue: deque[_Request]) -> Vector:
        request = _Request(texts, self.dimension)
        if not self._enter(request, queue):
            self._await(request, queue)
        if request.leads:
            self._lead(request)
        if request.error is not None:
            raise request.error
        stages.shift(stages.WAIT, stages.ENCODE, request.read_for)
        return request.vectors

    def _enter(self, request: _Request, queue: deque[_Request]) -> bool:
        """Queue up; True for who has to run the encoder."""
        with self._lock:
            if queue is self._messages and len(queue) >= self._most_waiting:
                raise Overloaded("too many messages wait to be read; try again in a moment")
            queue.append(request)
            request.leads = not self._running
            self._running = True
            return request.leads

    def _await(self, request: _Request, queue: deque[_Request]) -> None:
        """Until it is done or has to run the encoder. Large calls have all the time that it takes."""
        in_time = False
        try:
            in_time = request.woken.acquire(timeout=self._seconds if queue is self._messages else -1)
        finally:  # also by Ctrl-C: who has left is not encoded, and nobody waits for it to lead
            if not in_time:
                self._leave(request, queue)
        if not in_time:
            raise Overloaded(f"a message waited {self._seconds:g} seconds to be read; try again in a moment")

    def _leave(self, request: _Request, queue: deque[_Request]) -> None:
        with self._lock:
            if request in queue:
                queue.remove(request)
        if request.leads:
            self._hand_over()

    def _lead(self, own: _Request) -> None:
        """Run batches until the own request is done, which is the first one unless it is a chunk."""
        taken: list[_Text] = []
        try:
            while own.missing:
                taken = self._take()
                for batch in _batches(taken):
                    self._run(batch)
        except BaseException:  # Ctrl-C: those of this batch must not wait for ever
            for part in taken:
                part.request.interrupt()
            raise
        finally:
            self._hand_over()

    def _take(self) -> list[_Text]:
        with self._lock:
            if self._chunks and (not self._messages or self._in_a_row >= MESSAGE_BATCHES):
                self._in_a_row = 0
                return self._chunks.popleft().parts()
            self._in_a_row = self._in_a_row + 1 if self._chunks else 0
            taken: list[_Text] = []
            while self._messages and len(taken) + len(self._messages[0].texts) <= MOST_TEXTS:
                taken += self._messages.popleft().parts()
            return taken

    def _hand_over(self) -> None:
        with self._lock:
            if not self._messages and not self._chunks:
                self._running = False
                return
            following = (self._messages or self._chunks)[0]
            following.leads = True
        following.woken.release()

    def _run(self, batch: Sequence[_Text]) -> None:
        """Encode a batch; if that fails, each request of it alone, so that nobody pays for another's text."""
        began = time.perf_counter()
        try:
            vectors = self._encoder.encode([part.text for part in batch])
        except Exception as error:
            requests = list(dict.fromkeys(part.request for part in batch))
            if len(requests) == 1:
                requests[0].fail(error, len(batch))
            else:
                for request in requests:
                    self._run([part for part in batch if part.request is request])
            return
        took = time.perf_counter() - began
        for request in {part.request for part in batch}:
            request.read_for += took
        for part, vector in zip(batch, vectors, strict=True):
            part.request.take(part.row, vector)


class _Request:
    """What one thread waits for. `woken` is released when it is done, or when it has to run the encoder."""

    def __init__(self, texts: Sequence[str], dimension: int) -> None:
        self.texts = texts
        self.vectors: Vector = np.empty((len(texts), dimension), dtype=np.float32)
        self.missing = len(texts)
        self.error: Exception | None = None
        self.read_for = 0.0
        """Seconds in which the encoder read it, with others or alone; the rest of the time it waited."""
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()

    def parts(self) -> list[_Text]:
        return [_Text(self, row, text) for row, text in enumerate(self.texts)]

    def take(self, row: int, vector: Vector) -> None:
        self.vectors[row] = vector
        self._less(1)

    def fail(self, error: Exception, parts: int) -> None:
        self.error = error
        self._less(parts)

    def interrupt(self) -> None:
        if self.missing:
            self.fail(EncoderUnavailable("reading the message was interrupted; send it again"), self.missing)

    def _less(self, parts: int) -> None:
        self.missing -= parts
        if not self.missing and not self.leads:
            self.woken.release()


@dataclass(frozen=True, slots=True)
class _Text:
    request: _Request
    row: int
    text: str


def _batches(parts: Sequence[_Text]) -> Iterator[list[_Text]]:
    """Shortest first: those are answered while the long ones are still read."""
    batch: list[_Text] = []
    for part in sorted(parts, key=lambda part: len(part.text)):
        if batch and len(part.text) > max(2 * len(batch[0].text), len(batch[0].text) + SIMILAR_CHARACTERS):
            yield batch
            batch = []
        batch.append(part)
    if batch:
        yield batch
