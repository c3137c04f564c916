"""Each moment of a message is counted once, for the innermost stage."""

from __future__ import annotations

import threading
import time

import pytest

from chatbot import stages
from chatbot.stages import CLASSIFY, DECIDE, ENCODE, QUEUE, SEARCH, STORE, WAIT, stage, timed


def busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


@stage(SEARCH)
def search() -> None:
    busy(0.01)


@stage(CLASSIFY)
def classify() -> None:
    busy(0.01)
    search()
    busy(0.01)


@stage(WAIT)
def encode() -> None:
    busy(0.02)
    stages.shift(WAIT, ENCODE, 0.015)


@timed
def message(fails: bool = False) -> dict[str, float]:
    busy(0.01)
    classify()
    encode()
    if fails:
        with pytest.raises(ZeroDivisionError):
            divide()
    return dict(stages.taken())


@stage(STORE)
def divide() -> float:
    busy(0.01)
    return 1 / 0


def test_stages_are_exclusive_and_add_up() -> None:
    began = time.perf_counter()
    taken = message()
    whole = time.perf_counter() - began
    assert list(taken) == list(stages.STAGES)
    assert sum(taken.values()) == pytest.approx(whole, rel=0.1)
    assert taken[CLASSIFY] == pytest.approx(2 * taken[SEARCH], rel=0.9)
    assert taken[ENCODE] == 0.015
    assert taken[WAIT] >= 0.005
    assert taken[DECIDE] >= 0.01
    assert taken[STORE] == taken[QUEUE] == 0


def test_a_stage_that_fails_is_counted_and_left() -> None:
    taken = message(fails=True)
    assert taken[STORE] >= 0.01
    assert taken[SEARCH] == pytest.approx(0.01, abs=0.02)


def test_waiting_for_the_answer_path_is_a_stage_too() -> None:
    found: list[dict[str, float]] = []

    def request() -> None:
        stages.arrived(time.perf_counter() - 0.5)
        found.append(message())

    thread = threading.Thread(target=request)
    thread.start()
    thread.join()
    assert found[0][QUEUE] == pytest.approx(0.5, abs=0.2)
    assert message()[QUEUE] == 0, "of this thread's context nothing is known"


def test_outside_of_a_message_nothing_is_measured() -> None:
    classify()
    assert stages.taken() == {}
    message()
    assert stages.taken() == {}


def test_a_misspelt_stage_is_no_stage() -> None:
    with pytest.raises(AssertionError, match="seerch"):
        stage("seerch")
