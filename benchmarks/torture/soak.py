"""Eight hours of a busy shop in one go: messages, conversations, votes, reviews, and versions that come and go.

What a server holds after its warm-up it may hold for ever: memory, files and threads must not grow any more, and the
last answers must come as fast as the first. A picture is drawn of the long form.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.load import Connection
from benchmarks.tables import quantile
from benchmarks.throughput import questions
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import ROOT, Place, Serving
from benchmarks.torture.watching import Held, held
from chatbot.registry import FINGERPRINT, MANIFEST, Registry
from chatbot.store import Store
from chatbot.types import Role

LONG_MESSAGES, SHORT_MESSAGES = 200_000, 600
CLIENTS = 16
MESSAGES_EACH = 5
"""Of a conversation; its last reply is voted on."""
SWAPS = 20
LOOKS = 100
"""At what the server holds; each over as many messages."""
WARM = 0.2
"""Share of the messages until everything has been made once: connections, caches, both versions."""
SHARE = 0.15
"""Of the messages, after the warm-up and at the end, that are compared."""
MOST_GROWTH = 1.05
FEW = 3
"""Files and threads are some dozens: one more connection to the database is no leak."""
MOST_SLOWER = 1.2
MOST_LOG_BYTES = 128 << 20
REVIEW_SECONDS = 0.5
PICTURE = ROOT / "docs" / "pictures" / "soak.png"


@dataclass(frozen=True, slots=True)
class Look:
    """After so many messages, and over those since the look before: milliseconds, and bytes of the log and of /tmp."""

    messages: int
    held: Held
    p50: float
    p99: float
    log: int
    temporary: int


@dataclass(slots=True)
class Soaked:
    """What has happened so far; `took` are milliseconds since the last look."""

    messages: int = 0
    conversations: int = 0
    votes: int = 0
    reviews: int = 0
    swaps: list[int] = field(default_factory=list)
    refused: int = 0
    took: list[float] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    most = size.pick(long=LONG_MESSAGES, short=SHORT_MESSAGES)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as temporary,
        place.serve(log_level="WARNING", environment={"TMPDIR": temporary}) as server,
    ):
        soaked, began = Soaked(), time.monotonic()
        with closing(Store.open(f"sqlite:///{server.home / 'chatbot.db'}")) as store:
            versions = two_versions(Registry(server.home / "models", store.versions))
            asyncio.run(soak(soaked, server, store, versions, most=most, temporary=Path(temporary)))
        seconds = time.monotonic() - began
    if size is Size.LONG:
        draw(soaked, PICTURE)
    yield outcome_of(soaked, seconds, strict=size is Size.LONG)


async def soak(
    soaked: Soaked, server: Serving, store: Store, versions: Sequence[str], *, most: int, temporary: Path
) -> None:
    registry, wanted = Registry(server.home / "models", store.versions), itertools.cycle(versions)
    texts, over = itertools.cycle(questions()), asyncio.Event()

    async def look_and_swap() -> None:
        every, look_at, swap_at = max(1, most // LOOKS), 0, most // SWAPS // 2
        while not over.is_set():
            await asyncio.sleep(0.05)
            if soaked.messages >= look_at and soaked.took:
                look_at = soaked.messages + every
                await asyncio.to_thread(look, soaked, server, temporary)
                if len(soaked.looks) % (LOOKS // 20) == 0:
                    say(soaked)
            if soaked.messages >= swap_at and len(soaked.swaps) < SWAPS:
                swap_at += most // SWAPS
                await asyncio.to_thread(registry.promote, next(wanted), by="soak")
                soaked.swaps.append(soaked.messages)

    beside = [asyncio.create_task(look_and_swap()), asyncio.create_task(review(soaked, server.url, store, over))]
    await asyncio.gather(*(customer(soaked, server.url, texts, most) for _ in range(CLIENTS)))
    over.set()
    await asyncio.gather(*beside)


async def customer(soaked: Soaked, url: str, texts: Iterator[str], most: int) -> None:
    connection = Connection(url)
    while soaked.messages < most:
        status, begun = await connection.post("/api/v1/conversations", {})
        if status != 201:
            raise RuntimeError(f"no conversation could be begun: {status} {begun}")
        soaked.conversations += 1
        here, reply = f"/api/v1/conversations/{begun['id']}", ""
        for _ in range(MESSAGES_EACH):
            began = time.perf_counter()
            status, said = await connection.post(f"{here}/messages", {"text": next(texts)})
            soaked.refused += status != 201
            if status == 201:
                soaked.took.append((time.perf_counter() - began) * 1000)
                soaked.messages += 1
                reply = said["replied"]["id"]
        verdict = "down" if soaked.conversations % 3 == 0 else "up"
        status, _ = await connection.post(f"{here}/messages/{reply}/feedback", {"verdict": verdict})
        soaked.votes += status == 200
    await connection.close()


async def review(soaked: Soaked, url: str, store: Store, over: asyncio.Event) -> None:
    """One agent takes what comes next and accepts it, or says that it is not the shop's business."""
    agent = store.agents.add("soak", role=Role.LEAD, password_hash="-", by="soak")
    connection = Connection(url, cookie=f"desk={store.agents.begin(agent.id)}")
    while not over.is_set():
        status, found = await connection.post("/desk/api/queue/next", {})
        if status == 200 and (item := found["item"]):
            verdict = "accept" if item["intent"] else "out_of_scope"
            status, _ = await connection.post(f"/desk/api/items/{item['id']}/decide", {"verdict": verdict})
            soaked.reviews += status == 200
        await asyncio.sleep(REVIEW_SECONDS)
    await connection.close()


