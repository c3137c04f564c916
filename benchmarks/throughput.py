"""Messages a second through the HTTP API with many customers at once: all that a message costs, storing included.

    python benchmarks/throughput.py [--home DIR] [--clients 32] [--seconds 10] [--rounds 3]
    python benchmarks/throughput.py --peer http://127.0.0.1:8000/predict

Without `--home` the sample shop is loaded and trained first. `--peer` asks another server instead, which takes
{"text": ...} at that address. The customers are a process of their own, on the same machine.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import psutil

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # also when it is run as a file

from benchmarks.load import Conversations, Load, OneRoute, Talk, flood  # noqa: E402 - after the path
from benchmarks.tables import quantile  # noqa: E402

SHOP = ROOT / "data" / "shop"
PATIENCE_SECONDS = 600.0
SETTINGS = {
    "CHATBOT_CONFIG": str(SHOP / "chatbot.toml"),
    "CHATBOT_LOG_LEVEL": "WARNING",
    "CHATBOT_MESSAGES_PER_MINUTE": "100000000",  # all customers here have one address, and are in a hurry
    "CHATBOT_REQUESTS_PER_MINUTE": "100000000",
}


def questions() -> list[str]:
    with (ROOT / "data" / "questions.csv").open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


@contextmanager
def our_server(home: Path, log: TextIO) -> Iterator[tuple[str, psutil.Process]]:
    """Address and process of a server on a copy of `home`, once it is ready."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "chatbot", "serve", "--home", str(home), "--port", str(port)]
    prepare = [] if (home / "models").is_dir() else ["--prepare", str(SHOP)]
    with subprocess.Popen([*command, *prepare], env=os.environ | SETTINGS, cwd=ROOT, stdout=log, stderr=log) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/readyz", process)
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.terminate()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:  # not yet listening, or not yet ready
            time.sleep(0.1)
    raise RuntimeError(f"no server became ready at {url} (exit status {process.poll()})")


def measure(url: str, talk: Callable[[], Talk], *, clients: int, seconds: float, rounds: int) -> list[Load]:
    """The first round warms up and is not counted."""
    texts = questions()
    return [flood(url, [talk() for _ in range(clients)], texts, seconds) for _ in range(rounds + 1)][1:]


def report(title: str, loads: Sequence[Load]) -> None:
    speeds = sorted(load.per_second for load in loads)
    took = [each for load in loads for each in load.milliseconds]
    refused = sum(load.refused for load in loads)
    print(
        f"{title}: {speeds[len(speeds) // 2]:,.0f} messages/s ({speeds[0]:,.0f} to {speeds[-1]:,.0f}), "
        f"p50 {quantile(took, 0.5):.0f} ms, p99 {quantile(took, 0.99):.0f} ms, {refused} refused"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--home", type=Path, help="a trained home folder; it is copied and stays as it is")
    parser.add_argument("--peer", help="the address of another server's route that takes a text")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    amount = {"clients": chosen.clients, "seconds": chosen.seconds, "rounds": chosen.rounds}
    print(f"{chosen.clients} clients, {chosen.rounds} rounds of {chosen.seconds:g} s; median (least to most)")
    if chosen.peer:
        route = urlsplit(chosen.peer).path
        report(chosen.peer, measure(chosen.peer, lambda: OneRoute(route), **amount))
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = folder / "home"
        if chosen.home:
            shutil.copytree(chosen.home, home)
        log = stack.enter_context((folder / "server.log").open("w", encoding="utf-8"))
        url, process = stack.enter_context(our_server(home, log))
        before = process.cpu_times()
        loads = measure(url, Conversations, **amount)
        after = process.cpu_times()
        report("this chatbot", loads)
        messages = sum(len(load.milliseconds) for load in loads) * (chosen.rounds + 1) / chosen.rounds
        milliseconds = (after.user - before.user + after.system - before.system) / messages * 1000
        print(f"{milliseconds:.1f} ms of processor time a message, resident memory {resident(process) / 1e6:,.0f} MB")


def resident(process: psutil.Process) -> int:
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


if __name__ == "__main__":
    main()
