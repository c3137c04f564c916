"""The database locked by somebody else while customers ask, and two servers that share one home."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.tables import quantile
from benchmarks.torture.acknowledged import Acknowledged
from benchmarks.torture.customers import API, QUESTIONS, at_work, hire
from benchmarks.torture.holding import held
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import Place, Serving
from benchmarks.torture.wire import Answer, Lost, Wire

RATE = 50.0
WORKERS = 200
"""Connections at most; customers do not wait for one another."""
CALM_SECONDS = 3.0
RECOVERED_WITHIN_SECONDS = 5.0
SWIFT_SECONDS = 1.0
"""An answer within so much is a normal one, on a busy machine too."""
GROWTH_MB = 100.0
BUSY_MACHINE = 10.0
"""So many times as long everything may take in the short form."""
SETTINGS: dict[str, Any] = {"log_level": "WARNING"}


@dataclass(slots=True)
class Seen:
    """`answers` are (when it was due, status, seconds until it came); `bare` counts a 503 without Retry-After."""

    answers: list[tuple[float, int, float]] = field(default_factory=list)
    health: list[tuple[float, int, float]] = field(default_factory=list)
    ready: list[tuple[float, int, float]] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    lost: int = 0
    bare: int = 0

    def statuses(self) -> Counter[int]:
        return Counter(status for _, status, _ in self.answers)


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    yield one_locked(place, seconds=size.pick(long=10, short=6), leeway=1.0 if size is Size.LONG else BUSY_MACHINE)
    if size is Size.LONG:
        yield two_servers(place, seconds=30)


def one_locked(place: Place, *, seconds: int, leeway: float) -> Outcome:
    with place.serve(**SETTINGS) as server:
        log, seen = Acknowledged(place.home / "acknowledged.jsonl"), Seen()
        with asking(server, log, seen):
            time.sleep(CALM_SECONDS)
            with held(place.home / "chatbot.db", seconds):
                pass
            released = time.monotonic()
            time.sleep(RECOVERED_WITHIN_SECONDS)
        found = log.compare(place.home)
        (stored,) = server.rows("SELECT count(*) FROM messages WHERE role = 'customer'")[0]
    return _outcome(seen, log, found.agrees, found.words, stored, released, seconds, leeway)


def _outcome(
    seen: Seen, log: Acknowledged, agrees: bool, words: str, stored: int, released: float, seconds: int, leeway: float
) -> Outcome:
    after = [(due, status, took) for due, status, took in seen.answers if due >= released]
    slow = [due - released + took for due, status, took in after if status >= 300 or took > SWIFT_SECONDS]
    recovered = max(slow, default=0.0)
    healthy = max(took for _, status, took in seen.health) if seen.health else 0.0
    alive = all(status == 200 for _, status, _ in seen.health)
    growth = (max(seen.resident) - seen.resident[0]) / 1e6
    statuses = seen.statuses()
    unexpected = {status: count for status, count in statuses.items() if status not in (200, 201, 503)}
    whole = agrees and stored == len(log.messages) and not log.strange
    ready = Counter(status for _, status, _ in seen.ready)
    noticed = ready[503] > 0 and set(ready) == {200, 503} and seen.ready[-1][1] == 200
    quick = recovered <= RECOVERED_WITHIN_SECONDS * leeway and healthy <= SWIFT_SECONDS * leeway
    longest = quantile([took for _, _, took in seen.answers], 1.0)
    told = (
        f"{len(seen.answers):,} answers: {statuses[200] + statuses[201]:,} successes, {statuses[503]:,} times 503, "
        f"{seen.bare} of them without Retry-After, {unexpected or 'nothing'} else, {seen.lost} without an answer",
        f"{words}, {stored - len(log.messages)} stored that were refused",
        f"longest wait {longest:.1f} s",
        f"/healthz within {healthy:.2f} s, /readyz {'said so' if noticed else dict(ready)}",
        f"memory +{growth:.0f} MB",
        f"normal {recovered:.1f} s after",
    )
    return Outcome(
        f"database locked for {seconds} s",
        f"{RATE:.0f} requests/s, another process holds the write lock",
        whole and quick and alive and noticed and not (unexpected or seen.bare or seen.lost) and growth <= GROWTH_MB,
        "; ".join(told),
    )


@contextmanager
def asking(server: Serving, log: Acknowledged, seen: Seen) -> Iterator[None]:
    """RATE requests a second for as long as the block lasts, each sent once, whatever became of those before."""
    ended = threading.Event()
    threads = [
        threading.Thread(target=lambda: asyncio.run(_steadily(server.port, log, seen, ended)), name="customers"),
        threading.Thread(target=lambda: asyncio.run(_watch(server, seen, ended)), name="supervisor"),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


async def _steadily(port: int, log: Acknowledged, seen: Seen, ended: threading.Event) -> None:
    numbers, start = itertools.count(), time.monotonic()
    together = await _together(port)

    async def worker() -> None:
        wire, mine = Wire(port), _Conversation(together)
        with closing(wire):
            while not ended.is_set():
                number = next(numbers)
                due = start + number / RATE
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                try:
                    answer = await mine.next(wire, log, number)
                except Lost:
                    seen.lost += 1
                    continue
                seen.answers.append((due, answer.status, time.monotonic() - due))
                seen.bare += answer.status == 503 and "retry-after" not in answer.headers

    await asyncio.gather(*(worker() for _ in range(WORKERS)))


async def _together(port: int) -> str:
    """A conversation that many write to at once: a lost update would show as two messages at one place."""
    with closing(Wire(port)) as wire:
        return str((await wire.ask("POST", API, {})).body["id"])


class _Conversation:
    """What one of the customers does next: begin, ask, vote, and now and then speak where all speak."""

    def __init__(self, together: str) -> None:
        self._together = together
        self._own = ""
        self._reply = ""

    async def next(self, wire: Wire, log: Acknowledged, number: int) -> Answer:
        if not self._own:
            answer = await wire.ask("POST", API, {})
            self._own = answer.body["id"] if answer.status == 201 else ""
            return answer
        if self._reply and number % 3 == 0:
            return await self._vote(wire, log, number)
        conversation = self._together if number % 5 == 0 else self._own
        log.sending(conversation)
        body = {"text": QUESTIONS[number % len(QUESTIONS)]}
        answer = await wire.ask("POST", f"{API}/{conversation}/messages", body, key=secrets.token_hex(12))
        if answer.status == 201:
            log.message(conversation, answer.body)
            self._reply = answer.body["replied"]["id"] if conversation == self._own else self._reply
        return answer

    async def _vote(self, wire: Wire, log: Acknowledged, number: int) -> Answer:
        """Again and again on the same reply: the last that was acknowledged has to stand."""
        body: dict[str, Any] = {"verdict": ("up", "down")[number % 2], "comment": f"vote {number}"}
        answer = await wire.ask("PUT", f"{API}/{self._own}/messages/{self._reply}/feedback", body)
        if answer.status == 200:
            log.vote(self._reply, body["verdict"], answer.body["comment"])
        return answer


async def _watch(server: Serving, seen: Seen, ended: threading.Event) -> None:
    """As a supervisor does: is it alive, can it answer, and how much memory has it?"""

    async def look(path: str, found: list[tuple[float, int, float]]) -> None:
        with closing(Wire(server.port)) as wire:
            while not ended.is_set():
                began = time.monotonic()
                try:
                    status = (await wire.ask("GET", path)).status
                except Lost:
                    status = 0
                found.append((began, status, time.monotonic() - began))
                seen.resident.append(server.resident())
                await asyncio.sleep(0.5)

    await asyncio.gather(look("/healthz", seen.health), look("/readyz", seen.ready))


def two_servers(place: Place, *, seconds: float) -> Outcome:
    """They know nothing of each other but the database."""
    log = Acknowledged(place.settle() / "two.jsonl")
    hire(place.home, ("Ana", "Bo"))
    with ExitStack() as stack:
        servers = [stack.enter_context(place.serve(audit_share="0.2", **SETTINGS)) for _ in range(2)]
        with ExitStack() as crowds:
            for server, agent in zip(servers, ("Ana", "Bo"), strict=True):
                crowds.enter_context(at_work(server.port, log, customers=9, agents=(agent,)))
            time.sleep(seconds)
        found = log.compare(place.home)
    return Outcome(
        "two servers on one home",
        f"20 clients, half at each, {seconds:.0f} s",
        found.agrees and not log.strange,
        f"{found.words}; {log.repeats:,} requests sent again after a 503; {dict(log.strange) or 'nothing strange'}",
    )
