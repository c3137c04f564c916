"""The short form: everything that the long one does, a few times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.torture import soak
from benchmarks.torture.outcome import Size
from benchmarks.torture.place import Place, rows
from benchmarks.torture.soak import Look, Soaked, draw, outcome_of
from benchmarks.torture.watching import Held


@pytest.mark.slow
def test_all_of_it_happens(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SWAPS", 4)
    monkeypatch.setattr(soak, "SHORT_MESSAGES", 120)
    monkeypatch.setattr(soak, "REVIEW_SECONDS", 0.05)
    (outcome,) = soak.torture(place, size=Size.SHORT)
    assert outcome.passed, outcome.figures
    assert rows(place.home, "SELECT count(*) >= 120 FROM turns")[0][0] == 1
    assert rows(place.home, "SELECT count(*) > 0 FROM feedback")[0][0] == 1
    assert rows(place.home, "SELECT count(*) FROM model_events WHERE event = 'promoted' AND by = 'soak'") == [(4,)]


FIRST = Look(0, Held(400_000_000, 50, 40), 20.0, 100.0, 4_000_000, 0)


def _soaked(*, memory: int = 400_000_000, files: int = 50, threads: int = 40, p99: float = 100.0) -> Soaked:
    """As many looks at a server that was like FIRST until the middle."""
    later = replace(FIRST, held=Held(memory, files, threads), p99=p99)
    looks = [replace(FIRST if number < 50 else later, messages=1000 * number) for number in range(101)]
    return Soaked(messages=100_000, swaps=[5000 * number for number in range(soak.SWAPS)], looks=looks)


def test_what_stays_as_it_is_passes() -> None:
    outcome = outcome_of(_soaked(memory=419_000_000, files=53, threads=42, p99=119), 600.0, strict=True)
    assert outcome.passed
    assert "memory 400 to 419 MB (+4.8%), files 50 to 53, threads 40 to 42, p99 100 to 119 ms" in outcome.figures


@pytest.mark.parametrize("grown", [{"memory": 421_000_000}, {"files": 54}, {"threads": 44}, {"p99": 121.0}])
def test_what_grows_does_not(grown: dict[str, int]) -> None:
    assert not outcome_of(_soaked(**grown), 600.0, strict=True).passed


def test_refusals_and_a_log_without_bounds_do_not_pass() -> None:
    assert not outcome_of(replace(_soaked(), refused=1), 600.0, strict=True).passed
    large = replace(_soaked(), looks=[replace(look, log=200 << 20) for look in _soaked().looks])
    assert not outcome_of(large, 600.0, strict=True).passed


def test_the_picture(tmp_path: Path) -> None:
    file = draw(_soaked(), tmp_path / "pictures" / "soak.png")
    assert file.read_bytes().startswith(b"\x89PNG")
