"""The short form of guessing at passwords, on a real server."""

from __future__ import annotations

import pytest

from benchmarks.torture.guessing import torture
from benchmarks.torture.outcome import Size
from benchmarks.torture.place import Place


@pytest.mark.slow
def test_guessing_reaches_neither_the_desk_nor_the_customers(place: Place) -> None:
    for outcome in torture(place, size=Size.SHORT):
        assert outcome.passed, outcome
