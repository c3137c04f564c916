"""The server killed with -9 while twenty clients are at work; and while it starts."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.torture.acknowledged import Acknowledged, damage
from benchmarks.torture.customers import at_work, hire
from benchmarks.torture.halves import half_made
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import PREPARING_SECONDS, Place, empty_place, free_port, shop_files

CUSTOMERS = 17
AGENTS = ("Ana", "Bo", "Cy")
READY_WITHIN_SECONDS = 15.0
READY_AT_ALL_SECONDS = 60.0
"""For the short form, which runs on busy machines."""
STARTS_BETWEEN = 5
"""After so many kills under load comes one while the server starts."""
WORKING_SECONDS = 0.1, 3.0
BEGUN_SECONDS = 15.0
"""At most so long until the crowd is at work again after a start, agents too."""
STARTING_SECONDS = 0.1, 6.0
PREPARING_KILLS = 15
PREPARING_KILLED_SECONDS = 1.0, 25.0
SETTINGS: dict[str, Any] = {"audit_share": "0.2", "log_level": "WARNING"}
"""With so large a share of answers to check the agents have something to do."""


@dataclass(slots=True)
class Restarts:
    """Seconds from each start to /readyz, and how often it was killed before."""

    ready_after: list[float] = field(default_factory=list)
    while_starting: int = 0


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    kills = size.pick(long=100, short=1)
    log, restarts = Acknowledged(place.settle() / "acknowledged.jsonl"), Restarts()
    hire(place.home, AGENTS)
    work(place, log, restarts, kills=kills, between=size.pick(long=STARTS_BETWEEN, short=1))
    found = log.compare(place.home)
    slowest = max(restarts.ready_after)
    within = READY_WITHIN_SECONDS if size is Size.LONG else READY_AT_ALL_SECONDS
    yield Outcome(
        "server killed with -9 under load",
        f"{len(AGENTS) + CUSTOMERS} clients, who send again what was not answered",
        found.agrees and not log.strange and slowest <= within,
        f"{kills} kills at work, {restarts.while_starting} while starting; {found.words}; "
        f"{log.repeats:,} requests sent again, {_strange(log)}; ready again within {slowest:.1f} s at most",
    )
    if size is Size.LONG:
        yield preparing(place.home / "first-start", kills=PREPARING_KILLS)


def preparing(folder: Path, *, kills: int) -> Outcome:
    """`serve --prepare` killed while it imports and trains: the next start goes on, and nothing is there twice."""
    place, shop, chance = empty_place(folder / "home"), shop_files(folder / "shop"), random.Random(kills)
    examples = sum('"example"' in line for line in (shop / "shop.jsonl").read_text(encoding="utf-8").splitlines())
    for _ in range(kills):
        with place.serve("--prepare", str(shop), ready=False) as server:
            time.sleep(chance.uniform(*PREPARING_KILLED_SECONDS))
            server.kill()
    with place.serve("--prepare", str(shop), patience=PREPARING_SECONDS) as server:
        ready = server.ready_after
        ((stored,),) = server.rows("SELECT count(*) FROM examples")
    left = half_made(place.home) + list(damage(place.home))
    return Outcome(
        "first start killed with -9",
        "while it imports a shop and trains on it",
        stored == examples and not left,
        f"{kills} kills; {stored} of {examples} examples afterwards; left behind: {left or 'nothing'}; "
        f"the last start took {ready:.0f} s",
    )


def work(place: Place, log: Acknowledged, restarts: Restarts, *, kills: int, between: int) -> None:
    """The crowd works through all of it; the last server lives until everybody has been answered."""
    port, chance = free_port(), random.Random(len(AGENTS))
    with at_work(port, log, customers=CUSTOMERS, agents=AGENTS) as crowd:
        for number in range(1, kills + 1):
            with place.serve(port=port, **SETTINGS) as server:
                restarts.ready_after.append(server.ready_after)
                _await_work(log)
                time.sleep(chance.uniform(*WORKING_SECONDS))
                server.kill()
            if number % between == 0:
                with place.serve(port=port, ready=False, **SETTINGS) as server:
                    time.sleep(chance.uniform(*STARTING_SECONDS))
                    server.kill()
                    restarts.while_starting += 1
        with place.serve(port=port, **SETTINGS) as server:
            restarts.ready_after.append(server.ready_after)
            _await_work(log)
            crowd.finish()


def _await_work(log: Acknowledged) -> None:
    """Until customers and agents have been answered since the start; there may be nothing to review."""
    messages, reviews, until = len(log.messages), len(log.reviews), time.monotonic() + BEGUN_SECONDS
    while time.monotonic() < until and not (len(log.messages) > messages and len(log.reviews) > reviews):
        time.sleep(0.02)


def _strange(log: Acknowledged) -> str:
    if not log.strange:
        return "no answer that should not be"
    return "answers that should not be: " + ", ".join(f"{what} ({count})" for what, count in log.strange.items())
