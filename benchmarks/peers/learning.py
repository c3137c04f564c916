"""What it costs to learn: all of BANKING77's train file, and ten examples an intent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.draws import few_shot
from benchmarks.peers.accuracy import Sets, count_right
from benchmarks.peers.arena import Entry, started
from benchmarks.peers.latency import rotated
from benchmarks.tables import Spread, interval, ratios, table
from training.metrics import wilson


@dataclass(slots=True)
class Costs:
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def add(self, found: Mapping[str, Any]) -> None:
        self.seconds.append(found["seconds"])
        self.cpu_seconds.append(found["cpu_seconds"])


def compare(
    sets: Sets,
    entries: Sequence[Entry],
    setfit: Entry,
    peers_python: Path,
    *,
    rounds: int,
    setfit_seeds: int,
    log: Path,
) -> str:
    """The first entry is ours. Each training has a process of its own, and loads its libraries and weights in it."""
    sizes = {f"{len(sets.whole_train):,} examples": sets.whole_train, "10-shot": few_shot(sets.whole_train, 10, 0)}
    costs = {(entry.title, size): Costs() for entry in entries for size in sizes}
    by_title = {entry.title: entry for entry in entries}
    for size, rows in sizes.items():
        for number in range(rounds):
            for title in rotated(list(by_title), number):
                with started(by_title[title], peers_python, log) as process:
                    costs[title, size].add(process.train(rows))
    parts = [_table(costs, list(by_title), size) for size in sizes]
    ours = costs[entries[0].title, "10-shot"]
    for seed in range(setfit_seeds):
        parts.append(_setfit(sets, setfit, peers_python, ours, seed, log))
    return "\n\n".join(parts)


def _table(costs: Mapping[tuple[str, str], Costs], titles: Sequence[str], size: str) -> str:
    first = costs[titles[0], size]
    rows = [
        [
            title,
            Spread.of(costs[title, size].cpu_seconds).text(),
            Spread.of(costs[title, size].seconds).text(),
            "1" if title == titles[0] else Spread.of(ratios(costs[title, size].cpu_seconds, first.cpu_seconds)).text(2),
        ]
        for title in titles
    ]
    return table([f"training, {size}", "processor, s", "clock, s", "times the first (processor)"], rows)


def _setfit(sets: Sets, setfit: Entry, peers_python: Path, ours: Costs, seed: int, log: Path) -> str:
    """SetFit's default run on one 10-shot draw, as far as it comes in its time."""
    rows = few_shot(sets.train, 10, seed)
    with started(setfit, peers_python, log) as process:
        found = process.train(rows)
        right = count_right(process.predict([row.text for row in sets.asked]), sets.asked)
    share = interval(right / len(sets.asked), *wilson(right, len(sets.asked)))
    seconds, cpu, how = whole_run(found)
    faster = f"{seconds / Spread.of(ours.seconds).median:,.0f} times ours by the clock, "
    faster += f"{cpu / Spread.of(ours.cpu_seconds).median:,.0f} times by the processor"
    return (
        f"{setfit.title}, default run, 10-shot, seed {seed}: {seconds:,.0f} s by the clock, {cpu:,.0f} s of processor "
        f"({how}): {faster}. Intent right after {found['steps']:,} of {found['all_steps']:,} steps: {share}"
    )


def whole_run(found: Mapping[str, Any]) -> tuple[float, float, str]:
    """Seconds by the clock and of processor for a run to its end, and how that is known.

    A run that was stopped counts its remaining steps at the speed that it had: an estimate, and named so.
    """
    missing = found["all_steps"] - found["steps"]
    if missing <= 0:
        return found["seconds"], found["cpu_seconds"], "measured to its end"
    seconds = found["seconds"] + missing * found["step_seconds"]
    cpu = found["cpu_seconds"] + missing * found["step_cpu"]
    how = f"an estimate: stopped after {found['seconds']:,.0f} s, {found['step_seconds']:.3f} s a step since the fifth"
    return seconds, cpu, how
