"""Does an intent with one example work the moment it is added, and leave the others alone? 20 added to BANKING77's 57.

    python -m benchmarks.few_shots --data FOLDER

FOLDER holds banking77/train.csv; the test file is never read. 3,000 of its rows are held out. The others of 57 intents
train the bot; then one example each of the 20 left-out ones is added, with an answer, and nothing is trained again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.draws import Labelled, by_intent, few_shot, left_out, read_csv, split
from benchmarks.tables import interval, percent, provenance, table
from benchmarks.trained import Shop, learn, trained_shop
from training.evaluate import Prediction, is_answered
from training.metrics import wilson

HELD_OUT = 3000
LATER = 20


@dataclass(frozen=True, slots=True)
class Parts:
    """`shots`: one example of each intent that comes later; the questions are about the known and the later ones."""

    learned: list[Labelled]
    shots: list[Labelled]
    known: list[Labelled]
    later: list[Labelled]


def main(given: Sequence[str] | None = None) -> None:
    arguments = parse(given)
    print(f"{provenance(('service-chatbot',))}\n", flush=True)
    rows = []
    for seed in range(arguments.draws):
        parts = divide(read_csv(arguments.data / "banking77/train.csv"), arguments.examples, seed)
        with trained_shop(parts.learned) as shop:
            before = shop.predict(parts.known)
            learn(shop.house, parts.shots)
            rows += compare(seed, before, shop, parts)
        print(f"draw {seed}: {len(parts.learned):,} examples, {len(parts.known):,} and {len(parts.later)} questions")
    header = ["draw", "questions about", "intent right", "answered", "wrong of answered", "read as a later intent"]
    print(f"\n{table(header, rows)}")


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with banking77/")
    parser.add_argument("--draws", type=int, default=1, help="how often other intents come later")
    parser.add_argument("--examples", type=int, default=1000, help="most examples of an intent to train on")
    return parser.parse_args(given)


def divide(rows: Sequence[Labelled], examples: int, seed: int) -> Parts:
    asked, rest = split(rows, min(HELD_OUT / len(rows), 0.5), seed=0)
    missing = left_out({row.intent for row in rows}, LATER, seed)
    groups = sorted(by_intent(row for row in rest if row.intent not in missing).items())
    return Parts(
        learned=[row for _, group in groups for row in group[:examples]],
        shots=few_shot((row for row in rest if row.intent in missing), 1, seed),
        known=[row for row in asked if row.intent not in missing],
        later=[row for row in asked if row.intent in missing],
    )


def compare(seed: int, before: Sequence[Prediction], shop: Shop, parts: Parts) -> list[list[str]]:
    """Of the shop that knows the shots, and `before` it did."""
    after, later = shop.predict(parts.known), shop.predict(parts.later)
    names = {row.intent for row in parts.shots}
    return [
        [str(seed), "the 57 intents, before", *figures(before, names)],
        [str(seed), "the 57 intents, 20 added", *figures(after, names)],
        [str(seed), "the 20 intents", *figures(later, names)],
        [str(seed), "all 77 together", *figures([*after, *later], names)],
    ]


def figures(predictions: Sequence[Prediction], later: set[str]) -> list[str]:
    right = sum(one.predicted == one.intent for one in predictions)
    answered = [one for one in predictions if is_answered(one)]
    wrong = sum(not one.right for one in answered)
    return [
        interval(right / len(predictions), *wilson(right, len(predictions))),
        percent(len(answered) / len(predictions)),
        percent(wrong / len(answered)) if answered else "",
        percent(sum(one.predicted in later for one in predictions) / len(predictions)),
    ]


if __name__ == "__main__":
    main()