def two_versions(registry: Registry) -> tuple[str, str]:
    """A copy of the active version, and that one: which of them answers makes no difference to the customers."""
    active = registry.active_name()
    with registry.new_version() as building:
        shutil.copytree(registry.root / active, building, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        for path in building.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        about = {FINGERPRINT: registry.manifest(active).get(FINGERPRINT)}
        return registry.register(building, about=about, metrics={}, by="soak"), active


def look(soaked: Soaked, server: Serving, temporary: Path) -> None:
    took, soaked.took = soaked.took, []
    log = server.home / "chatbot.db-wal"
    lying = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
    soaked.looks.append(
        Look(
            soaked.messages,
            held(server.pid),
            quantile(took, 0.5),
            quantile(took, 0.99),
            log.stat().st_size if log.exists() else 0,
            lying,
        )
    )


def say(soaked: Soaked) -> None:
    last = soaked.looks[-1]
    print(
        f"  {soaked.messages:,} messages, {soaked.reviews:,} reviews, {len(soaked.swaps)} swaps: "
        f"{last.held.memory / 1e6:,.0f} MB, {last.held.files} files, {last.held.threads} threads, "
        f"p50 {last.p50:.0f} ms, p99 {last.p99:.0f} ms, log {last.log / 1e6:,.0f} MB",
        file=sys.stderr,
        flush=True,
    )


def outcome_of(soaked: Soaked, seconds: float, *, strict: bool) -> Outcome:
    """`strict`: so few messages as in the short form are all warm-up, and show only that nothing is refused."""
    most = soaked.looks[-1].messages
    first = [each for each in soaked.looks if WARM * most <= each.messages <= (WARM + SHARE) * most]
    last = [each for each in soaked.looks if each.messages >= (1 - SHARE) * most]
    before, after = _middle(first), _middle(last)
    log, temporary = max(each.log for each in soaked.looks), max(each.temporary for each in soaked.looks)
    kept = after[0] <= MOST_GROWTH * before[0] and all(
        now <= max(MOST_GROWTH * then, then + FEW) for then, now in zip(before[1:3], after[1:3], strict=True)
    )
    fits = kept and after[3] <= MOST_SLOWER * before[3]
    passed = not soaked.refused and len(soaked.swaps) == SWAPS and log <= MOST_LOG_BYTES and (fits or not strict)
    return Outcome(
        "eight hours in one go",
        f"{soaked.messages:,} messages in {soaked.conversations:,} conversations of {CLIENTS} clients at once, "
        f"{soaked.votes:,} votes, {soaked.reviews:,} reviews, {len(soaked.swaps)} hot swaps in {seconds / 60:,.1f} "
        f"minutes; medians after the first {WARM:.0%} and at the end",
        passed,
        f"memory {before[0] / 1e6:,.0f} to {after[0] / 1e6:,.0f} MB ({after[0] / before[0] - 1:+.1%}), files "
        f"{before[1]:,.0f} to {after[1]:,.0f}, threads {before[2]:,.0f} to {after[2]:,.0f}, p99 {before[3]:,.0f} to "
        f"{after[3]:,.0f} ms; log at most {log / 1e6:,.0f} MB, temporary files {temporary / 1e6:,.1f} MB; "
        f"{soaked.refused} refused",
    )


def _middle(looks: Sequence[Look]) -> tuple[float, float, float, float]:
    """Medians of memory, files, threads and p99: a swap holds two versions for a moment."""
    columns: list[Any] = list(
        zip(*((each.held.memory, each.held.files, each.held.threads, each.p99) for each in looks), strict=True)
    )
    memory, files, threads, p99 = (float(median(column)) for column in columns)
    return memory, files, threads, p99


def draw(soaked: Soaked, file: Path) -> Path:
    """Memory and the slowest hundredth over the messages; a line for each swap."""
    from matplotlib.figure import Figure

    file.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    memory, slow = figure.subplots(2, 1, sharex=True)
    messages = [each.messages for each in soaked.looks]
    memory.plot(messages, [each.held.memory / 1e6 for each in soaked.looks], color="#2c6e49")
    memory.set_ylabel("resident memory, MB")
    slow.plot(messages, [each.p99 for each in soaked.looks], color="#2c6e49", label="slowest hundredth")
    slow.plot(messages, [each.p50 for each in soaked.looks], color="#999999", label="half of the answers")
    slow.set_ylabel("milliseconds")
    slow.set_xlabel("messages; each thin line is a hot swap")
    slow.legend()
    for axes in (memory, slow):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        for swap in soaked.swaps:
            axes.axvline(swap, color="#cccccc", linewidth=0.6)
    figure.savefig(file, dpi=100)
    return file
