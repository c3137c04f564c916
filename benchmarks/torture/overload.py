"""Ten times the load, clients who are slow on purpose, and thousands who only sit there.

Those who cannot be served are told when to come back, memory stays within bounds, and the server says within a second
that it lives. It is as it was five seconds later.
"""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.tables import quantile
from benchmarks.torture import flood
from benchmarks.torture.crowds import IDLE, Slow, crowd, kinds, live
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import Place, Serving
from benchmarks.torture.watching import Watched, asked, held, watching

CAPACITY_CLIENTS = 32
OVERLOAD_CLIENTS = 400
"""More than the server lets work and wait."""
TIMES = 10
MOST_MEGABYTES = 150.0
"""By which resident memory may grow at any moment."""
HEALTHY_SECONDS = 1.0
RECOVERY_SECONDS = 5.0
IDLE_CONNECTIONS = 2000
FEW_FILES = 1024
"""The usual limit of a process; here it may not raise it."""


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    seconds = size.pick(long=60, short=5)
    with place.serve() as server:
        yield ten_times(server, seconds=seconds)
        yield page_too(server, seconds=size.pick(long=30, short=4))
        yield slow_clients(server, each=size.pick(long=100, short=15))
        yield idle_ones(server, seconds=size.pick(long=60, short=8))
    with place.serve(under=("prlimit", f"--nofile={FEW_FILES}:{FEW_FILES}")) as server:
        yield idle_ones(server, seconds=size.pick(long=60, short=8), files=FEW_FILES)


def ten_times(server: Serving, *, seconds: float) -> Outcome:
    calm = usual(server)
    asking = flood.begin(server.url, rate=10_000, clients=CAPACITY_CLIENTS, seconds=min(10.0, 2 * seconds))
    capacity, before = flood.result_of(asking).per_second, held(server.pid)
    with watching(server.url, server.pid) as seen:
        customers = flood.begin(server.url, rate=TIMES * capacity, clients=OVERLOAD_CLIENTS, seconds=seconds)
        found = flood.result_of(customers)
    back = seconds_until_usual(server, calm)
    grown = seen.megabytes - before.memory / 1e6
    passed = (
        _is_healthy(seen) and grown < MOST_MEGABYTES and back <= RECOVERY_SECONDS
        and found.answered > 0 and not found.errors and not found.bare
        and set(found.refused) <= {"429", "503"} and found.turned_away > 0
    )  # fmt: skip
    return Outcome(
        f"{TIMES} times the load for {seconds:g} s",
        f"it answers {capacity:,.0f} messages/s to {CAPACITY_CLIENTS} clients; "
        f"{OVERLOAD_CLIENTS} ask for {TIMES} times as many",
        passed,
        f"{found.per_second:,.0f} messages/s answered (p50 {found.p50:,.0f} ms, p99 {found.p99:,.0f}), "
        f"{found.turned_away:,} refused {_counted(found.refused)}, {found.bare} of them without Retry-After, "
        f"{sum(found.errors.values())} errors {_counted(found.errors)}; {_told(seen, grown)}; "
        f"normal after {back:.1f} s",
    )


def page_too(server: Serving, *, seconds: float) -> Outcome:
    """It shows the sentence of whatever refuses it: its own endpoints' or that of a 503."""
    before = held(server.pid)
    with watching(server.url, server.pid) as seen:
        customers = flood.begin(server.url, rate=10_000, clients=OVERLOAD_CLIENTS, seconds=seconds, at="page")
        found = flood.result_of(customers)
    grown = seen.megabytes - before.memory / 1e6
    passed = (
        _is_healthy(seen) and grown < MOST_MEGABYTES and found.answered > 0 and not found.errors
        and not found.bare and set(found.refused) <= {"busy", "503"}
    )  # fmt: skip
    return Outcome(
        f"{OVERLOAD_CLIENTS} customers at the page at once",
        f"each sends the next message when answered, for {seconds:g} s",
        passed,
        f"{found.per_second:,.0f} messages/s answered (p99 {found.p99:,.0f} ms), {found.turned_away:,} read that many "
        f"people are writing {_counted(found.refused)}, {sum(found.errors.values())} errors "
        f"{_counted(found.errors)}; {_told(seen, grown)}",
    )


