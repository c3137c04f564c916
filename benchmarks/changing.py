"""A process that registers, promotes, goes back and prunes until somebody ends it; tests and benchmarks kill it.

    python -m benchmarks.changing DATABASE_URL MODELS PARTS BYTES

Each version has so many PARTS of so many BYTES. "ready" is said before the first one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chatbot.registry import FINGERPRINT, Registry
from chatbot.store import Store

MOST = 10_000
"""Versions, should nobody end it."""


def command(store: Store, registry: Registry, *, parts: int, part_bytes: int) -> list[str]:
    """To be started in the repository's root."""
    url = str(store.database.engine.url)
    return [sys.executable, "-m", "benchmarks.changing", url, str(registry.root), str(parts), str(part_bytes)]


def change(registry: Registry, *, parts: int, part_bytes: int) -> None:
    for number in range(MOST):
        with registry.new_version() as building:
            for part in range(parts):
                (building / f"part{part}.bin").write_bytes(bytes([number % 256]) * part_bytes)
            name = registry.register(building, about={FINGERPRINT: "one"}, metrics={}, by="changing")
        registry.promote(name, by="changing")
        if number % 3 == 2:
            registry.rollback(by="changing")
        registry.prune(2, by="changing")


if __name__ == "__main__":
    database, models, count, size = sys.argv[1:]
    store = Store.open(database)
    print("ready", flush=True)
    change(Registry(Path(models), store.versions), parts=int(count), part_bytes=int(size))
