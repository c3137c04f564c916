"""Texts that were written to become something else than text, by kind: `tests/data/hostile.jsonl`."""

from __future__ import annotations

import json
from pathlib import Path

LIST = Path(__file__).parents[1] / "data" / "hostile.jsonl"
LONG = 100_000
"""Characters from which a text is one of the long ones."""


def hostile() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in LIST.read_text(encoding="ascii").splitlines():
        row = json.loads(line)
        found.setdefault(row["kind"], []).append(row["text"] * row.get("times", 1))
    return found


def short(limit: int = 2000) -> list[str]:
    """All that a message may be as long as."""
    return [text for group in hostile().values() for text in group if len(text) <= limit]


def huge() -> list[str]:
    return [text for group in hostile().values() for text in group if len(text) >= LONG]