def slow_clients(server: Serving, *, each: int) -> Outcome:
    """All kinds at once, until the server has ended the last one, while others are answered."""
    calm, before = usual(server), held(server.pid)
    wanted = dict.fromkeys(kinds(*large_file(server)), each)
    took: list[float] = []

    def ask() -> None:
        for _ in range(3):
            took.append(asked(server.url, "/api/v1/conversations", method="POST", body=b"{}")[0])

    with crowd(server.url, wanted) as there, watching(server.url, server.pid) as seen:
        live(there, 120.0, meanwhile=ask)
        left = [slow for slow in there if slow.lasted is None]
    time.sleep(1.0)
    back, files = seconds_until_usual(server, calm), held(server.pid).files
    grown = seen.megabytes - before.memory / 1e6
    passed = (
        not left and _is_healthy(seen) and grown < MOST_MEGABYTES and back <= RECOVERY_SECONDS
        and quantile(took, 0.99) < HEALTHY_SECONDS and files <= before.files + 10
    )  # fmt: skip
    lasted = ", ".join(f"{kind.name} {_longest(there, kind.name)}" for kind in wanted)
    return Outcome(
        "slow clients",
        f"{each} each, all at once: {', '.join(kind.name for kind in wanted)}",
        passed,
        f"{len(there) - len(left):,} of {len(there):,} were ended by the server ({lasted}); {len(took):,} others were "
        f"answered meanwhile (p99 {1000 * quantile(took, 0.99):,.0f} ms); {_told(seen, grown)}; open files "
        f"{before.files} before, {files} after",
    )


def idle_ones(server: Serving, *, seconds: float, files: int | None = None) -> Outcome:
    """Whoever is ended comes back at once."""
    calm, before, came = usual(server), held(server.pid), 0
    took: list[float] = []
    with watching(server.url, server.pid) as seen:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with crowd(server.url, {IDLE: IDLE_CONNECTIONS}) as there:
                came += len(there)
                for _ in range(5):
                    took.append(asked(server.url, "/api/v1/conversations", method="POST", body=b"{}")[0])
                    live(there, min(2.0, until - time.monotonic()))
    time.sleep(1.0)
    back, grown = seconds_until_usual(server, calm), seen.megabytes - before.memory / 1e6
    passed = (
        _is_healthy(seen) and grown < MOST_MEGABYTES and back <= RECOVERY_SECONDS and max(took) < HEALTHY_SECONDS
        and held(server.pid).files <= before.files + 10
    )  # fmt: skip
    return Outcome(
        f"{IDLE_CONNECTIONS:,} idle connections" + (f" with {files:,} files allowed" if files else ""),
        f"they say nothing, and come again when they are ended, for {seconds:g} s",
        passed,
        f"{came:,} connections, {len(took)} others answered meanwhile within {1000 * max(took):,.0f} ms; "
        f"{_told(seen, grown)}; at most {seen.files:,} open files; normal after {back:.1f} s",
    )


# --- How a server is -------------------------------------------------------------------------------------------------


def usual(server: Serving) -> float:
    """Seconds that one request takes when nobody else asks."""
    took = [asked(server.url, "/api/v1/conversations", method="POST", body=b"{}") for _ in range(20)]
    assert all(status == 201 for _, status in took), took
    return median(seconds for seconds, _ in took)


def seconds_until_usual(server: Serving, calm: float, *, patience: float = 30.0) -> float:
    """Until five requests in a row are answered within three times the usual, or a tenth of a second."""
    began, good = time.monotonic(), 0
    while good < 5 and time.monotonic() < began + patience:
        seconds, status = asked(server.url, "/api/v1/conversations", method="POST", body=b"{}")
        good = good + 1 if status == 201 and seconds <= max(3 * calm, 0.1) else 0
    return time.monotonic() - began


def large_file(server: Serving) -> tuple[str, int]:
    """The path of the largest script that the page loads, and how many bytes it has."""
    with urllib.request.urlopen(f"{server.url}/") as answer:
        found = set(re.findall(r'(?:src|href)="\.?/?([\w./-]+\.js)"', answer.read().decode()))
    sizes: dict[str, int] = {}
    for path in found:
        with urllib.request.urlopen(f"{server.url}/{path}") as answer:
            sizes[f"/{path}"] = len(answer.read())
    return max(sizes.items(), key=lambda each: each[1])


def _is_healthy(seen: Watched) -> bool:
    return bool(seen.health) and not seen.unhealthy and seen.slowest < HEALTHY_SECONDS


def _told(seen: Watched, grown: float) -> str:
    unhealthy = f", NOT {', '.join(seen.unhealthy[:3])}" if seen.unhealthy else ""
    return (
        f"/healthz asked {len(seen.health):,} times, within {1000 * seen.slowest:,.0f} ms{unhealthy}; "
        f"memory {grown:+,.0f} MB to {seen.megabytes:,.0f} at most"
    )


def _counted(counter: dict[str, int]) -> str:
    return f"({', '.join(f'{name}: {count:,}' for name, count in sorted(counter.items()))})" if counter else ""


def _longest(there: Sequence[Slow], name: str) -> str:
    lasted = [slow.lasted for slow in there if slow.kind.name == name and slow.lasted is not None]
    return f"within {max(lasted):.0f} s" if lasted else "not at all"
