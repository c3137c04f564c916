from __future__ import annotations

import numpy as np

from training.tune.batches import Epochs

LABELS = np.repeat(np.arange(4), (200, 100, 20, 4))
LENGTHS = np.random.default_rng(0).integers(4, 60, len(LABELS))


def epochs(**more: object) -> Epochs:
    given = {"batch": 32, "balance": 0.0, "seed": 0} | more
    return Epochs(LABELS, LENGTHS, **given)  # type: ignore[arg-type]


def drawn(source: Epochs) -> list[list[int]]:
    return list(source)


def test_an_epoch_holds_about_everything_in_batches_of_one_size() -> None:
    batches = drawn(epochs())
    assert [len(batch) for batch in batches] == [32] * 11
    counts = np.bincount(np.concatenate(batches), minlength=len(LABELS))
    assert (counts > 0).mean() > 0.99
    assert counts.max() <= 3


def test_each_epoch_is_another_draw_and_the_same_for_the_same_seed() -> None:
    one, same, other = epochs(), epochs(), epochs(seed=1)
    first = drawn(one)
    assert first == drawn(same)
    assert first != drawn(other)
    assert first != drawn(one)


def test_rare_intents_come_more_often_where_balance_is_asked_for() -> None:
    shares = []
    for balance in (0.0, 0.5, 1.0):
        rows = np.concatenate(drawn(epochs(balance=balance)))
        shares.append(np.bincount(LABELS[rows], minlength=4) / len(rows))
    assert abs(shares[0][3] - 4 / 324) < 0.01
    assert shares[0][3] < shares[1][3] < shares[2][3]
    np.testing.assert_allclose(shares[2], 0.25, atol=0.03)


def test_texts_of_a_batch_are_of_one_length() -> None:
    spread = np.mean([np.std(LENGTHS[batch]) for batch in drawn(epochs())])
    assert spread < np.std(LENGTHS) / 2


def test_most_examples_have_another_of_their_intent_beside_them() -> None:
    many = np.repeat(np.arange(100), 4)
    source = Epochs(many, np.full(400, 10), batch=32, balance=0.0, seed=0)
    paired = [(np.bincount(many[batch])[many[batch]] > 1).mean() for batch in source]
    assert np.mean(paired) > 0.9


def test_an_epoch_holds_what_is_new_and_a_share_of_the_old() -> None:
    old = np.arange(len(LABELS)) % 10 != 0
    source = epochs(old=old, replay=0.1)
    first, second = (set(np.concatenate(drawn(source)).tolist()) for _ in range(2))
    assert set(np.flatnonzero(~old).tolist()) <= first & second
    assert len(first) <= len(source) * source.batch <= 96
    assert set(LABELS[list(first)].tolist()) == {0, 1, 2, 3}
    assert len((first & second) - set(np.flatnonzero(~old).tolist())) < 15


def test_processes_share_each_batch() -> None:
    alone, parts = drawn(epochs()), drawn(epochs(processes=2))
    together = [sorted(first + second) for first, second in zip(parts[::2], parts[1::2], strict=True)]
    assert together == [sorted(batch) for batch in alone]
    assert {len(part) for part in parts} == {16}


def test_fewer_examples_than_a_batch_are_one_batch() -> None:
    source = Epochs(np.array([0, 0, 1]), np.array([3, 4, 5]), batch=64, balance=0.0, seed=0)
    assert [sorted(batch) for batch in source] == [[0, 1, 2]]
