"""The harness: places, the table, and a fault that breaks its own measurement."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest

from benchmarks.torture.__main__ import FAULTS, torture_all
from benchmarks.torture.outcome import Outcome, Size, as_table
from benchmarks.torture.place import Place


def test_a_home_is_a_copy_that_does_not_touch_what_it_was_made_of(place: Place) -> None:
    models = sorted(path.relative_to(place.prepared) for path in place.prepared.glob("models/**/*"))
    before = (place.prepared / "chatbot.db").read_bytes()
    home = place.settle()
    (home / "mine.txt").touch()
    assert sorted(path.relative_to(home) for path in home.glob("models/**/*")) == models
    assert place.settle() == home, "and the second time nothing is made anew"
    assert (home / "mine.txt").exists()
    assert (place.prepared / "chatbot.db").read_bytes() == before
    assert not (place.prepared / "mine.txt").exists()


def test_servers_get_these_settings_and_none_of_mine(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT_HOST", "0.0.0.0")
    monkeypatch.setenv("CHATBOT_THREADS", "7")
    given = place.environment(log_level="WARNING")
    assert given["CHATBOT_HOME"] == str(place.home)
    assert (given["CHATBOT_THREADS"], given["CHATBOT_LOG_LEVEL"]) == ("1", "WARNING")
    assert "CHATBOT_HOST" not in given


def test_a_broken_measurement_is_a_failed_row_and_the_next_is_still_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(place: Place, *, size: Size) -> Iterator[Outcome]:
        yield Outcome("first", str(place.home.name), True, size.value)
        raise OSError("the disk is gone")

    def sound(place: Place, *, size: Size) -> Iterator[Outcome]:
        yield Outcome("third", "a | b", False, f"{size.value}\n1 lost")
        del place

    for name, torture in (("broken", broken), ("sound", sound)):
        module = ModuleType(f"benchmarks.torture.{name}")
        module.torture = torture  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
    outcomes = list(torture_all(("broken", "sound"), place.home, place.prepared, size=Size.SHORT))
    assert [one.passed for one in outcomes] == [True, False, False]
    assert as_table(outcomes).splitlines()[2:] == [
        "| first | broken | passed | short |",
        "| broken | could not be measured | **FAILED** | OSError: the disk is gone |",
        "| third | a \\| b | **FAILED** | short 1 lost |",
    ]


def test_every_fault_is_a_module_that_can_be_tortured() -> None:
    modules = [import_module(f"benchmarks.torture.{name}") for name in FAULTS]
    assert [module.__name__ for module in modules if not callable(getattr(module, "torture", None))] == []
