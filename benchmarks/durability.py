"""Storing turns durably under many clients: one ORM commit a turn, as one would write it first, against this store.

Both sides write the same rows of the same turns into SQLite with `journal_mode=WAL` and `synchronous=FULL`, so that
what was acknowledged survives a power cut. Rounds alternate between the sides in one process; the first is a warm-up.

    python benchmarks/durability.py [--folder DIR] [--clients 32] [--rounds 7]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.orm import Session

from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.conversations import new_id
from chatbot.store.tables import ConversationRow, MessageRow, Row, TurnRow
from chatbot.store.turns import _turn_row
from chatbot.types import Action, Answer, Decision, Hit, Reading, Reason, Template, Turn

TURNS_A_CLIENT = 20
INTENTS = tuple(f"intent_{number:02}" for number in range(48))
REPLY = "Your parcel left our warehouse; you can follow it at shop.example/track with the number that we sent you."

Save = Callable[[Turn], object]


def make_turn(conversation_id: str) -> Turn:
    """As large as a real one: five alternatives in three channels, and ten neighbours."""
    redact = Redactor().redact
    scores = np.random.default_rng(len(conversation_id)).dirichlet(np.ones(len(INTENTS)))
    reading = Reading(np.ones(384, np.float32), INTENTS, scores, dict.fromkeys(("dense", "words", "near"), scores))
    hits = tuple(Hit("example", "where is the parcel that I ordered", "track", 0.8, "en") for _ in range(10))
    decision = Decision(Action.ANSWER, Reason.SURE, 0.93, "track", Template("track", "track", REPLY))
    return Turn(
        id=new_id(),
        conversation_id=conversation_id,
        message_id=new_id(),
        reply_id=new_id(),
        query=redact("hello, where is the parcel that I ordered last week?"),
        answer=Answer(decision, REPLY, "en", reading, hits),
        reply=redact(REPLY),
        model_version="20261122-100000-abcdef",
        knowledge_revision=1,
        latency_ms=5.0,
        created_at=datetime.now(UTC),
        key=new_id(),
    )


class PlainStore:
    """One ORM session and one commit for each turn. With `one_at_a_time` a lock of the process replaces SQLite's own
    waiting, which sleeps between its tries.
    """

    def __init__(self, file: Path, *, one_at_a_time: bool) -> None:
        self.engine: Engine = create_engine(
            f"sqlite:///{file}", connect_args={"timeout": 60}, pool_size=64, max_overflow=0
        )
        event.listen(self.engine, "connect", _durable)
        Row.metadata.create_all(self.engine)
        self._lock = threading.Lock() if one_at_a_time else nullcontext()

    def begin(self) -> str:
        row = ConversationRow(id=new_id(), language="en", channel="api", created_at=datetime.now(UTC))
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.add(row)
        return row.id

    def save_turn(self, turn: Turn) -> None:
        with self._lock, Session(self.engine) as session:
            place = select(func.max(MessageRow.position)).where(MessageRow.conversation_id == turn.conversation_id)
            position = session.scalar(place) or 0
            for id, role, text, key in (
                (turn.message_id, "customer", turn.query.text, turn.key),
                (turn.reply_id, "bot", turn.reply.text, None),
            ):
                position += 1
                session.add(
                    MessageRow(
                        id=id,
                        conversation_id=turn.conversation_id,
                        position=position,
                        role=role,
                        text=text,
                        key=key,
                        created_at=turn.created_at,
                    )
                )
            session.flush()
            session.add(TurnRow(**_turn_row(turn)))
            session.commit()

    def stored(self) -> int:
        with Session(self.engine) as session:
            return session.scalar(select(func.count()).select_from(TurnRow)) or 0

    def close(self) -> None:
        self.engine.dispose()


def _durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def turns_per_second(save: Save, conversations: Sequence[str], each: int) -> float:
    """All clients begin together; each sends its next turn once the one before is durable."""
    work = [[make_turn(conversation) for _ in range(each)] for conversation in conversations]
    ready = threading.Barrier(len(work) + 1)

    def client(turns: Sequence[Turn]) -> None:
        ready.wait()
        for turn in turns:
            save(turn)

    threads = [threading.Thread(target=client, args=(turns,)) for turns in work]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return len(work) * each / (time.perf_counter() - started)


def fsync_milliseconds(folder: Path, count: int = 100) -> list[float]:
    """What the disk itself takes to make 16 kB durable."""
    took = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(16384))
            started = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - started) * 1000)
    return took


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):8,.1f}  ({min(values):,.1f} to {max(values):,.1f})"


def measure(folder: Path, *, clients: int, rounds: int) -> None:
    store = Store.open(f"sqlite:///{folder / 'store.db'}", migrate=True)
    plain = PlainStore(folder / "plain.db", one_at_a_time=False)
    locked = PlainStore(folder / "locked.db", one_at_a_time=True)
    with closing(store), closing(plain), closing(locked):
        ours = [store.conversations.create(language="en", channel="api").id for _ in range(clients)]
        sides: dict[str, tuple[Save, list[str], int]] = {
            "one ORM commit a turn": (plain.save_turn, [plain.begin() for _ in ours], TURNS_A_CLIENT // 4),
            "the same behind one lock": (locked.save_turn, [locked.begin() for _ in ours], TURNS_A_CLIENT // 4),
            "this store": (store.save_turn, ours, TURNS_A_CLIENT),
        }
        found: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds + 1):
            for name, (save, conversations, each) in sides.items():
                found[name].append(turns_per_second(save, conversations, each))
        assert plain.stored() == clients * (rounds + 1) * (TURNS_A_CLIENT // 4), "a turn that was acknowledged is gone"
    report({name: values[1:] for name, values in found.items()})


def report(found: dict[str, list[float]]) -> None:
    *others, best = found
    for name, values in found.items():
        print(f"{name:26} {spread(values)} turns/s")
    for name in others:
        ratios = [ours / theirs for ours, theirs in zip(found[best], found[name], strict=True)]
        print(f"{best} / {name}: {spread(ratios)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure; a temporary one by default")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        print(f"{chosen.clients} clients, {chosen.rounds} rounds; median (least to most)")
        print(f"{'fsync of 16 kB':26} {spread(fsync_milliseconds(Path(folder)))} ms")
        measure(Path(folder), clients=chosen.clients, rounds=chosen.rounds)


if __name__ == "__main__":
    main()
