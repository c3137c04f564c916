"""SIGTERM in the middle of everything; the long form does it at twenty moments each."""

from __future__ import annotations

import pytest

from benchmarks.torture.outcome import Size
from benchmarks.torture.place import Place
from benchmarks.torture.stopping import torture


@pytest.mark.slow
def test_it_leaves_in_time_and_leaves_nothing_half_written(place: Place) -> None:
    outcomes = list(torture(place, size=Size.SHORT))
    assert [outcome.fault for outcome in outcomes] == [
        "stopped with open tabs",
        "stopped in the middle of a training",
        "stopped in the middle of an import",
    ]
    assert [outcome.figures for outcome in outcomes if not outcome.passed] == []
