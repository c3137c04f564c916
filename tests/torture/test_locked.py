"""Somebody else holds the database for longer than anybody waits; the long form holds it for ten seconds."""

from __future__ import annotations

import re

import pytest

from benchmarks.torture.locked import torture
from benchmarks.torture.outcome import Size
from benchmarks.torture.place import Place


@pytest.mark.slow
def test_customers_are_told_to_come_back_and_no_update_is_lost(place: Place) -> None:
    (outcome,) = torture(place, size=Size.SHORT)
    assert outcome.passed, outcome.figures
    refused = re.search(r"([\d,]+) times 503, 0 of them without Retry-After, nothing else", outcome.figures)
    assert refused is not None, outcome.figures
    assert int(refused[1].replace(",", "")) > 0, "it was locked for longer than a writer waits"
    assert "0 stored that were refused" in outcome.figures
