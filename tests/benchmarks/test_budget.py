from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.budget import Draw, parse, recalibrate, summary, take
from training.witness import NOT_ELIGIBLE, HeldOut


def pool(*, share_wrong: float, size: int = 2000) -> HeldOut:
    """Messages whose certainty says nothing about whether they are right, and no cascade."""
    chance = np.random.default_rng(1)
    right, ones, yes = chance.random(size) >= share_wrong, np.ones(size), np.ones(size, dtype=bool)
    certainty, never = chance.uniform(0.9, 1.0, size), np.full(size, NOT_ELIGIBLE)
    return HeldOut(ones[:, None], certainty, right, never, yes, ones, ones, yes, ("en",) * size)


def test_what_is_asked_for() -> None:
    asked = parse(["--data", "sets", "--budgets", "0.05"])
    assert (asked.data, asked.draws, asked.budgets) == (Path("sets"), 200, [0.05])


def test_the_same_draws_every_time() -> None:
    messages = pool(share_wrong=0.01)
    assert recalibrate(messages, 0.03, 3, judged_on="fresh half") == recalibrate(
        messages, 0.03, 3, judged_on="fresh half"
    )


def test_a_bot_well_within_the_budget_answers_everything() -> None:
    draws = recalibrate(pool(share_wrong=0.0), 0.03, 5, judged_on="whole pool")
    assert [(draw.proven, draw.wrong) for draw in draws] == [(True, 0.0)] * 5
    assert min(draw.answered for draw in draws) > 0.95


def test_what_is_taken_stays_together() -> None:
    messages = pool(share_wrong=0.5, size=100)
    rows = np.array([3, 3, 97])
    taken = take(messages, rows)
    assert taken.certainty.tolist() == messages.certainty[rows].tolist()
    assert taken.right.tolist() == messages.right[rows].tolist()
    assert taken.languages == ("en", "en", "en")
    assert taken.strangers == 0


def test_a_summary_counts_the_draws_beyond_the_budget_and_the_promises_broken() -> None:
    draws = [Draw(True, 0.9, 0.02), Draw(True, 0.9, 0.04), Draw(False, 0.5, 0.05), Draw(True, 0.9, 0.01)]
    assert summary(draws, 0.03) == ["50.00 %", "25.00 %", "3.00 (1.75 to 4.25) %", "90.0 (80.0 to 90.0) %", "75.00 %"]
