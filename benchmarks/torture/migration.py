"""A database of 100,000 rows is brought up to date, and the process is killed with -9 at random moments of it."""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import Place

OLD = "0003"
"""The schema to begin with: the next step rewrites every message, later ones copy tables and build indexes."""
PARTS = {"conversations": 5, "messages": 50, "turns": 25, "feedback": 10, "examples": 10}
"""How many of each hundred rows."""
STARTING_SHARE = 0.2
"""Of the kills: at any moment from the start on; the others once the copy is begun."""
AT = "2026-03-01 12:00:00.000000"
BATCH = 5000
PATIENCE_SECONDS = 300.0


@dataclass(slots=True)
class Kills:
    """What each kill hit, and what was wrong afterwards."""

    hit: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0
    most_backups: int = 0


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    rows, kills = size.pick(long=100_000, short=2_000), size.pick(long=100, short=2)
    place.home.mkdir(parents=True, exist_ok=True)
    old = place.home / "old.db"
    fill(old, rows)
    before = content(old)
    put(old, place.home)
    took, working = undisturbed(place)
    after = content(place.home / "chatbot.db")
    seen = killed(place, old, before=before, after=after, working=working, kills=kills)
    seen.slowest = finished(place, seen, before=before, after=after)
    told = ", ".join(f"{count} {what}" for what, count in seen.hit.most_common())
    yield Outcome(
        "migration killed in the middle",
        f"{rows:,} rows of schema {OLD}, `chatbot db upgrade` killed with -9 at random moments and run again",
        not seen.wrong,
        f"{kills} kills ({told}); afterwards untouched or complete each time, content equal by SHA-256, "
        f"{'whole copy from before each time' if not seen.wrong else '; '.join(seen.wrong[:5])}, "
        f"{seen.most_backups} copies at most; an upgrade takes {took:.1f} s, {working:.1f} s of them from its copy on, "
        f"the one after the last kill {seen.slowest:.1f} s",
    )


def undisturbed(place: Place) -> tuple[float, float]:
    """Seconds of a whole upgrade, and from the beginning of its copy on."""
    began = time.monotonic()
    process = place.begin("db", "upgrade")
    await_copy(place.home, process)
    copying = time.monotonic()
    if process.wait(PATIENCE_SECONDS) != 0:
        raise RuntimeError((place.home / "commands.log").read_text(encoding="utf-8")[-2000:])
    return time.monotonic() - began, time.monotonic() - copying


def killed(place: Place, old: Path, *, before: str, after: str, working: float, kills: int) -> Kills:
    chance, seen = random.Random(kills), Kills()
    put(old, place.home)
    for number in range(kills):
        process = place.begin("db", "upgrade")
        if chance.random() >= STARTING_SHARE:
            await_copy(place.home, process)
        time.sleep(working * chance.random() ** 2)  # rather early: it is quicker where it was disturbed less
        process.kill()
        process.wait()
        seen.hit[what_was_hit(place.home)] += 1
        seen.wrong += [f"kill {number + 1}: {what}" for what in troubles(place.home, before=before, after=after)]
        seen.most_backups = max(seen.most_backups, len(copies(place.home)))
        if revision(place.home / "chatbot.db") != OLD or chance.random() < 0.3:
            put(old, place.home)  # done, or enough of retrying on the same files
    return seen


def finished(place: Place, seen: Kills, *, before: str, after: str) -> float:
    """The run after the last kill has to do all of it; the seconds that it takes."""
    began = time.monotonic()
    if place.run("db", "upgrade") != 0:
        seen.wrong.append("the last run refused")
    took = time.monotonic() - began
    if content(place.home / "chatbot.db") != after:
        seen.wrong.append("the content after the last run is another one")
    seen.wrong += troubles(place.home, before=before, after=after)
    return took


def troubles(home: Path, *, before: str, after: str) -> Iterator[str]:
    """What is wrong with the database or with a copy that has its name."""
    file = home / "chatbot.db"
    with closing(sqlite3.connect(file, timeout=30)) as database:
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
        if sound != "ok":
            yield f"integrity: {sound}"
    is_old = revision(file) == OLD
    if content(file) != (before if is_old else after):
        yield f"content of schema {revision(file)} is another one"
    if not is_old and not copies(home):
        yield "no copy from before is there"
    for copy in copies(home):
        if content(copy) != before:
            yield f"{copy.name} is not what was there before"


