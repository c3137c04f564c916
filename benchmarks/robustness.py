"""Do typos, casing and the spelling of text messages cost answers? BANKING77 questions, clean and changed.

    python -m benchmarks.robustness --data FOLDER

FOLDER holds banking77/train.csv; the test file is never read. A thousand of its rows are held out and asked as they are
and once more for each change (training/perturb.py), through `answer()`; others train the bot.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.draws import Labelled, by_intent, read_csv, split
from benchmarks.tables import interval, percent, provenance, table
from benchmarks.trained import Shop, trained_shop
from training.evaluate import Prediction, is_answered
from training.metrics import wilson
from training.perturb import (
    Perturb,
    double,
    drop,
    lookalike,
    lower,
    missing_space,
    neighbour_key,
    swap,
    text_message,
    upper,
    without_marks,
)

HELD_OUT = 1000
TYPOS = "one typo, all four kinds"
CHANGES: Mapping[str, Perturb] = {
    "two letters swapped": swap,
    "a letter missing": drop,
    "a letter doubled": double,
    "a neighbouring key": neighbour_key,
    "a digit for a letter": lookalike,
    "all capitals": upper,
    "no capitals": lower,
    "a missing space": missing_space,
    "no punctuation": without_marks,
    "text message": text_message,
}
SLIPS = tuple(CHANGES)[:4]


@dataclass(frozen=True, slots=True)
class Score:
    """Shares; `losses` has +1 for each question that only the clean form got right, -1 for the reverse, else 0."""

    right: int
    count: int
    answered: float
    wrong_of_answered: float
    losses: tuple[int, ...]


def main(given: Sequence[str] | None = None) -> None:
    arguments = parse(given)
    print(f"{provenance(('service-chatbot',))}\n", flush=True)
    learned, asked = apart(read_csv(arguments.data / "banking77/train.csv"), arguments.examples)
    with trained_shop(learned) as shop:
        print(report(measure(shop, asked), len(learned)))


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with banking77/")
    parser.add_argument("--examples", type=int, default=40, help="most examples of an intent to train on")
    return parser.parse_args(given)


def apart(rows: Sequence[Labelled], examples: int) -> tuple[list[Labelled], list[Labelled]]:
    """What is learned, at most so many an intent, and about HELD_OUT rows to ask, in the shares that intents have."""
    asked, rest = split(rows, min(HELD_OUT / len(rows), 0.5), seed=0)
    return [row for _, group in sorted(by_intent(rest).items()) for row in group[:examples]], asked


def changed(rows: Sequence[Labelled], change: Perturb) -> list[Labelled]:
    chance = random.Random(0)
    return [row._replace(text=change(row.text, chance)) for row in rows]


def measure(shop: Shop, asked: Sequence[Labelled]) -> dict[str, Score]:
    """By change, the clean questions first and all four kinds of typos together after them."""
    clean = shop.predict(asked)
    found = {name: shop.predict(changed(asked, change)) for name, change in CHANGES.items()}
    typos = [prediction for name in SLIPS for prediction in found[name]]
    return {
        "as they are": score(clean, clean),
        TYPOS: score(clean * len(SLIPS), typos),
        **{name: score(clean, predictions) for name, predictions in found.items()},
    }


def score(clean: Sequence[Prediction], predictions: Sequence[Prediction]) -> Score:
    right = [one.predicted == one.intent for one in predictions]
    before = [one.predicted == one.intent for one in clean]
    answered = [one for one in predictions if is_answered(one)]
    wrong = sum(not one.right for one in answered)
    return Score(
        sum(right),
        len(right),
        len(answered) / len(predictions),
        wrong / len(answered) if answered else 0.0,
        tuple(first - second for first, second in zip(before, right, strict=True)),
    )


def loss(found: Score) -> tuple[float, float]:
    """Points of accuracy lost, and half of its 95 % interval: a paired difference, so much narrower than either."""
    mean = sum(found.losses) / found.count
    spread = sum((each - mean) ** 2 for each in found.losses) / max(found.count - 1, 1)
    return 100 * mean, 196 * math.sqrt(spread / found.count)


def report(scores: Mapping[str, Score], learned: int) -> str:
    clean = next(iter(scores.values()))
    rows = []
    for name, found in scores.items():
        points, give_or_take = loss(found)
        rows.append(
            [
                name,
                interval(found.right / found.count, *wilson(found.right, found.count)),
                "" if found is clean else f"{points:.1f} (± {give_or_take:.1f})",
                percent(found.answered),
                percent(found.wrong_of_answered),
            ]
        )
    header = ["questions", "intent right", "points lost", "answered", "wrong of answered"]
    return f"{learned:,} examples, {clean.count:,} questions\n\n{table(header, rows)}"


if __name__ == "__main__":
    main()
