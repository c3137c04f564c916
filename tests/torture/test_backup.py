"""The short form of a backup that is taken while customers write."""

from __future__ import annotations

from benchmarks.torture.backup import torture
from benchmarks.torture.outcome import Size
from benchmarks.torture.place import Place


def test_a_backup_while_writing_holds_what_was_acknowledged_and_answers_the_same(place: Place) -> None:
    (outcome,) = torture(place, size=Size.SHORT)
    assert outcome.passed, outcome.figures
    assert "0 lost" in outcome.figures
