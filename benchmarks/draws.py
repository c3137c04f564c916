"""Labelled texts and seeded draws of them. Standard library only: the peers' own environment reads this too."""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Labelled(NamedTuple):
    text: str
    intent: str


def read_csv(file: Path) -> list[Labelled]:
    """Rows of a `text,category` file; a text with two labels is left out under both, equal rows are kept once."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(dict.fromkeys(Labelled(row["text"].strip(), row["category"]) for row in csv.DictReader(stream)))
    labels: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[row.text].add(row.intent)
    return [row for row in rows if len(labels[row.text]) == 1]


def read_clinc(file: Path) -> dict[str, list[Labelled]]:
    """The parts of CLINC150 by name: train, val, oos_train, oos_val."""
    parts = json.loads(file.read_text(encoding="utf-8"))
    return {name: [Labelled(*row) for row in parts[name]] for name in ("train", "val", "oos_train", "oos_val")}


def few_shot(rows: Iterable[Labelled], per_intent: int, seed: int) -> list[Labelled]:
    """`per_intent` rows of each intent, the same for the same seed whatever the order of the rows."""
    chance = random.Random(seed)
    drawn: list[Labelled] = []
    for intent, group in sorted(by_intent(rows).items()):
        if len(group) < per_intent:
            raise ValueError(f"{intent} has {len(group)} examples, {per_intent} were asked for")
        drawn += chance.sample(sorted(group), per_intent)
    chance.shuffle(drawn)
    return drawn


def split(rows: Iterable[Labelled], share: float, seed: int) -> tuple[list[Labelled], list[Labelled]]:
    """`share` of each intent's rows, and the rest."""
    chance = random.Random(seed)
    first: list[Labelled] = []
    second: list[Labelled] = []
    for _, group in sorted(by_intent(rows).items()):
        shuffled = chance.sample(sorted(group), len(group))
        count = round(len(group) * share)
        first += shuffled[:count]
        second += shuffled[count:]
    return first, second


def sample(rows: Sequence[Labelled], count: int, seed: int) -> list[Labelled]:
    """Rows in random order; all of them where there are no more."""
    return random.Random(seed).sample(list(rows), min(count, len(rows)))


def left_out(intents: Collection[str], count: int, seed: int) -> set[str]:
    """Intents that a draw takes away."""
    return set(random.Random(seed).sample(sorted(intents), count))


def by_intent(rows: Iterable[Labelled]) -> dict[str, list[Labelled]]:
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for row in rows:
        groups[row.intent].append(row)
    return groups
