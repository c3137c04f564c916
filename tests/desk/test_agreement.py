from __future__ import annotations

import pytest

from chatbot.desk.agreement import interval, kappa, kappa_of


def test_kappa_of_a_textbook_table() -> None:
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: agreement 0.7, 0.5 by chance."""
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa_of("yes", pairs) == pytest.approx(0.4), "of two labels each is the other's opposite"


def test_kappa_at_its_ends() -> None:
    assert kappa([("a", "a"), ("b", "b"), ("c", "c")]) == pytest.approx(1.0)
    assert kappa([("a", "b"), ("b", "a")]) == pytest.approx(-1.0)
    assert kappa([]) is None
    assert kappa([("a", "a")] * 9) is None, "with one label only, chance explains everything"


def test_an_interval_of_a_share() -> None:
    assert list(interval(3, 100) or ()) == pytest.approx([0.01025, 0.08452], abs=1e-4)
    assert list(interval(0, 50) or ()) == pytest.approx([0.0, 0.0713], abs=1e-3)
    assert list(interval(50, 50) or ()) == pytest.approx([0.9287, 1.0], abs=1e-3)
    assert interval(0, 0) is None