def what_was_hit(home: Path) -> str:
    if revision(home / "chatbot.db") != OLD:
        return "after the commit"
    if list(home.glob(".*.bak.new")):
        return "during the copy"
    return "during the upgrade" if copies(home) else "before the copy"


def copies(home: Path) -> list[Path]:
    return sorted(home.glob("chatbot.db.*.bak"))


def await_copy(home: Path, process: subprocess.Popen[bytes]) -> None:
    """Until one is begun, which is the first that an upgrade does; or the process is gone."""
    known, until = {*home.glob(".*.bak.new"), *copies(home)}, time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        if {*home.glob(".*.bak.new"), *copies(home)} - known:
            return
        time.sleep(0.002)


def put(old: Path, home: Path) -> None:
    """The home as it was before any upgrade."""
    for file in [*home.glob("chatbot.db*"), *home.glob(".chatbot.db*")]:
        file.unlink()
    shutil.copy(old, home / "chatbot.db")


def revision(file: Path) -> str:
    with closing(sqlite3.connect(file, timeout=30)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def content(file: Path) -> str:
    """SHA-256 of the definitions and of all rows; the order in which a table lies on disk makes no difference."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(file, timeout=30)) as database:
        tables = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        for name, definition in tables:
            digest.update(f"{name}\n{definition}\n".encode())
            columns = database.execute(f'PRAGMA table_info("{name}")').fetchall()
            order = ", ".join(str(number) for number, _ in enumerate(columns[:2], 1))
            for row in database.execute(f'SELECT * FROM "{name}" ORDER BY {order}'):
                digest.update(repr(row).encode())
    return digest.hexdigest()


def fill(file: Path, rows: int) -> None:
    """A database of the old schema with so many rows of customers."""
    from chatbot.store import Store
    from chatbot.store.migrations import downgrade

    with closing(Store.open(f"sqlite:///{file}", migrate=True)) as store:
        downgrade(store.database, OLD)
    for copy in [*file.parent.glob(f"{file.name}.*.bak"), *file.parent.glob(f".{file.name}.*")]:
        copy.unlink()
    with closing(sqlite3.connect(file)) as database:
        for table, share in PARTS.items():
            put_rows(database, table, rows * share // 100, per_conversation=PARTS["messages"] // PARTS["conversations"])
        database.execute("PRAGMA journal_mode=DELETE")  # all of it in one file, to be copied


def put_rows(database: sqlite3.Connection, table: str, count: int, *, per_conversation: int) -> None:
    with database:
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            made = [ROWS[table](number, per_conversation) for number in numbers]
            names = ", ".join(made[0])
            marks = ", ".join(f":{name}" for name in made[0])
            database.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", made)


Made = dict[str, str | int | float | None]


def _message(number: int, each: int) -> Made:
    asks = number % 2 == 0
    return {
        "id": f"m{number:07}",
        "conversation_id": f"c{number // each:07}",
        "position": number % each + 1,
        "role": "customer" if asks else "bot",
        "text": f"where is my parcel number {number}" if asks else f"Parcel {number} is on its way to you.",
        "key": f"key-{number}" if asks else None,
        "created_at": AT,
    }


def _turn(number: int, each: int) -> Made:
    turn: Made = {
        "id": f"t{number:07}",
        "conversation_id": f"c{2 * number // each:07}",
        "message_id": f"m{2 * number:07}",
        "reply_id": f"m{2 * number + 1:07}",
    }
    turn |= {"action": "answer", "reason": "sure", "probability": 0.9, "intent": "track_order", "choices": "[]"}
    turn |= {"reading": '{"track_order": 0.9}', "hits": "[]", "language": "en", "model_version": "20260301-000000-a"}
    return turn | {"knowledge_revision": 1, "latency_ms": 5.0, "created_at": AT}


ROWS: dict[str, Callable[[int, int], Made]] = {
    "conversations": lambda number, _: {
        "id": f"c{number:07}",
        "language": "en",
        "channel": "web",
        "created_at": AT,
    },
    "messages": _message,
    "turns": _turn,
    "feedback": lambda number, _: {
        "message_id": f"m{2 * number + 1:07}",
        "verdict": "down" if number % 3 else "up",
        "comment": f"comment {number}",
        "created_at": AT,
        "updated_at": AT,
    },
    "examples": lambda number, _: {
        "text": f"where is parcel {number}",
        "text_key": hashlib.sha256(str(number).encode()).hexdigest(),
        "intent": "track_order",
        "language": "en",
        "source": "file",
        "split_group": str(number),
        "status": "approved",
        "created_at": AT,
    },
}
