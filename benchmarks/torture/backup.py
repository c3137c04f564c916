"""Backups while twenty customers write, and each put back on a fresh machine that has to answer the same."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.torture.acknowledged import Acknowledged
from benchmarks.torture.customers import API, QUESTIONS, Crowd, at_work, hire
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import ROOT, Place, Serving
from benchmarks.torture.wire import Wire

CUSTOMERS = 20
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One backup: what had been acknowledged when it began, and what it cost those who wrote meanwhile."""

    file: Path
    before: Acknowledged
    noted: tuple[int, str]
    seconds: float
    meanwhile: int


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    backups, between = size.pick(long=5, short=1), size.pick(long=400, short=40)
    starts = {0, backups - 1} if size is Size.LONG else set()  # the suite asks a restored home without a server
    place.settle()
    hire(place.home, ["Ana", "Bo"])
    log = Acknowledged(place.home / "acknowledged.jsonl")
    with place.serve(log_level="WARNING") as server:
        with at_work(server.port, log, customers=CUSTOMERS, agents=()) as crowd:
            taken = [take(place, server, crowd, log, number, between) for number in range(backups)]
        answers = asyncio.run(ask(server.port)) if starts else []
    lost, strange = 0, [f"unexpected: {what}" for what in log.strange]
    for number, one in enumerate(taken):
        fresh = dataclasses.replace(place, home=place.home.with_name(f"{place.home.name}-fresh-{number}"))
        put_back(fresh, one.file)
        one.before.sent = log.sent
        found = one.before.compare(fresh.home)
        lost += len(found.lost)
        strange += [*found.doubled, *found.damage, *_chain(fresh, one.noted)]
        if number in starts:
            with fresh.serve(log_level="WARNING") as server:
                same = asyncio.run(ask(server.port))
            pairs = zip(answers, same, strict=True)
            strange += [f"another answer: {old} is now {new}" for old, new in pairs if old != new]
    yield Outcome(
        "backup while writing, then restore",
        f"{CUSTOMERS} clients write while `chatbot backup` runs; `chatbot restore` into an empty folder",
        not lost and not strange,
        _figures(taken, lost, strange, len(answers)),
    )


def take(place: Place, server: Serving, crowd: Crowd, log: Acknowledged, number: int, between: int) -> Taken:
    """A backup once `between` more messages have been acknowledged."""
    wanted = len(log.messages) + between
    until = time.monotonic() + PATIENCE_SECONDS
    while len(log.messages) < wanted:
        if time.monotonic() > until or crowd.troubles:
            raise RuntimeError(f"the customers are not answered:\n{server.said()[-2000:]}")
        time.sleep(0.02)
    file = place.home.with_name(f"{place.home.name}-{number}.tar")
    before = Acknowledged(log.file, messages=dict(log.messages), votes=dict(log.votes))
    noted = _noted(place.home)
    began = time.monotonic()
    if place.run("backup", str(file), "--quiet") != 0:
        raise RuntimeError((place.home / "commands.log").read_text(encoding="utf-8")[-2000:])
    return Taken(file, before, noted, time.monotonic() - began, len(log.messages) - len(before.messages))


def put_back(fresh: Place, file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chatbot", "restore", str(file)],
        cwd=ROOT,
        env=fresh.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


async def ask(port: int) -> list[dict[str, Any]]:
    """What a new customer is answered to each question, and why, without what differs by itself."""
    answers = []
    with closing(Wire(port)) as wire:
        for question in QUESTIONS:
            begun = await wire.ask("POST", API, {"language": "en"})
            said = await wire.ask("POST", f"{API}/{begun.body['id']}/messages", {"text": question})
            why = said.body["explanation"] | {"probability": round(said.body["explanation"]["probability"], 6)}
            answers.append({"text": said.body["replied"]["text"], "action": said.body["action"], "why": why})
    return answers


def _noted(home: Path) -> tuple[int, str]:
    from chatbot.store import Store
    from chatbot.store.audit import verify

    with closing(Store.open(f"sqlite:///{home / 'chatbot.db'}")) as store:
        chain = verify(store.database)
    return chain.rows, chain.head


def _chain(fresh: Place, noted: tuple[int, str]) -> Iterator[str]:
    """The audit log has to go through the end that it had, and the agents are those that were hired."""
    from chatbot.store import Store
    from chatbot.store.audit import verify

    with closing(Store.open(f"sqlite:///{fresh.home / 'chatbot.db'}")) as store:
        chain = verify(store.database, noted=noted)
        names = sorted(agent.name for agent in store.agents.all())
    if not chain.intact:
        yield f"audit log, row {chain.broken_at} {chain.reason}"
    if names != ["Ana", "Bo"]:
        yield f"agents {names}"


def _figures(taken: list[Taken], lost: int, strange: list[str], questions: int) -> str:
    messages = sum(len(one.before.messages) for one in taken)
    votes = sum(len(one.before.votes) for one in taken)
    seconds = sorted(one.seconds for one in taken)
    size = max(one.file.stat().st_size for one in taken)
    asked = f"{questions} questions answered the same, word by word and with the same version; " if questions else ""
    told = (
        f"{len(taken)} backups of {size / 1e6:,.0f} MB in {seconds[0]:.1f} to {seconds[-1]:.1f} s, with "
        f"{sum(one.meanwhile for one in taken):,} messages acknowledged meanwhile; of {messages:,} messages and "
        f"{votes:,} votes acknowledged before, {lost} lost; {asked}agents and audit log the same"
    )
    return told + (f"; WRONG: {'; '.join(strange[:5])}" if strange else "")
