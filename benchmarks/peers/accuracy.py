"""Who reads intents best: BANKING77 whole, and with ten and five examples an intent."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.draws import Labelled, few_shot, read_csv, split
from benchmarks.peers.arena import Entry, Process, arena
from benchmarks.tables import interval, percent, table
from benchmarks.trained import trained_shop
from training.evaluate import Evaluation, summarise
from training.metrics import wilson

OURS = "this project"
WHOLE = "all examples"


@dataclass(frozen=True, slots=True)
class Sets:
    """What is learned from and what is asked; `whole_train` is the train file in full, for measurements of time."""

    name: str
    train: list[Labelled]
    asked: list[Labelled]
    whole_train: list[Labelled]


def read_sets(folder: Path, on: str) -> Sets:
    """`on` test: train file and test file. `on` validation: four fifths of the train file and the rest of it, so that
    work in progress never looks at the test file."""
    train = read_csv(folder / "banking77/train.csv")
    if on == "test":
        return Sets("BANKING77, test file", train, read_csv(folder / "banking77/test.csv"), train)
    learned, asked = split(train, 0.8, seed=0)
    return Sets("BANKING77, a fifth of the train file held out", learned, asked, train)


def draws(train: Sequence[Labelled], seeds: int) -> list[tuple[str, list[Labelled]]]:
    """Named training sets: the whole once, then the small ones by seed."""
    small = [(f"{count}-shot", few_shot(train, count, seed)) for count in (10, 5) for seed in range(seeds)]
    return [(WHOLE, list(train)), *small]


def compare(sets: Sets, peers: Sequence[Entry], peers_python: Path, *, seeds: int, log: Path) -> str:
    shares: dict[tuple[str, str], list[float]] = {}
    evaluations: dict[str, list[Evaluation]] = {}
    with arena(peers, peers_python, log) as ring:
        for name, rows in draws(sets.train, seeds):
            with trained_shop(rows) as shop:
                evaluation = summarise(shop.predict(sets.asked))
            evaluations.setdefault(name, []).append(evaluation)
            shares.setdefault((OURS, name), []).append(evaluation.intent_accuracy)
            for title, process in ring.items():
                shares.setdefault((title, name), []).append(share_right(process, rows, sets.asked))
    return "\n\n".join((_accuracies(sets, shares), _honesty(evaluations)))


def share_right(process: Process, rows: Sequence[Labelled], asked: Sequence[Labelled]) -> float:
    process.train(rows)
    given = process.predict([row.text for row in asked])
    return count_right(given, asked) / len(asked)


def count_right(given: Sequence[str], asked: Sequence[Labelled]) -> int:
    return sum(row.intent == intent for row, intent in zip(asked, given, strict=True))


def _accuracies(sets: Sets, shares: Mapping[tuple[str, str], Sequence[float]]) -> str:
    sizes = list(dict.fromkeys(name for _, name in shares))
    titles = dict.fromkeys(title for title, _ in shares)
    rows = [[title, *(mean_text(shares[title, size], len(sets.asked)) for size in sizes)] for title in titles]
    return f"{sets.name}: {len(sets.asked):,} questions\n\n{table(['intent right', *sizes], rows)}"


def mean_text(shares: Sequence[float], asked: int) -> str:
    """The mean over the seeds with the interval that comes from the number of questions, and the seeds' spread."""
    mean = statistics.fmean(shares)
    text = interval(mean, *wilson(round(mean * asked), asked))
    return text if len(shares) == 1 else f"{text}; seeds ± {statistics.stdev(shares) * 100:.2f}"


def _honesty(evaluations: Mapping[str, Sequence[Evaluation]]) -> str:
    rows = []
    for name, found in evaluations.items():
        ece = statistics.fmean(one.ece for one in found)
        shares = [
            percent(statistics.fmean(values))
            for values in (
                [one.answered_right for one in found],
                [one.answered_right + one.clarified_right for one in found],
                [one.wrong_of_answered for one in found],
            )
        ]
        rows.append([name, f"{ece:.4f}", *shares])
    header = [f"{OURS}, mean", "ECE", "answered right", "answered or offered", "wrong of answered"]
    return table(header, rows)
