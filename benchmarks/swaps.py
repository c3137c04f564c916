"""Promotions while customers ask, and processes killed while they change versions: what breaks, what takes how long.

A real server answers 50 questions a second over HTTP while another process makes one version after the other the active
one. The two versions have encoders of different sizes, so that an answer made by parts of both would be an error: the
vectors would not fit the index. Then processes that register, promote, go back and prune are killed at random moments.

    python -m benchmarks.swaps [--home DIR] [--promotions 200] [--pause 1] [--rate 50] [--kills 100]

`--home` is a trained home folder, which is copied; without it the sample shop is loaded and trained first.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text as sql

from benchmarks import changing
from benchmarks.load import Connection
from benchmarks.tables import quantile
from benchmarks.throughput import our_server, questions, resident
from benchmarks.tiny_encoder import tiny_encoder
from chatbot.bot import load_bot
from chatbot.registry import MANIFEST, Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example
from chatbot.wiring import prepare_process
from training.progress import Lines
from training.retrain import retrain
from training.runs import Wishes

WORKERS = 25
SETTLE_SECONDS = 5.0
SMALL_INTENTS, SMALL_EXAMPLES = 6, 14


@dataclass(slots=True)
class Asked:
    """What the customers saw: milliseconds of each answer with the moment it was due, and everything else by status."""

    answers: list[tuple[float, float]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


# --- customers ---


async def ask_steadily(url: str, texts: Sequence[str], rate: float, stop: threading.Event) -> Asked:
    """`rate` questions a second whether or not the earlier ones are answered; times count from when one was due."""
    asked, numbers, start = Asked(), itertools.count(), time.perf_counter()

    async def worker() -> None:
        connection, path = Connection(url), ""
        for mine in itertools.count():
            number = next(numbers)
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if stop.is_set():
                break
            try:
                if mine % 10 == 0:
                    _, begun = await connection.post("/api/v1/conversations", {})
                    path = f"/api/v1/conversations/{begun['id']}/messages"
                status, _ = await connection.post(path, {"text": texts[number % len(texts)]})
            except (OSError, ValueError, KeyError, asyncio.IncompleteReadError) as error:
                asked.errors[type(error).__name__] += 1
                connection, path = Connection(url), path
                continue
            if status == 201:
                asked.answers.append((due, (time.perf_counter() - due) * 1000))
            else:
                asked.errors[str(status)] += 1
        await connection.close()

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    return asked


# --- another version, with another encoder ---


def other_version(store: Store, registry: Registry, scratch: Path) -> str:
    """Trained on a few intents of the shop with the small encoder, and registered beside the active version."""
    counts = Counter(example.intent for example in store.knowledge.snapshot().examples)
    chosen = [intent for intent, _ in counts.most_common(SMALL_INTENTS)]
    few: list[Example] = []
    for intent in chosen:
        few += [example for example in store.knowledge.snapshot().examples if example.intent == intent][:SMALL_EXAMPLES]
    settings = Settings(home=scratch / "small", encoder=str(tiny_encoder(scratch / "encoder")), error_budget=0.3)
    with closing(Store.open(settings.url, migrate=True)) as small:
        small.knowledge.apply(Changes(examples=tuple(Example(each.text, each.intent) for each in few)))
        made = Registry(settings.models, small.versions)
        trained = retrain(settings, store=small, registry=made, steps=Lines(), wishes=Wishes(promote=False))
        with registry.new_version() as building:
            shutil.copytree(
                settings.models / trained.version, building, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST)
            )
            about = {"encoder_fingerprint": made.manifest(trained.version).get("encoder_fingerprint")}
            return registry.register(building, about=about, metrics={}, by="benchmark")


# --- the measurements ---


def measure_loading(registry: Registry, store: Store, names: Sequence[str]) -> None:
    """Beside the customers: how long it takes until another version could answer."""
    for name in names:
        for round_name in ("first time, encoding what it has no vectors of", "again"):
            began = time.perf_counter()
            registry.verify(name)
            verified = time.perf_counter()
            bot = load_bot(registry.root / name, store=store.knowledge)
            bot.warm()
            print(
                f"  {name}, {bot.encoder.dimension} numbers a vector, {round_name}: "
                f"verifying {verified - began:.2f} s, loading {time.perf_counter() - verified:.2f} s"
            )


def measure_swaps(home: Path, scratch: Path, *, promotions: int, pause: float, rate: float) -> None:
    settings = Settings(home=home)
    prepare_process(settings)
    store = Store.open(settings.url, migrate=True)
    registry = Registry(settings.models, store.versions)
    names = [registry.active_name(), other_version(store, registry, scratch)]
    print(f"loading one of {len(store.knowledge.snapshot().examples):,} examples:")
    measure_loading(registry, store, names)
    with store.database.write() as session:  # the copy's own turns are not counted
        session.execute(sql("DELETE FROM conversations"))
    log = scratch / "server.log"
    with log.open("w", encoding="utf-8") as out, our_server(home, out) as (url, process):
        stop, found = threading.Event(), list[Asked]()
        customers = threading.Thread(
            target=lambda: found.append(asyncio.run(ask_steadily(url, questions(), rate, stop)))
        )
        customers.start()
        time.sleep(2 * SETTLE_SECONDS)
        calm_until, memory = time.perf_counter(), [resident(process)]
        waits = []
        for number in range(promotions):
            wanted = names[(number + 1) % 2]
            began = time.monotonic()
            if number % 10 == 9:
                registry.rollback(by="benchmark")
            else:
                registry.promote(wanted, by="benchmark")
            waits.append(_answering(store, registry.active_name()) - began)
            time.sleep(pause)
            memory.append(resident(process))
        swaps_until = time.perf_counter()
        stop.set()
        customers.join()
    report_swaps(found[0], store, names, waits, memory, calm_until=calm_until, swaps_until=swaps_until)
    store.close()


def _answering(store: Store, name: str) -> float:
    """When the newest turn is of that version."""
    newest = sql("SELECT model_version FROM turns ORDER BY rowid DESC LIMIT 1")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        row = store.database.first(newest, {})
        if row is not None and row.model_version == name:
            return time.monotonic()
        time.sleep(0.02)
    raise RuntimeError(f"version {name} did not answer within a minute")


def report_swaps(
    asked: Asked,
    store: Store,
    names: Sequence[str],
    waits: Sequence[float],
    memory: Sequence[int],
    *,
    calm_until: float,
    swaps_until: float,
) -> None:
    calm = [took for due, took in asked.answers if due < calm_until]
    busy = [took for due, took in asked.answers if calm_until <= due < swaps_until]
    with store.database.read() as session:
        turns = {str(version): int(count) for version, count in session.execute(_TURNS).all()}
    strange = {version: count for version, count in turns.items() if version not in names}
    print(f"{len(waits)} promotions and rollbacks in {swaps_until - calm_until:,.0f} s:")
    print(f"  questions answered   {len(asked.answers):,} ({len(busy):,} meanwhile)")
    print(f"  errors               {sum(asked.errors.values())} {dict(asked.errors) or ''}")
    print(f"  turns stored         {sum(turns.values()):,}: {turns}; of any other version: {strange or 0}")
    print(f"  until it answers     {_spread(waits, 2)} s")
    for title, took in (("calm", calm), ("meanwhile", busy)):
        print(f"  answers, {title:<11} {_spread(took, 0)} ms")
    tenth = max(1, len(memory) // 10)
    print(f"  resident memory      {memory[0] / 1e6:,.0f} MB before, {memory[tenth] / 1e6:,.0f} after {tenth} swaps, ")
    print(f"                       {memory[-1] / 1e6:,.0f} at the end")


_TURNS = sql("SELECT model_version, count(*) FROM turns GROUP BY 1")


def _spread(values: Sequence[float], places: int) -> str:
    p50, p99, most = quantile(values, 0.5), quantile(values, 0.99), max(values)
    return f"p50 {p50:.{places}f}, p99 {p99:.{places}f}, most {most:.{places}f}"


def measure_kills(folder: Path, kills: int) -> None:
    """SIGKILL at random moments of register, promote, rollback and prune."""
    store = Store.open(f"sqlite:///{folder / 'kills.db'}", migrate=True)
    registry = Registry(folder / "kills", store.versions)
    with registry.new_version() as building:
        (building / "part.bin").write_bytes(b"first")
        first = registry.register(building, about={}, metrics={}, by="benchmark")
    registry.promote(first, by="benchmark")
    chance, complete, waited, left = random.Random(0), 0, list[float](), 0
    for _ in range(kills):
        forever = changing.command(store, registry, parts=8, part_bytes=500_000)
        with subprocess.Popen(forever, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.5))
            process.kill()
        seen = Registry(registry.root, store.versions)
        complete += seen.verify(seen.pointer().name).is_dir() and not seen.is_degraded()
        began = time.monotonic()
        seen.promote(seen.active_name(), by="next")
        seen.sweep()
        waited.append(time.monotonic() - began)
        left += sum(each.name not in {*seen.names(), "CURRENT", ".lock"} for each in registry.root.iterdir())
    events = Counter(event.event for event in registry.events())
    print(f"{kills} processes killed at random moments ({dict(events)}):")
    print(f"  active version complete and verified afterwards: {complete} of {kills}")
    print(f"  the next change had its locks after at most {max(waited):.2f} s; files left over: {left}")
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--home", type=Path, help="a trained home folder; it is copied and stays as it is")
    parser.add_argument("--promotions", type=int, default=200)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds from one answering to the next promotion")
    parser.add_argument("--rate", type=float, default=50.0, help="questions a second")
    parser.add_argument("--kills", type=int, default=100)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        if chosen.home:
            shutil.copytree(chosen.home, home)
        else:
            with (folder / "prepare.log").open("w", encoding="utf-8") as out, our_server(home, out):
                pass
        if chosen.promotions:
            measure_swaps(home, folder, promotions=chosen.promotions, pause=chosen.pause, rate=chosen.rate)
        if chosen.kills:
            measure_kills(folder, chosen.kills)


if __name__ == "__main__":
    main()
