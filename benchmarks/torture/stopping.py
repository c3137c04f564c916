"""SIGTERM: with open tabs and customers at work, while the database is locked, in the middle of other commands."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from benchmarks.torture.acknowledged import Acknowledged
from benchmarks.torture.customers import API, Crowd
from benchmarks.torture.holding import held
from benchmarks.torture.interrupted import (
    LEFT_AT_ALL_SECONDS,
    LEFT_WITHIN_SECONDS,
    in_import,
    in_training,
    once_in_import,
    once_in_training,
)
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import Place, Serving, free_port

TABS, IDLE, CUSTOMERS = 20, 20, 10
AT_WORK_SECONDS = 2.0
MOMENTS = 20
SETTINGS: dict[str, Any] = {"log_level": "WARNING"}


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    long = size is Size.LONG
    signals = ((signal.SIGTERM,), *(((signal.SIGINT,), (signal.SIGTERM, signal.SIGTERM)) if long else ()))
    within = LEFT_WITHIN_SECONDS if long else LEFT_AT_ALL_SECONDS
    yield open_tabs(_at(place, "tabs"), signals, within=within)
    if long:
        yield while_locked(_at(place, "locked"))
    if long:
        yield in_training(_at(place, "training"), moments=MOMENTS)
        yield in_import(_at(place, "import"), moments=MOMENTS)
    else:
        yield once_in_training(_at(place, "training"))
        yield once_in_import(_at(place, "import"))


def _at(place: Place, name: str) -> Place:
    return replace(place, home=place.home / name)


def open_tabs(place: Place, signals: Sequence[Sequence[signal.Signals]], *, within: float) -> Outcome:
    """Once for each of `signals`, which are sent one second apart; the next start shows that nothing is amiss."""
    log, port = Acknowledged(place.settle() / "acknowledged.jsonl"), free_port()
    crowd = Crowd(port, log, customers=CUSTOMERS, agents=())
    took, codes, ready = list[float](), list[int | None](), list[float]()
    crowd.start()
    try:
        for numbers in signals:
            with place.serve(port=port, **SETTINGS) as server, _tabs(server):
                ready.append(server.ready_after)
                time.sleep(AT_WORK_SECONDS)
                took.append(_leave(server, numbers))
                codes.append(server.process.returncode)
        with place.serve(port=port, **SETTINGS) as server:
            ready.append(server.ready_after)
            crowd.finish()
    finally:
        crowd.finish()
    found = log.compare(place.home)
    # Whoever asks once more while it closes the last things ends it there and then.
    clean = all(code in (0, -one[0]) if one[1:] else code == 0 for one, code in zip(signals, codes, strict=True))
    return Outcome(
        "stopped with open tabs",
        f"{TABS} event streams, {IDLE} idle connections, an upload that never ends, {CUSTOMERS} customers",
        found.agrees and not log.strange and max(took) <= within and clean,
        f"{_named(signals)}: gone after {max(took):.1f} s at most with status {_list(codes)}; {found.words}; "
        f"{dict(log.strange) or 'nothing strange'}; ready again within {max(ready):.1f} s",
    )


def _named(signals: Sequence[Sequence[signal.Signals]]) -> str:
    return ", ".join(" twice".join([numbers[0].name, *[""] * (len(numbers) - 1)]) for numbers in signals)


def _list(codes: Sequence[int | None]) -> str:
    return ", ".join(str(code) for code in sorted(set(codes), key=str))


def _leave(server: Serving, numbers: Sequence[signal.Signals]) -> float:
    began = time.monotonic()
    for number in numbers[:-1]:
        server.process.send_signal(number)
        time.sleep(1.0)
    server.stop(LEFT_AT_ALL_SECONDS, numbers[-1])
    return time.monotonic() - began


@contextmanager
def _tabs(server: Serving) -> Iterator[None]:
    """What browsers keep open: the event stream of each tab, connections that rest, and a body that stops coming."""
    host = f"Host: 127.0.0.1:{server.port}\r\n"
    upload = f"POST {API} HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: 900\r\n\r\n"
    with ExitStack() as stack:
        for number in range(TABS):
            tab = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            tab.sendall(f"GET /gradio_api/heartbeat/tab{number} HTTP/1.1\r\n{host}\r\n".encode())
            if b"200 OK" not in (head := tab.recv(4096)):
                raise RuntimeError(f"no event stream is open: {head[:200]!r}")
        for _ in range(IDLE):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            idle.sendall(f"GET /healthz HTTP/1.1\r\n{host}\r\n".encode())
            idle.recv(4096)
        slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
        slow.sendall(f"{upload}{{".encode())
        yield


def while_locked(place: Place) -> Outcome:
    """All threads wait for the database when it is asked to stop."""
    log, port = Acknowledged(place.settle() / "acknowledged.jsonl"), free_port()
    with place.serve(port=port, **SETTINGS) as server:
        crowd = Crowd(port, log, customers=60, agents=())
        crowd.start()
        try:
            time.sleep(AT_WORK_SECONDS)
            with held(place.home / "chatbot.db", 30.0) as holder:
                time.sleep(AT_WORK_SECONDS)
                took = server.stop(30.0)
                holder.kill()
            with place.serve(port=port, **SETTINGS):
                crowd.finish()
        finally:
            crowd.finish()
    found = log.compare(place.home)
    return Outcome(
        "stopped while the database is locked",
        "another process holds the write lock, 60 customers wait",
        found.agrees and took <= LEFT_WITHIN_SECONDS,
        f"gone after {took:.1f} s; {found.words}",
    )
