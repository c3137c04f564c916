from __future__ import annotations

import numpy as np

from training.tune.plan import FEW, MOST_HELD, hold_out

LABELS = np.repeat(np.arange(5), (FEW, 400, 400, 400, 400))
TEXTS = [f"text {row}" for row in range(len(LABELS))]


def test_a_small_share_of_each_intent_is_held_out_and_none_where_there_are_few() -> None:
    learn, held = hold_out(LABELS, TEXTS)
    assert np.bincount(LABELS[held], minlength=5).tolist() == [0, 20, 20, 20, 20]
    assert sorted([*learn.tolist(), *held.tolist()]) == list(range(len(LABELS)))


def test_a_group_stays_on_one_side() -> None:
    groups = [f"group {row // 4}" for row in range(len(LABELS))]
    learn, held = hold_out(LABELS, groups)
    assert len(held) > 40
    assert {groups[row] for row in learn}.isdisjoint({groups[row] for row in held})


def test_what_was_held_out_stays_so_when_more_comes() -> None:
    _, before = hold_out(LABELS, TEXTS)
    more = np.concatenate([LABELS, np.repeat(np.arange(5), 20)])
    _, after = hold_out(more, [*TEXTS, *(f"later {row}" for row in range(100))])
    assert len(set(before.tolist()) - set(after.tolist())) <= 4


def test_too_few_are_no_measure() -> None:
    labels = np.repeat(np.arange(2), 40)
    learn, held = hold_out(labels, [str(row) for row in range(80)])
    assert (len(learn), len(held)) == (80, 0)


def test_there_is_a_most() -> None:
    labels = np.repeat(np.arange(20), 1000)
    _, held = hold_out(labels, [str(row) for row in range(20000)])
    assert len(held) == MOST_HELD
