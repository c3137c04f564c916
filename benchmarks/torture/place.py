"""Where a fault is tried: a home folder of its own, and real `chatbot serve` processes on it.

A tiny shop is made and trained once, by the program itself; each home is a copy of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "data" / "shop"
INTENTS = ("track_order", "start_return", "delivery_time", "size_guide", "refund_status", "store_hours", "out_of_scope")
EXAMPLES_EACH = 16
PREPARING_SECONDS = 600.0
READY_SECONDS = 60.0
LEAVING_SECONDS = 20.0
SETTINGS = {
    "config": str(SHOP / "chatbot.toml"),
    "suggested_intents": "",  # not all of those in the file are in the tiny shop
    "error_budget": "0.2",  # so small a shop can promise little
    "threads": "1",
    "messages_per_minute": "100000000",  # one machine plays all customers here
    "requests_per_minute": "100000000",
}
"""Of every server here, by name; what `serve` is given goes first."""
FAILED = "the request failed"
"""What the log says of a request that was answered with 500."""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    """One server process. `ready_after` are the seconds from its start to the first 200 of /readyz."""

    def __init__(self, process: subprocess.Popen[bytes], *, home: Path, port: int, log: Path) -> None:
        self.process = process
        self.home = home
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self.ready_after = 0.0
        self._started = time.monotonic()

    @property
    def pid(self) -> int:
        return self.process.pid

    def await_ready(self, patience: float = READY_SECONDS) -> None:
        """RuntimeError with the end of the log where it ends or takes longer."""
        while time.monotonic() < self._started + patience and self.process.poll() is None:
            if status_of(f"{self.url}/readyz") == 200:
                self.ready_after = time.monotonic() - self._started
                return
            time.sleep(0.05)
        raise RuntimeError(f"no server became ready (exit status {self.process.poll()}):\n{self.said()[-3000:]}")

    def kill(self) -> None:
        """SIGKILL, for whatever wraps the server too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, patience: float = LEAVING_SECONDS, number: int = signal.SIGTERM) -> float:
        """Ask it to leave; the seconds that it took, or `patience` where it had to be killed."""
        asked = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()
                return patience
        return time.monotonic() - asked

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def failures(self) -> Counter[str]:
        """What its log says of requests that ended in status 500."""
        return Counter(line.partition(FAILED)[2].strip() for line in self.said().splitlines() if FAILED in line)

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What stands in the database, read past the application."""
        return rows(self.home, query, parameters)

    def resident(self) -> int:
        """Bytes of memory that it holds now."""
        import psutil

        process = psutil.Process(self.pid)
        return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


@dataclass(frozen=True, slots=True)
class Place:
    """`home` may be empty or missing: it is made of `prepared`, a trained home that is never written to.

    `dataclasses.replace(place, home=...)` is the same shop in another folder, such as a small disk.
    """

    home: Path
    prepared: Path

    def settle(self) -> Path:
        """Make the home a copy of the prepared one unless something is in it already."""
        if not (self.home / "chatbot.db").exists():
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copytree(self.prepared / "models", self.home / "models", copy_function=_link, dirs_exist_ok=True)
            with (
                closing(sqlite3.connect(f"file:{self.prepared / 'chatbot.db'}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(self.home / "chatbot.db")) as copy,
            ):
                source.backup(copy)
        return self.home

    @contextmanager
    def serve(
        self,
        *options: str,
        under: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        ready: bool = True,
        patience: float = READY_SECONDS,
        log: Path | None = None,
        **settings: str,
    ) -> Iterator[Serving]:
        """A server on this home, ready unless `ready` is False, and stopped at the end of the block.

        `under` is a command that starts the server, such as ("faketime", "+1d"); `environment` is added to its own;
        `settings` are the program's, by name. The log lies in the home unless another file is given.
        """
        self.settle()
        port = port or free_port()
        log = log or self.home / "server.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*under, sys.executable, "-m", "chatbot", "serve", "--port", str(port), *options],
                cwd=ROOT,
                env=self.environment(**settings) | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Serving(process, home=self.home, port=port, log=log)
        try:
            if ready:
                server.await_ready(patience)
            yield server
        finally:
            server.stop()
            server.kill()

    def begin(self, *arguments: str, module: str = "chatbot", **settings: str) -> subprocess.Popen[bytes]:
        """Start one command on this home, such as ("import", "file.csv"); its words go to `commands.log` there."""
        self.settle()
        with (self.home / "commands.log").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=self.environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def run(self, *arguments: str, module: str = "chatbot", patience: float = 300.0, **settings: str) -> int:
        """The exit status of one command."""
        return self.begin(*arguments, module=module, **settings).wait(patience)

    def environment(self, **settings: str) -> dict[str, str]:
        """This process's own, with the program's settings replaced by those of the torture."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHATBOT_")}
        wanted = {**SETTINGS, "home": str(self.home), **settings}
        return inherited | {f"CHATBOT_{name.upper()}": value for name, value in wanted.items()}


def prepare(folder: Path) -> Path:
    """Make and train the tiny shop through the program's own door; returns its home, for `Place.prepared`."""
    place = empty_place(folder / "prepared")
    with place.serve("--prepare", str(shop_files(folder / "shop")), patience=PREPARING_SECONDS):
        pass
    return place.home


def empty_place(home: Path) -> Place:
    """Nothing is copied to it: a server begins with an empty database."""
    home.mkdir(parents=True, mode=0o700)
    (home / "chatbot.db").touch()
    return Place(home, home)


def shop_files(folder: Path) -> Path:
    """The folder, which `serve --prepare` takes."""
    folder.mkdir(parents=True)
    (folder / "shop.jsonl").write_text("".join(_tiny_shop()), encoding="utf-8")
    return folder


def _tiny_shop() -> Iterator[str]:
    """Lines of the sample shop that are about few intents."""
    taken: Counter[str] = Counter()
    for name in ("facts", "intents", "templates", "examples"):
        for line in (SHOP / f"{name}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True):
            record = json.loads(line)
            intent = record.get("intent") or (record["name"] if name == "intents" else None)
            if intent is not None and intent not in INTENTS:
                continue
            taken[f"{name} {intent}"] += 1
            if name != "examples" or taken[f"{name} {intent}"] <= EXAMPLES_EACH:
                yield line


def rows(home: Path, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "chatbot.db", timeout=10)) as database:
        return database.execute(query, parameters).fetchall()


def status_of(url: str, timeout: float = 5.0) -> int:
    """Of a GET; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (urllib.error.URLError, OSError):
        return 0


def _link(source: str, target: str) -> str:
    """Model files are never written to, so a second name will do; on another disk they are copied."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
