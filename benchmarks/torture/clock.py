"""Clocks that jump by a day, change between summer and winter time, or stand in another zone than the agents'.

A real server runs under libfaketime (the package `faketime`), whose clock is moved while customers and an agent talk to
it. What stands in order must stay so, what lasts for a while must last neither for ever nor for nothing, and what is
kept for thirty days goes after thirty days.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import Place, Serving
from chatbot.store import Store
from chatbot.types import Role
from training.watch import Schedule, watch

DAY = timedelta(days=1)
NOTICED_SECONDS = 0.2
"""What the server has begun with the clock as it was before."""
TOLERANCE = timedelta(seconds=5)
WINTER = "2026-10-25T00:59:52+00:00", "Europe/Berlin"
SUMMER = "2027-03-28T00:59:52+00:00", "Europe/Berlin"
KEPT_DAYS = 30


class Clock:
    """A server's clock, as far from the real one as it was set last."""

    def __init__(self, folder: Path, zone: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "clock"
        self._zone = zone
        self.set(timedelta(0), wait=False)

    def set(self, ahead: timedelta, *, wait: bool = True) -> None:
        self.ahead = ahead
        self._file.write_text(f"{ahead.total_seconds():+.0f}\n", encoding="ascii")
        if wait:
            time.sleep(NOTICED_SECONDS)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def environment(self) -> dict[str, str]:
        """The time that only grows stays the real one: no clock that is put right moves that."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": self._zone,
        }


def library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise RuntimeError("there is no libfaketime; install the package: apt-get install faketime")
    return found[0]


@dataclass(slots=True)
class Findings:
    """What was not as it should be."""

    checked: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        self.checked += 1
        if not holds:
            self.wrong.append(otherwise)

    def told(self) -> str:
        return f"{self.checked} checks, " + (f"WRONG: {'; '.join(self.wrong[:5])}" if self.wrong else "all right")


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    yield jumps(place)
    for moment, zone in (WINTER, SUMMER)[: size.pick(long=2, short=1)]:
        yield changed_clocks(place, datetime.fromisoformat(moment), zone)
    yield retention(place)
    yield schedules()


def jumps(place: Place) -> Outcome:
    """An hour of talk with a clock that goes a day ahead, back again, and a day behind."""
    clock, found = Clock(place.home.parent / "jumps", "Asia/Shanghai"), Findings()
    with place.serve(environment=clock.environment(), messages_per_minute="12") as server:
        cookie = session(server, "ana")
        talk, sent = begin(server), list[str]()
        crowded = begin(server)
        while say(server, crowded, "where is my order")[0] == 201:
            pass
        for ahead in (timedelta(0), DAY, timedelta(0), -DAY, timedelta(0)):
            forward = ahead > clock.ahead
            clock.set(ahead)
            for _ in range(2):
                sent.append(f"where is my order number {len(sent)}")
                status, said = say(server, talk, sent[-1])
                found.expect(status == 201, f"{status} with the clock {ahead}")
                at = datetime.fromisoformat(said["asked"]["created_at"])
                found.expect(at.utcoffset() == timedelta(0), f"{at} is not in UTC")
                found.expect(abs(at - clock.now()) < TOLERANCE, f"stored {at} at {clock.now()}")
            found.expect(ask(server, "/readyz")[0] == 200, f"not ready with the clock {ahead}")
            status = ask(server, "/desk/api/me", cookie=cookie)[0]
            # A day without a request is too long for a session: whoever signs in anew goes on.
            found.expect(status == (401 if forward else 200), f"the desk said {status} with the clock {ahead}")
            cookie = session(server, f"after {len(sent)}", ahead=ahead) if status == 401 else cookie
            if ahead == DAY:
                found.expect(say(server, crowded, "and now")[0] in (201, 429), "the throttle broke")
                found.expect(_refused(server, crowded), "a day ahead emptied the throttle")
            if ahead == -DAY:
                time.sleep(6.0)
                found.expect(say(server, crowded, "and now")[0] == 201, "a day behind, the throttle stays shut")
        told = [each["text"] for each in ask(server, f"{talk}/messages")[1]["messages"] if each["role"] == "customer"]
        found.expect(told == sent, f"the transcript has another order: {told}")
        least, most = server.rows("SELECT min(latency_ms), max(latency_ms) FROM turns")[0]
        found.expect(0 <= least <= most < 60_000, f"answers took {least} to {most} ms")
    return Outcome(
        "the clock jumps a day ahead, back, and a day behind",
        "a server in Asia/Shanghai; ten messages of one conversation, a throttled one, an agent at the desk",
        not found.wrong,
        found.told(),
    )


def changed_clocks(place: Place, moment: datetime, zone: str) -> Outcome:
    """The eight seconds before the local clocks are changed, and those after."""
    clock, found = Clock(place.home.parent / f"changed-{moment:%m}", zone), Findings()
    with place.serve(environment=clock.environment()) as server:
        clock.set(moment - datetime.now(UTC))
        talk, sent, stored = begin(server), list[str](), list[datetime]()
        until = time.monotonic() + 16
        while time.monotonic() < until:
            sent.append(f"where is my order number {len(sent)}")
            status, said = say(server, talk, sent[-1])
            found.expect(status == 201, f"{status} instead of an answer")
            stored.append(datetime.fromisoformat(said["asked"]["created_at"]))
            time.sleep(0.5)
        told = [each["text"] for each in ask(server, f"{talk}/messages")[1]["messages"] if each["role"] == "customer"]
    steps = [after - before for before, after in zip(stored, stored[1:], strict=False)]
    found.expect(told == sent, "the transcript has another order")
    found.expect(all(timedelta(0) < step < TOLERANCE for step in steps), f"steps of {min(steps)} to {max(steps)}")
    hour = moment.replace(minute=0, second=0) + timedelta(hours=1)
    found.expect(stored[0] < hour < stored[-1], f"{stored[0]} to {stored[-1]} is not around {hour}")
    return Outcome(
        f"the clocks of {zone} are changed",
        f"{len(sent)} messages around {hour:%Y-%m-%d %H:%M} UTC",
        not found.wrong,
        found.told(),
    )


def retention(place: Place) -> Outcome:
    """Of conversations of some days ago, where the clocks were changed meanwhile, by the program's own command."""
    clock, found = Clock(place.home.parent / "retention", "America/New_York"), Findings()
    margin = timedelta(hours=2)
    begun: dict[str, timedelta] = {}
    with place.serve(environment=clock.environment()) as server:
        for ago in (timedelta(days=KEPT_DAYS) + margin, timedelta(days=KEPT_DAYS) - margin, timedelta(0), -DAY):
            clock.set(-ago)
            talk = begin(server)
            found.expect(say(server, talk, "where is my order")[0] == 201, f"no answer {ago} ago")
            begun[talk.rsplit("/", 1)[1]] = ago
        clock.set(timedelta(0))
        code = place.run("retention", "run", retention_days=str(KEPT_DAYS), patience=120)
        found.expect(code == 0, f"chatbot retention run ended with {code}")
        left = {str(row[0]) for row in server.rows("SELECT id FROM conversations")}
    for name, ago in begun.items():
        found.expect((name in left) == (ago < timedelta(days=KEPT_DAYS)), f"of {ago} ago: left is {name in left}")
    return Outcome(
        f"{KEPT_DAYS} days are {KEPT_DAYS} days",
        "conversations of two hours more and two hours less ago, of now and of tomorrow; America/New_York",
        not found.wrong,
        found.told(),
    )


def schedules() -> Outcome:
    """Retraining every day for 60 simulated days, in which the clock is put ahead and back."""
    found = Findings()
    for jump in (DAY, -DAY, timedelta(days=-300)):
        passed = runs_of(jump)
        gaps = [after - before for before, after in zip(passed, passed[1:], strict=False)]
        # One interval after the clock was put back at the latest, which may be at the moment at which a run was due.
        found.expect(max(gaps) <= 2 * DAY, f"{max(gaps)} between two runs after a jump of {jump}")
        found.expect(55 <= len(passed) <= 62, f"{len(passed)} runs in 60 days with a jump of {jump}")
    return Outcome(
        "retraining every 24 hours and the clock jumps",
        "60 simulated days, with a jump of a day ahead, a day back and 300 days back on the twentieth",
        not found.wrong,
        found.told(),
    )


def runs_of(jump: timedelta) -> list[timedelta]:
    """When it was run, in time that passed, while the clock is moved by `jump` on the twentieth day."""

    @dataclass(slots=True)
    class Simulated:
        passed: timedelta = timedelta(0)

        def now(self) -> datetime:
            at = datetime(2026, 10, 5, tzinfo=UTC) + self.passed
            return at + jump if self.passed >= 20 * DAY else at

        def sleep(self, seconds: float) -> bool:
            self.passed += timedelta(seconds=seconds)
            return self.passed < 60 * DAY

        def working(self) -> contextlib.nullcontext[None]:
            return contextlib.nullcontext()

    clock, passed = Simulated(), list[timedelta]()

    def run() -> int:
        passed.append(clock.passed)
        clock.passed += timedelta(minutes=10)
        return 0

    nothing: Callable[[str], None] = lambda line: None  # noqa: E731, ARG005
    watch(run, Schedule(DAY), last_version=None, taught_since=lambda _: 0, clock=clock, say=nothing)
    return passed


# --- Talking to a server ---------------------------------------------------------------------------------------------


def ask(server: Serving, path: str, *, body: Any = None, cookie: str = "") -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"} | ({"Cookie": cookie} if cookie else {})
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, content, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}


def begin(server: Serving) -> str:
    """The path of a new conversation."""
    return f"/api/v1/conversations/{ask(server, '/api/v1/conversations', body={})[1]['id']}"


def say(server: Serving, talk: str, text: str) -> tuple[int, Any]:
    return ask(server, f"{talk}/messages", body={"text": text})


def session(server: Serving, name: str, *, ahead: timedelta = timedelta(0)) -> str:
    """The cookie of a new agent who has just signed in."""
    with closing(Store.open(f"sqlite:///{server.home / 'chatbot.db'}")) as store:
        agent = store.agents.add(name, role=Role.AGENT, password_hash="-", by="clock")
        return f"desk={store.agents.begin(agent.id, now=datetime.now(UTC) + ahead)}"


def _refused(server: Serving, talk: str) -> bool:
    """Of three in a row one at least: a bucket that was filled again would take them."""
    return any(say(server, talk, "and now")[0] == 429 for _ in range(3))
