"""The clock is a number in these tests; what counts is when the next token is there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.web.limits import RateLimiter, whole_seconds


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_tokens_are_there_at_once_and_come_back_one_by_one() -> None:
    clock = Clock()
    limiter = RateLimiter(3, clock=clock)
    assert [limiter.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 20.0]
    clock.now += 15
    assert limiter.take("a") == 5.0
    clock.now += 5
    assert [limiter.take("a"), limiter.take("a")] == [0.0, 20.0]


def test_being_refused_costs_nothing() -> None:
    clock = Clock()
    limiter = RateLimiter(1, clock=clock)
    assert limiter.take("a") == 0.0
    assert [limiter.take("a") for _ in range(100)] == [60.0] * 100
    clock.now += 60
    assert limiter.take("a") == 0.0


def test_keys_do_not_share() -> None:
    limiter = RateLimiter(1, clock=Clock())
    assert [limiter.take("a"), limiter.take("b"), limiter.take("a")] == [0.0, 0.0, 60.0]


def test_full_buckets_are_forgotten() -> None:
    clock = Clock()
    limiter = RateLimiter(60, clock=clock)
    for key in range(100):
        limiter.take(str(key))
    assert len(limiter) == 100
    clock.now += 1
    limiter.take("new")
    assert len(limiter) == 1


def test_memory_is_bounded_and_the_one_unused_for_longest_goes() -> None:
    limiter = RateLimiter(1, clock=Clock(), remembered=2)
    for key in "abc":
        limiter.take(key)
    assert len(limiter) == 2
    assert limiter.take("b") == 60.0
    assert limiter.take("a") == 0.0


def test_threads_get_no_more_than_there_is() -> None:
    limiter = RateLimiter(50, clock=Clock())
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(limiter.take, ["a"] * 400))
    assert waits.count(0.0) == 50


@given(per_minute=st.integers(1, 10_000), pauses=st.lists(st.floats(0, 30), max_size=50))
def test_no_minute_grants_more_than_twice_the_allowance(per_minute: int, pauses: list[float]) -> None:
    """A full bucket and what comes back in the same minute: the bound of a token bucket."""
    clock = Clock()
    limiter = RateLimiter(per_minute, clock=clock)
    granted = []
    for pause in pauses:
        clock.now += pause
        if limiter.take("a") == 0.0:
            granted.append(clock.now)
    for at in granted:
        assert sum(at <= other < at + 60 for other in granted) <= 2 * per_minute


@given(per_minute=st.integers(1, 1000))
def test_the_wait_that_is_named_is_enough(per_minute: int) -> None:
    clock = Clock()
    limiter = RateLimiter(per_minute, clock=clock)
    assert [limiter.take("a") for _ in range(per_minute)] == [0.0] * per_minute
    wait = limiter.take("a")
    assert 0 < wait <= 60 / per_minute + 0.001
    clock.now += wait
    assert limiter.take("a") == 0.0


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RateLimiter(0)


@pytest.mark.parametrize(("wait", "seconds"), [(0.001, 1), (1.0, 1), (1.2, 2), (59.01, 60)])
def test_retry_after_is_never_too_early(wait: float, seconds: int) -> None:
    assert whole_seconds(wait) == seconds


def test_a_token_that_is_given_back_can_be_taken_again() -> None:
    clock = Clock()
    limiter = RateLimiter(2, clock=clock)
    for _ in range(10):
        assert limiter.take("a") == 0.0
        limiter.give_back("a")
    assert [limiter.take("a") for _ in range(3)] == [0.0, 0.0, 30.0]
    limiter.give_back("b")  # nothing was taken
    assert [limiter.take("b") for _ in range(3)] == [0.0, 0.0, 30.0]
