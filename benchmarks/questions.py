"""Several questions in one message, and messages that go on with the one before: how many are understood, with and
without.

    python benchmarks/questions.py [--home FOLDER] [--data FOLDER]

The sample shop is trained into a fresh home, or --home names one that has it. Its cases are hand-written
(tests/data/several_questions.jsonl, tests/data/follow_ups.jsonl) and were divided into a development and a held-out
half before any rule was tuned; cases and rules have the same author. --data is the `banking` folder of NLU++ (20 files,
fold0.json to fold19.json): utterances with any number of modular intents. Its first ten folds train, the others test.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.draws import Labelled
from benchmarks.shop_questions import (
    SETS,
    alone,
    as_one_question,
    cases,
    dialogues,
    score_follow_ups,
    score_several,
    settled,
    shop,
)
from benchmarks.tables import percent, provenance, table
from benchmarks.trained import learn
from chatbot.settings import Settings
from chatbot.several import RECOGNISED
from chatbot.wiring import House, open_house
from training.progress import steps
from training.retrain import retrain

FOLDS = {"development": (range(5), range(5, 10)), "held_out": (range(10), range(10, 20))}
"""Of NLU++: those that train and those that test."""

WAYS = ("read, as one", "read, split", "answered, as one", "answered, split")
PAIRS = 500

BANK_BUDGET = 0.2
"""NLU++ has a few hundred examples for dozens of labels: with 3 % hardly anything would be answered at all."""


@dataclass(frozen=True, slots=True)
class Utterance:
    text: str
    intents: frozenset[str]

    @property
    def asks(self) -> bool:
        return self.text.endswith("?")


@dataclass(frozen=True, slots=True)
class Found:
    """Intents, micro-averaged: `right` of `read` ones are among the `expected`; `split` counts utterances."""

    utterances: int
    expected: int
    read: int
    right: int
    split: int

    def told(self) -> str:
        recall = self.right / self.expected if self.expected else 0.0
        precision = self.right / self.read if self.read else 1.0
        return f"{percent(recall)} / {percent(precision)}"


def read_folds(folder: Path, numbers: Iterable[int]) -> list[Utterance]:
    return [
        Utterance(row["text"], frozenset(row.get("intents", ())))
        for number in numbers
        for row in json.loads((folder / f"fold{number}.json").read_text(encoding="utf-8"))
    ]


def joined_pairs(utterances: Sequence[Utterance], count: int, seed: int = 0) -> list[Utterance]:
    """Two utterances without a common intent in one message, as customers join them."""
    draw = random.Random(seed)
    pairs: list[Utterance] = []
    while len(pairs) < count:
        one, other = draw.sample(list(utterances), 2)
        if not one.intents & other.intents:
            link = draw.choice([" and ", ". Also, ", "? ", ", and "])
            text = one.text.rstrip(" .?!") + link + other.text
            pairs.append(Utterance(text, one.intents | other.intents))
    return pairs


def bank(folder: Path, part: str, label: Callable[[Utterance], str]) -> None:
    """Train with one label an utterance, then count the intents that whole and split messages are read as."""
    train, test = FOLDS[part]
    learned = read_folds(folder, train)
    known = Counter(label(one) for one in learned if label(one))
    rows = [Labelled(one.text, label(one)) for one in learned if known[label(one)] > 1]
    tested = read_folds(folder, test)
    usable = [one for one in tested if known[label(one)] > 1]
    with (
        tempfile.TemporaryDirectory() as home,
        open_house(Settings(home=Path(home), error_budget=BANK_BUDGET)) as house,
    ):
        learn(house, rows)
        retrain(house.settings, store=house.store, registry=house.registry, steps=steps())
        found = {
            "two utterances in one message": _found(house, joined_pairs(usable, PAIRS)),
            "two questions in one message": _found(house, joined_pairs([one for one in usable if one.asks], PAIRS)),
            "as they are, several intents": _found(house, [one for one in tested if len(one.intents) > 1]),
            "as they are, one intent": _found(house, [one for one in tested if len(one.intents) == 1]),
        }
    print(f"\nNLU++ banking, {part}: {len(rows)} utterances with {len({row.intent for row in rows})} labels learned\n")
    rows_told = [
        [name, f"{ways[WAYS[0]].utterances:,}", f"{ways[WAYS[0]].split:,}", *(ways[way].told() for way in WAYS)]
        for name, ways in found.items()
    ]
    print(table(["messages", "how many", "split", *WAYS], rows_told), flush=True)


def _found(house: House, questions: Sequence[Utterance]) -> dict[str, Found]:
    """By what counts as read: the best intent of each part, or only what is answered."""
    totals: dict[str, Counter[str]] = {way: Counter() for way in WAYS}
    for one in questions:
        given = alone(house, one.text, "en")
        whole = as_one_question(house, given, "en")
        parts = [part.decision for part in given.parts] or [given.decision]
        decided = ([whole], parts, [whole] if whole.reason in RECOGNISED else [], settled(given))
        for way, decisions in zip(WAYS, decided, strict=True):
            read = {intent for decision in decisions if decision.intent for intent in decision.intent.split("+")}
            totals[way].update(
                expected=len(one.intents), read=len(read), right=len(read & one.intents), split=len(parts) > 1
            )
    return {
        way: Found(len(questions), total["expected"], total["read"], total["right"], total["split"])
        for way, total in totals.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="home folder with the trained sample shop")
    parser.add_argument("--data", type=Path, help="folder with fold0.json to fold19.json of NLU++")
    parser.add_argument("--set", choices=SETS, help="only this half")
    arguments = parser.parse_args()
    parts = [arguments.set] if arguments.set else SETS
    print(provenance(["service-chatbot", "onnxruntime", "scikit-learn"]))
    with shop(arguments.home) as house:
        show_several(house, parts)
        show_follow_ups(house, parts)
    for part in parts if arguments.data else ():
        for label in (_lone, _combined):
            bank(arguments.data, part, label)


def show_several(house: House, parts: Sequence[str]) -> None:
    rows = []
    for part in parts:
        score = score_several(house, cases(part))
        rows.append([
            part,
            f"{score.found} of {score.questions}",
            f"{score.found_whole} of {score.questions}",
            f"{score.all_found} of {score.messages}",
            f"{score.wrong}",
            f"{score.kept} of {score.single}",
            f"{score.wrong_single}",
        ])  # fmt: skip
    print("\nSeveral questions in one message, sample shop\n")
    print(table([
        "half", "questions answered", "without splitting", "messages answered in full", "wrong beside them",
        "single questions kept whole", "wrong",
    ], rows), flush=True)  # fmt: skip


def show_follow_ups(house: House, parts: Sequence[str]) -> None:
    rows = []
    for part in parts:
        for way, remembering in (("with the question before", True), ("each message alone", False)):
            score = score_follow_ups(house, dialogues(part), remembering=remembering)
            rows.append([
                part,
                way,
                f"{score.right} of {score.dialogues}",
                f"{score.offered}",
                f"{score.said}",
                f"{score.wrong}",
                f"{score.dragged} of {score.new_topics}",
                f"{score.wrong_topics}",
            ])  # fmt: skip
    print("\nFollow-ups, sample shop\n")
    header = [
        "half",
        "read",
        "right",
        "offered",
        "said already",
        "wrong",
        "new topics dragged in",
        "wrong on new topics",
    ]
    print(table(header, rows), flush=True)


def _lone(one: Utterance) -> str:
    return next(iter(one.intents)) if len(one.intents) == 1 else ""


def _combined(one: Utterance) -> str:
    return "+".join(sorted(one.intents))


if __name__ == "__main__":
    main()
