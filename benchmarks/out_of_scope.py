"""Does it know what it does not know? Far questions (CLINC150) and near ones (intents left out of BANKING77).

    python benchmarks/out_of_scope.py --data FOLDER

FOLDER holds clinc150/train_val.json and banking77/. No out-of-scope example is ever trained on. Of CLINC150 only train,
val and the two out-of-scope lists are read, never its test. AUROC is the probability that a question which can be
answered gets a higher score than one which cannot.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.draws import Labelled, left_out, read_clinc, read_csv, split
from benchmarks.tables import Spread, interval, percent, provenance, table
from benchmarks.trained import Shop, first_message, learn, retrained, trained_shop, without_cascade
from chatbot.respond import answer
from chatbot.types import OUT_OF_SCOPE, Action, Answer, Reading, Reason, Status
from training.metrics import auroc, wilson

BUDGET = 0.03
LEAVE_OUT = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """One question with what `answer` made of it; `scores` by name, higher for what it believes to know."""

    known: bool
    right: bool
    answered: bool
    scores: dict[str, float]


def main(given: Sequence[str] | None = None) -> None:
    arguments = parse(given)
    print(provenance(("service-chatbot", "onnxruntime", "scikit-learn")), flush=True)
    if "far" in arguments.only:
        print(f"\n### Far out of scope: CLINC150\n\n{far(arguments.data)}", flush=True)
    if "near" in arguments.only:
        print(f"\n### Near the domain: intents left out\n\n{near(arguments.data, arguments.on, arguments.draws)}")


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clinc150/ and banking77/")
    parser.add_argument("--only", nargs="+", choices=("far", "near"), default=("far", "near"))
    parser.add_argument(
        "--on", choices=("test", "validation"), default="test", help="validation leaves BANKING77's test file alone"
    )
    parser.add_argument("--draws", type=int, default=10, help="how often other intents are left out")
    return parser.parse_args(given)


def far(folder: Path) -> str:
    parts = read_clinc(folder / "clinc150/train_val.json")
    with trained_shop(parts["train"]) as shop:
        known = judge(shop, parts["val"])
        unknown = judge(shop, [row._replace(intent=OUT_OF_SCOPE) for row in parts["oos_train"] + parts["oos_val"]])
    everything = [*known, *unknown]
    right = sum(one.right for one in known)
    lines = [
        f"{len(parts['train']):,} examples, {len(known):,} questions in scope, {len(unknown)} out of scope",
        f"Intent right in scope: {interval(right / len(known), *wilson(right, len(known)))}",
        _served(everything, len(known)),
        _scores_table([everything]),
    ]
    return "\n\n".join(lines)


def near(folder: Path, on: str, draws: int) -> str:
    train = read_csv(folder / "banking77/train.csv")
    asked = read_csv(folder / "banking77/test.csv") if on == "test" else []
    if on == "validation":
        train, asked = split(train, 0.8, seed=0)
    intents = {row.intent for row in train}
    found: list[list[Judged]] = []
    with trained_shop(train) as shop:  # encodes everything once; the draws below take their vectors from the store
        for seed in range(draws):
            missing = left_out(intents, LEAVE_OUT, seed)
            found.append(_without(shop, train, asked, missing))
    served = [_served(each, sum(one.known for one in each)) for each in found[:1]]
    caption = f"{LEAVE_OUT} of {len(intents)} intents left out, {draws} draws, {len(asked):,} questions each ({on})"
    return "\n\n".join([caption, _scores_table(found), f"First draw. {served[0]}"])


def _without(shop: Shop, train: Sequence[Labelled], asked: Sequence[Labelled], missing: set[str]) -> list[Judged]:
    taken = [row for row in train if row.intent in missing]
    learn(shop.house, taken, Status.RETIRED)
    try:
        smaller = retrained(shop.house)
        return judge(smaller, [row._replace(intent=OUT_OF_SCOPE) if row.intent in missing else row for row in asked])
    finally:
        learn(shop.house, taken)


def judge(shop: Shop, rows: Sequence[Labelled]) -> list[Judged]:
    bot, context = shop.bot, first_message()
    queries = shop.redact(row.text for row in rows)
    closely = without_cascade(bot).read_many(queries)  # baselines: what the encoder and single channels make of it
    return [
        _judged(answer(query, bot, context), reading, row.intent)
        for query, reading, row in zip(queries, closely, rows, strict=True)
    ]


def _judged(given: Answer, closely: Reading, intent: str) -> Judged:
    decision, known = given.decision, intent != OUT_OF_SCOPE
    best, certainty = closely.best()
    return Judged(
        known=known,
        right=known and (given.reading or closely).best()[0] == intent,
        answered=decision.action is Action.ANSWER or decision.reason is Reason.NO_TEMPLATE,
        scores={
            "probability of the decision, as served": decision.probability,
            "probability of the decision, no cascade": certainty,
            "probability of the best intent": dict(closely.ranked(len(closely.intents)))[best],
            "linear head over MiniLM alone": float(closely.channels["dense"].max()),
            "similarity of the nearest example": max((hit.similarity for hit in closely.neighbours), default=0.0),
        },
    )


def _served(judged: Sequence[Judged], known: int) -> str:
    """What customers would have got with the thresholds that training chose."""
    answered = [one for one in judged if one.answered]
    right = sum(one.right for one in answered)
    unknown = [one for one in judged if not one.known]
    wrong = 1 - right / len(answered) if answered else 0.0
    slipped = sum(one.answered for one in unknown) / len(unknown)
    return (
        f"As served: {percent(right / known)} of the questions in scope answered right; {percent(wrong)} of all "
        f"answers wrong; {percent(slipped)} of the questions out of scope answered."
    )


def _scores_table(draws: Sequence[Sequence[Judged]]) -> str:
    names = list(draws[0][0].scores)
    rows = []
    for name in names:
        areas = [area(each, name) for each in draws]
        covered = [right_within(each, name, BUDGET) for each in draws]
        spread = Spread.of(areas)
        rows.append(
            [
                name,
                f"{statistics.fmean(areas):.4f}",
                f"{spread.low:.4f} to {spread.high:.4f}" if len(draws) > 1 else "",
                percent(statistics.fmean(covered)),
            ]
        )
    header = [
        "score",
        "AUROC, mean",
        "quartiles",
        f"answered right at {BUDGET * 100:.0f} % wrong, out of scope mixed in",
    ]
    return table(header, rows)


def area(judged: Sequence[Judged], name: str) -> float:
    known, unknown = (np.array([one.scores[name] for one in judged if one.known is side]) for side in (True, False))
    found = auroc(known, unknown)
    if found is None:
        raise ValueError("AUROC needs questions in scope and out of scope")
    return found


def right_within(judged: Sequence[Judged], name: str, budget: float) -> float:
    """The largest share of the questions in scope answered right by a threshold on this score, such that at most
    `budget` of the answers are wrong. The best threshold in hindsight: it compares scores, it promises nothing."""
    ranked = sorted(judged, key=lambda one: -one.scores[name])
    scores = np.array([one.scores[name] for one in ranked])
    right = np.cumsum([one.right for one in ranked])
    answered = np.arange(1, len(ranked) + 1)
    # A threshold answers all messages of one score or none of them.
    ends = np.append(scores[:-1] != scores[1:], True)
    allowed = ends & (answered - right <= budget * answered)
    return float(right[allowed].max(initial=0) / sum(one.known for one in judged))


if __name__ == "__main__":
    main()
