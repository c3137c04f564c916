"""What it costs to be watched: messages with stages, counters and a line in the log, in turns with none of it.

python -m benchmarks.watched [--rounds 12] [--prepared HOME] 2>/dev/null
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.tables import provenance, table
from benchmarks.torture.place import Place, prepare
from chatbot import logs
from chatbot.bot import LiveBot
from chatbot.journal import note_turn
from chatbot.metrics import Metrics
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.respond import Context, respond
from chatbot.store import Store
from chatbot.types import Message, Turn

MESSAGES = 50
REQUEST = "ab" * 16


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watched", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--prepared", type=Path, help="a trained home folder to copy; otherwise a tiny shop is trained")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Place(Path(name) / "home", chosen.prepared or prepare(Path(name))).settle()
        rows = [measure(home, form, rounds=chosen.rounds) for form in logs.FORMS]
    print(f"{provenance(())}; {chosen.rounds * MESSAGES} messages each\n")
    print(table(("log", "with, median ms", "without, median ms", "ratio", "CPU of it, ms a message"), rows))


def measure(home: Path, form: str, *, rounds: int) -> list[str]:
    logs.set_up(level="INFO", form=form)
    store, metrics = Store.open(f"sqlite:///{home / 'chatbot.db'}", migrate=True), Metrics()
    redactor = Redactor()
    bot = LiveBot(Registry(home / "models", store.versions), store.knowledge, threads=1).current()

    def told(turn: Turn, context: Context) -> None:
        metrics.told(turn, context)
        note_turn(turn, context)

    def watched(message: Message) -> None:
        with logs.within_request(REQUEST):
            respond(message, bot=bot, store=store, redactor=redactor, told=told)

    def bare(message: Message) -> None:
        respond.__wrapped__(message, bot=bot, store=store, redactor=redactor)  # type: ignore[attr-defined]

    for answer in (watched, bare):
        ask_all(answer, store)
    walls: dict[bool, list[float]] = {True: [], False: []}
    cpus: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * rounds):
        is_watched = number % 4 in (0, 3)  # neither is always the first
        wall, cpu = ask_all(watched if is_watched else bare, store)
        walls[is_watched] += wall
        cpus[is_watched] += cpu
    store.close()
    with_, without = (statistics.median(walls[is_watched]) * 1000 for is_watched in (True, False))
    more = (statistics.median(cpus[True]) - statistics.median(cpus[False])) * 1000
    return [form, f"{with_:.2f}", f"{without:.2f}", f"{with_ / without:.3f}", f"{more:.2f}"]


def ask_all(answer: Callable[[Message], None], store: Store) -> tuple[list[float], list[float]]:
    """Seconds of each message on the clock and on the CPU."""
    walls, cpus = [], []
    for number in range(MESSAGES):
        conversation = store.conversations.create(language="en", channel="web")
        message = Message(conversation.id, f"where is my parcel number {number} please")
        wall, cpu = time.perf_counter(), time.thread_time()
        answer(message)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.thread_time() - cpu)
    return walls, cpus


if __name__ == "__main__":
    main()
