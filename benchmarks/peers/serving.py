"""Servers side by side: start to ready, memory, and messages a second with 32 customers at once.

Ours does all that it does in a shop: masks, answers, stores the turn. The other reads an intent and says it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.draws import Labelled, sample
from benchmarks.load import Conversations, Load, OneRoute, Talk, flood
from benchmarks.peers.accuracy import OURS, Sets
from benchmarks.peers.arena import ROOT
from benchmarks.peers.latency import rotated
from benchmarks.tables import Spread, quantile, ratios, table
from benchmarks.trained import trained_shop

PATIENCE = 180.0
SETFIT = "FastAPI route that calls SetFit"
UNBOUND = {
    "CHATBOT_MESSAGES_PER_MINUTE": "100000000",
    "CHATBOT_REQUESTS_PER_MINUTE": "100000000",
    "CHATBOT_LOG_LEVEL": "WARNING",
}
"""Every customer here has the same address, and is in more of a hurry than any. Neither server logs its requests."""

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Server:
    """How to start one on a port, and how to speak to it."""

    title: str
    command: Callable[[int], list[str]]
    talk: Callable[[], Talk]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    start_seconds: list[float] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)


def compare(sets: Sets, peers_python: Path, *, clients: int, seconds: float, rounds: int, log: Path) -> str:
    texts = [row.text for row in sample(sets.asked, 1000, seed=0)]
    with tempfile.TemporaryDirectory() as folder, log.open("a", encoding="utf-8") as errors:
        servers = [_ours(sets.train, Path(folder)), _setfit(sets.train, Path(folder), peers_python, errors.fileno())]
        found = {server.title: Found() for server in servers}
        for number in range(rounds):
            _round(servers, found, number, texts, clients, seconds, errors.fileno())
    return _table(found, f"{sets.name}; {clients} clients, {rounds} rounds of {seconds:.0f} s in turns")


def _round(
    servers: Sequence[Server],
    found: Mapping[str, Found],
    number: int,
    texts: Sequence[str],
    clients: int,
    seconds: float,
    errors: int,
) -> None:
    """Start both, let one work while the other waits, stop both."""
    by_title = {server.title: server for server in servers}
    order = rotated(list(by_title), number)
    with ExitStack() as stack:
        running = {title: stack.enter_context(serving(by_title[title], errors)) for title in order}
        for title, (url, process, seconds_to_ready) in running.items():
            found[title].start_seconds.append(seconds_to_ready)
            talks = [by_title[title].talk() for _ in range(clients)]
            found[title].loads.append(flood(url, talks, texts, seconds))
            found[title].resident_mb.append(resident(process) / MEGABYTE)


@contextmanager
def serving(server: Server, errors: int) -> Iterator[tuple[str, psutil.Process, float]]:
    """A running server's address, its process, and the seconds from its start to its first `ready`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    with subprocess.Popen(
        server.command(port), cwd=ROOT, env=os.environ | dict(server.environment), stdout=errors, stderr=errors
    ) as process:
        try:
            _wait_until_ready(f"{url}/readyz", process)
            yield url, psutil.Process(process.pid), time.monotonic() - began
        finally:
            process.terminate()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    raise RuntimeError(f"no server became ready at {url} (exit status {process.poll()})")


def resident(process: psutil.Process) -> int:
    """Bytes in memory, of the process and all that it started."""
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _ours(rows: Sequence[Labelled], folder: Path) -> Server:
    home = folder / "home"
    with trained_shop(rows, home=home):
        pass
    return Server(
        OURS,
        lambda port: [sys.executable, "-m", "chatbot", "serve", "--home", str(home), "--port", str(port)],
        Conversations,
        UNBOUND,
    )


def _setfit(rows: Sequence[Labelled], folder: Path, python: Path, errors: int) -> Server:
    file, model = folder / "rows.json", folder / "setfit"
    file.write_text(json.dumps([list(row) for row in rows]), encoding="utf-8")
    module = [str(python), "-m", "benchmarks.peers.setfit_server"]
    subprocess.run([*module, "train", str(file), str(model)], cwd=ROOT, stdout=errors, stderr=errors, check=True)
    return Server(SETFIT, lambda port: [*module, "serve", str(model), str(port)], lambda: OneRoute("/predict"))


def _table(found: Mapping[str, Found], caption: str) -> str:
    first = next(iter(found.values()))
    rows = []
    for title, mine in found.items():
        speeds = [load.per_second for load in mine.loads]
        took = [each for load in mine.loads for each in load.milliseconds]
        refused = sum(load.refused for load in mine.loads)
        rows.append(
            [
                title,
                Spread.of(speeds).text(),
                "1" if mine is first else Spread.of(ratios([load.per_second for load in first.loads], speeds)).text(2),
                f"{quantile(took, 0.5):.0f} / {quantile(took, 0.99):.0f}",
                str(refused),
                Spread.of(mine.resident_mb).text(0),
                Spread.of(mine.start_seconds).text(),
            ]
        )
    header = [
        "server", "messages/s", "the first is faster, times", "p50 / p99, ms", "refused", "resident, MB",
        "start to ready, s",
    ]  # fmt: skip
    return f"{caption}\n\n{table(header, rows)}"
