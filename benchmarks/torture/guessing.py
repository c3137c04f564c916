"""Guessing at passwords: ten thousand attempts at an agent's name and at others, from many addresses at once."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import Place, Serving
from benchmarks.torture.wire import Lost, Wire
from chatbot.passwords import Passwords
from chatbot.store import Store
from chatbot.types import Role
from chatbot.web.auth import PER_ACCOUNT_IN_ALL

SHOP = "chat.shop.example"
PASSWORD = "four words nobody guesses"
OWNER = "Ana"
GUESSERS = 20
"""At the same time."""
ADDRESSES = 500
NAMES = 200
"""Besides the agent's own, which every other attempt is at."""
LONGEST_WAIT = 2.0
"""Seconds for a customer's answer meanwhile, in nine of ten cases."""
OWNER_SECONDS = 10.0


@dataclass(slots=True)
class Tally:
    statuses: Counter[int] = field(default_factory=Counter)
    at_the_owner: Counter[int] = field(default_factory=Counter)
    """Those of attempts at the owner's name, by status."""
    answers: list[float] = field(default_factory=list)
    """Seconds for each customer's answer while the guessing went on."""
    owner: float = 0.0
    """Seconds until the owner was in, from a browser that had been in before; infinite if never."""
    seconds: float = 0.0


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    attempts = size.pick(long=10_000, short=600)
    _hire(place)
    with place.serve(public_url=f"https://{SHOP}", trusted_proxies="127.0.0.1", messages_per_minute="100000") as server:
        tally = asyncio.run(_attack(server, attempts))
    yield _brute_force(tally, attempts)
    yield _customers(tally)
    yield Outcome(
        "the owner of the name while it is guessed at",
        "signs in from a browser that had been in before, with the right password",
        tally.owner <= OWNER_SECONDS,
        f"in after {tally.owner:.1f} s",
    )


def most_at_the_owner(seconds: float) -> int:
    """How many attempts at one name may reach the hasher in so long a time."""
    return int(PER_ACCOUNT_IN_ALL * (1 + seconds / 60)) + 1


def _brute_force(tally: Tally, attempts: int) -> Outcome:
    wrong, told = tally.statuses[401], sum(tally.statuses.values())
    others = {status: count for status, count in tally.statuses.items() if status not in (401, 429, 503)}
    figures = (
        f"{told:,} answered in {tally.seconds:.0f} s: {wrong:,} compared with a hash, of them "
        f"{tally.at_the_owner[401]} at the agent's name; {tally.statuses[429]:,} told to wait (429), "
        f"{tally.statuses[503]:,} too many at once (503), {sum(others.values())} anything else"
    )
    passed = told == attempts and not others and tally.at_the_owner[401] <= most_at_the_owner(tally.seconds)
    how = f"{attempts:,} sign-ins, half of them at one agent's name, from {ADDRESSES} addresses, {GUESSERS} at a time"
    return Outcome("guessing at passwords", how, passed, figures)


def _customers(tally: Tally) -> Outcome:
    slowest = statistics.quantiles(tally.answers, n=10)[-1] if len(tally.answers) > 1 else float("inf")
    median = statistics.median(tally.answers) if tally.answers else float("inf")
    return Outcome(
        "customers while passwords are guessed",
        "a customer asks, again and again, while all attempts that are let through are hashed",
        slowest <= LONGEST_WAIT,
        f"{len(tally.answers)} answers, median {median * 1000:.0f} ms, nine of ten within {slowest * 1000:.0f} ms",
    )


async def _attack(server: Serving, attempts: int) -> Tally:
    tally = Tally()
    known = await _known_browser(server)
    began = time.monotonic()
    numbers = iter(range(attempts))
    guessers = [asyncio.create_task(_guess(server, numbers, tally)) for _ in range(GUESSERS)]
    customer = asyncio.create_task(_ask(server, tally))
    await asyncio.sleep(1.0)  # the name's attempts are used up by now
    tally.owner = await _come_in(server, known)
    await asyncio.gather(*guessers)
    tally.seconds = time.monotonic() - began
    customer.cancel()
    await asyncio.gather(customer, return_exceptions=True)
    return tally


async def _guess(server: Serving, numbers: Iterator[int], tally: Tally) -> None:
    for number in numbers:
        name = OWNER if number % 2 else f"agent {number % NAMES}"
        address = f"203.0.{number % ADDRESSES // 250}.{number % ADDRESSES % 250 + 1}"
        status, _ = await _sign_in(server, name, f"guess {number}", address)
        tally.statuses[status] += 1
        tally.at_the_owner[status] += name == OWNER


async def _ask(server: Serving, tally: Tally) -> None:
    with closing(Wire(server.port)) as wire:
        begun = await wire.ask("POST", "/api/v1/conversations", {})
        while True:
            asked = time.monotonic()
            try:
                path = f"/api/v1/conversations/{begun.body['id']}/messages"
                await wire.ask("POST", path, {"text": f"where is my parcel {len(tally.answers)}"})
            except Lost:
                tally.answers.append(float("inf"))
            else:
                tally.answers.append(time.monotonic() - asked)
            await asyncio.sleep(0.05)


async def _known_browser(server: Serving) -> str:
    """The cookies of one that the owner signed in with."""
    status, cookies = await _sign_in(server, OWNER, PASSWORD, "198.51.100.1")
    if status != 200:
        raise RuntimeError(f"the owner could not sign in before it began ({status})")
    return "; ".join(cookie for cookie in cookies if "known" in cookie)


async def _come_in(server: Serving, cookie: str) -> float:
    """Tries again for as long as it is told that too many are at it."""
    began = time.monotonic()
    while time.monotonic() < began + 2 * OWNER_SECONDS:
        status, _ = await _sign_in(server, OWNER, PASSWORD, "198.51.100.2", cookie)
        if status == 200:
            return time.monotonic() - began
        await asyncio.sleep(0.5)
    return float("inf")


async def _sign_in(server: Serving, name: str, password: str, address: str, cookie: str = "") -> tuple[int, list[str]]:
    """Status and cookies, each as `name=value`; as a proxy on this machine would pass it on."""
    body = json.dumps({"name": name, "password": password}).encode()
    lines = [
        "POST /desk/login HTTP/1.1", f"Host: {SHOP}", f"X-Forwarded-For: {address}", "Connection: close",
        "Content-Type: application/json", f"Content-Length: {len(body)}", *([f"Cookie: {cookie}"] if cookie else []),
    ]  # fmt: skip
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await reader.read()).partition(b"\r\n\r\n")[0].decode("latin-1")
    finally:
        writer.close()
    return int(head.split()[1]), re.findall(r"(?im)^set-cookie: ([^;\r]+)", head)


def _hire(place: Place) -> None:
    store = Store.open(f"sqlite:///{place.settle() / 'chatbot.db'}", migrate=True)
    store.agents.add(OWNER, role=Role.ADMIN, password_hash=Passwords().hash(PASSWORD), by="torture")
    store.close()
