"""The server killed in the middle of work and in the middle of its start; the long form kills it a hundred times."""

from __future__ import annotations

import pytest

from benchmarks.torture.kill import torture
from benchmarks.torture.outcome import Size
from benchmarks.torture.place import Place


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_doubled(place: Place) -> None:
    (outcome,) = torture(place, size=Size.SHORT)
    assert outcome.passed, outcome.figures
    assert "0 lost, 0 doubled" in outcome.figures
    acknowledged = (place.home / "acknowledged.jsonl").read_text(encoding="utf-8")
    assert [kind for kind in ('"message"', '"vote"', '"review"') if kind not in acknowledged] == []
