"""How long customers wait while old conversations are erased: another process writes all the time and counts.

    python -m benchmarks.retention [--conversations 5000] [--turns 10]

Half of the conversations are old. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.synchronize
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from chatbot.erasing import Eraser
from chatbot.retention import Retention
from chatbot.store import Store
from chatbot.store.erasing import By, Wish
from chatbot.store.tables import ConversationRow, MessageRow, TurnRow

DAYS = 90
READING = {"alternatives": [["track_order", 0.5]] * 5, "channels": {name: [0.1] * 5 for name in "abcd"}}
HIT = {"kind": "template", "text": "We answer in some two hundred letters. " * 5, "intent": "a", "similarity": 0.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "chatbot.db")
        store = Store.open(f"sqlite:///{file}", migrate=True)
        fill(store, given.conversations, given.turns)
        report: dict[str, Any] = {"messages": 2 * given.conversations * given.turns}
        store.database.rewrite()
        report["megabytes"] = round(file.stat().st_size / 1e6)
        exports, reports, backups = (Path(folder, name) for name in ("exports", "reports", "backups"))
        eraser = Eraser(store=store, folder=exports, reports=reports, backups=backups)
        retention = Retention(store=store, folder=exports, days=DAYS)
        report["idle"] = beside(file, lambda: time.sleep(10))
        report["rewrite"] = beside(file, store.database.rewrite)
        wish = Wish(By.MATCHING, "number 17 of conversation 40")
        report["erase_matching"] = beside(file, lambda: eraser.erase(wish, by="benchmark"))
        report["retention"] = beside(file, lambda: retention.run(by="benchmark"))
        store.close()
    print(json.dumps(report, indent=1))


def fill(store: Store, conversations: int, turns: int) -> None:
    now = datetime.now(UTC)
    for number in range(conversations):
        at = now - timedelta(days=2 * DAYS * (1 - number / conversations))
        messages, read = [], []
        for turn in range(turns):
            for place, role in enumerate(("customer", "bot")):
                words = f"number {turn} of conversation {number}: where is the parcel that I am waiting for"
                messages.append(_message(f"{number}-{turn}-{role}", number, 2 * turn + place + 1, role, words, at))
            read.append(_turn(f"{number}-{turn}", number, at))
        with store.database.write() as session:
            row = {"id": f"c{number}", "language": "en", "channel": "web", "created_at": at}
            session.execute(insert(ConversationRow), [row])
            session.execute(insert(MessageRow), messages)
            session.execute(insert(TurnRow), read)


def _message(id: str, conversation: int, position: int, role: str, words: str, at: datetime) -> dict[str, Any]:
    return {
        "id": id,
        "conversation_id": f"c{conversation}",
        "position": position,
        "role": role,
        "text": words,
        "created_at": at,
    }


def _turn(id: str, conversation: int, at: datetime) -> dict[str, Any]:
    return {
        "id": id,
        "conversation_id": f"c{conversation}",
        "message_id": f"{id}-customer",
        "reply_id": f"{id}-bot",
        "action": "answer",
        "reason": "sure",
        "probability": 0.9,
        "choices": [],
        "reading": READING,
        "hits": [HIT] * 5,
        "parts": [],
        "follows_up": False,
        "language": "en",
        "model_version": "v",
        "knowledge_revision": 1,
        "latency_ms": 5.0,
        "created_at": at,
    }


def beside(file: Path, work: Any) -> dict[str, float]:
    """Seconds that the work took, and milliseconds that a writer in another process waited meanwhile."""
    context = multiprocessing.get_context("spawn")
    stop, ready = context.Event(), context.Event()
    results: Any = context.Queue()
    writer = context.Process(target=write_all_the_time, args=(str(file), ready, stop, results))
    writer.start()
    ready.wait()
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    stop.set()
    waited, failed = results.get()
    writer.join()
    return {
        "seconds": round(seconds, 2),
        "writes": len(waited),
        "failed": failed,
        "p50_ms": round(float(np.percentile(waited, 50)), 1),
        "p99_ms": round(float(np.percentile(waited, 99)), 1),
        "longest_ms": round(max(waited), 1),
    }


def write_all_the_time(
    file: str, ready: multiprocessing.synchronize.Event, stop: multiprocessing.synchronize.Event, results: Any
) -> None:
    from chatbot.errors import StoreBusy

    store = Store.open(f"sqlite:///{file}")
    waited, failed = [], 0
    store.conversations.create(language="en", channel="web")
    ready.set()
    while not stop.is_set():
        began = time.perf_counter()
        try:
            store.conversations.create(language="en", channel="web")
        except StoreBusy:
            failed += 1
        waited.append(1000 * (time.perf_counter() - began))
        time.sleep(0.02)
    store.close()
    results.put((waited, failed))


if __name__ == "__main__":
    main()
