"""Does the error budget hold? Thresholds chosen again and again on random halves, checked on what is left.

    python benchmarks/budget.py --data FOLDER

FOLDER holds banking77/train.csv; only that file is read. One half of it trains, the other half is asked. Then, 200
times, thresholds are chosen as in training, the cascade's too, on messages drawn from that other half:

fresh half    drawn without putting back; the share wrong is counted on the other messages. A few thousand messages are
              few for that: luck alone moves the count, and what one side has in bad luck the other has in good luck.
whole pool    drawn with putting back, so that the pool is exactly what the draws come from, and the share wrong in it
              exactly what was promised to stay within the budget.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.draws import Labelled, read_csv, split
from benchmarks.tables import Spread, percent, provenance, table
from benchmarks.trained import Shop, trained_shop, without_cascade
from chatbot.bot import Bot
from chatbot.decide import MOST_CHOICES
from chatbot.types import Reading
from training.calibrate import cascade_threshold, choose_policy
from training.witness import NOT_ELIGIBLE, HeldOut

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draw:
    """One recalibration: whether the budget could be proven, and what its threshold did on the messages judged."""

    proven: bool
    answered: float
    wrong: float


def main(given: Sequence[str] | None = None) -> None:
    arguments = parse(given)
    print(f"{provenance(('service-chatbot',))}\n", flush=True)
    learned, asked = split(read_csv(arguments.data / "banking77/train.csv"), 0.5, seed=0)
    with trained_shop(learned) as shop:
        pool = ask(shop, asked)
    rows = []
    for budget in arguments.budgets:
        for name in ("fresh half", "whole pool"):
            draws = recalibrate(pool, budget, arguments.draws, judged_on=name)
            rows.append([percent(budget), name, *summary(draws, budget)])
    header = [
        "budget", "judged on", "draws that exceed it", "although it was promised", "wrong of answered", "answered",
        "draws with a promise",
    ]  # fmt: skip
    print(f"{len(learned):,} examples, {len(pool.right):,} messages, {arguments.draws} recalibrations\n")
    print(table(header, rows))


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with banking77/")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.01, 0.02, 0.03, 0.05, 0.1])
    return parser.parse_args(given)


def ask(shop: Shop, rows: Sequence[Labelled]) -> HeldOut:
    """What `choose_policy` takes, with a row for each message: read closely, and at a glance by the cascade."""
    queries, intents = shop.redact(row.text for row in rows), [row.intent for row in rows]
    closely, quick = without_cascade(shop.bot).read_many(queries), _at_a_glance(shop.bot).read_many(queries)
    choices = [reading.ranked(MOST_CHOICES) for reading in closely]
    return HeldOut(
        probabilities=np.stack([reading.probabilities for reading in closely]),
        certainty=np.array([reading.best()[1] for reading in closely]),
        right=_right(closely, intents),
        quick_certainty=np.array([reading.best()[1] if reading.vector is None else NOT_ELIGIBLE for reading in quick]),
        quick_right=_right(quick, intents),
        nearest=np.array([max((hit.similarity for hit in reading.neighbours), default=0.0) for reading in closely]),
        offered=np.array([sum(probability for _, probability in offered) for offered in choices]),
        offers_right=np.array([intent in dict(offered) for offered, intent in zip(choices, intents, strict=True)]),
        languages=("en",) * len(rows),
    )


def _at_a_glance(bot: Bot) -> Bot:
    """The cascade says what it can of every message, however unsure it is."""
    return replace(bot, cascade=replace(bot.cascade, answer_at=0.0)) if bot.cascade else bot


def _right(readings: Sequence[Reading], intents: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([reading.best()[0] == intent for reading, intent in zip(readings, intents, strict=True)])


def take(pool: HeldOut, rows: Rows) -> HeldOut:
    languages = tuple(pool.languages[row] for row in rows)
    others = {"languages", "stranger_certainty", "stranger_quick_certainty"}  # no row of these is a message
    arrays = {entry.name: getattr(pool, entry.name)[rows] for entry in fields(pool) if entry.name not in others}
    return HeldOut(**arrays, languages=languages)


def recalibrate(pool: HeldOut, budget: float, draws: int, *, judged_on: str) -> list[Draw]:
    chance = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        if judged_on == "fresh half":
            order = chance.permutation(len(pool.right))
            chosen, judged = order[: len(pool.right) // 2], order[len(pool.right) // 2 :]
        else:
            chosen, judged = chance.integers(len(pool.right), size=len(pool.right) // 2), np.arange(len(pool.right))
        found.append(_draw(pool, chosen, judged, budget))
    return found


def _draw(pool: HeldOut, chosen: Rows, judged: Rows, budget: float) -> Draw:
    calibration, fresh = take(pool, chosen), take(pool, judged)
    policy = choose_policy(calibration, budget)
    glance_at = cascade_threshold(calibration, policy)
    glanced = fresh.quick_certainty >= (glance_at if glance_at is not None else np.inf)
    answered = glanced | (fresh.certainty >= policy.answer_at)
    right = np.where(glanced, fresh.quick_right, fresh.right)
    wrong = float((~right[answered]).mean()) if answered.any() else 0.0
    return Draw(policy.proven, float(answered.mean()), wrong)


def summary(draws: Sequence[Draw], budget: float) -> list[str]:
    """Where there is too little data for a promise, none is made: then a draw beyond the budget breaks none."""
    exceeding = [draw for draw in draws if draw.wrong > budget]
    broken, proven = sum(draw.proven for draw in exceeding), sum(draw.proven for draw in draws)
    wrong = Spread.of([draw.wrong * 100 for draw in draws])
    answered = Spread.of([draw.answered * 100 for draw in draws])
    count = len(draws)
    return [
        percent(len(exceeding) / count),
        percent(broken / count),
        f"{wrong.text(2)} %",
        f"{answered.text(1)} %",
        percent(proven / count),
    ]


if __name__ == "__main__":
    main()
