"""How long one message takes, from text to intent, in the process that holds the model."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.draws import sample
from benchmarks.peers.accuracy import Sets
from benchmarks.peers.arena import Entry, Process, arena
from benchmarks.tables import Spread, percent, quantile, ratios, table

BLOCK = 40
WARM_UP = 10


@dataclass(slots=True)
class Timings:
    """All messages of a contender; `medians` has one value for each turn it had."""

    milliseconds: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)


def compare(sets: Sets, entries: Sequence[Entry], peers_python: Path, *, messages: int, rounds: int, log: Path) -> str:
    """The first entry is what the others are measured against."""
    with arena(entries, peers_python, log) as ring:
        for process in ring.values():
            process.train(sets.train)
        timings = _take_turns(sets, ring, messages, rounds)
    return _table(timings, f"{sets.name}; {messages} messages, {rounds} rounds in turns of {BLOCK}")


def _take_turns(sets: Sets, ring: Mapping[str, Process], messages: int, rounds: int) -> dict[str, Timings]:
    timings = {title: Timings() for title in ring}
    asked = sample(sets.asked, messages, seed=0)
    for number in range(rounds):
        for start in range(0, len(asked), BLOCK):
            block = asked[start : start + BLOCK]
            for title in rotated(list(ring), number + start // BLOCK):
                found = ring[title].time([row.text for row in block], warm_up=min(WARM_UP, len(block)))
                mine = timings[title]
                mine.milliseconds += found["milliseconds"]
                mine.medians.append(statistics.median(found["milliseconds"]))
                mine.cpu_ms.append(found["cpu_ms"])
                mine.right += [row.intent == given for row, given in zip(block, found["intents"], strict=True)]
    return timings


def rotated(titles: Sequence[str], by: int) -> list[str]:
    """Another one first each time: nobody always comes after the same neighbour."""
    place = by % len(titles)
    return [*titles[place:], *titles[:place]]


def _table(timings: Mapping[str, Timings], caption: str) -> str:
    first = next(iter(timings.values()))
    rows = [
        [
            title,
            Spread.of(mine.medians).text(2),
            f"{quantile(mine.milliseconds, 0.99):.2f}",
            Spread.of(mine.cpu_ms).text(2),
            "1" if mine is first else Spread.of(ratios(mine.medians, first.medians)).text(2),
            percent(statistics.fmean(mine.right)),
        ]
        for title, mine in timings.items()
    ]
    header = ["one message", "p50, ms", "p99, ms", "processor, ms", "times the first", "intent right of these"]
    return f"{caption}\n\n{table(header, rows)}"
