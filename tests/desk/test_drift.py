"""What is counted beside the weeks before: rates, shares, beliefs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from chatbot.desk.drift import (
    CHANCE,
    answers_less,
    at_least,
    exposure,
    holm,
    less_sure,
    rising,
    samples_of,
    weekly,
)
from chatbot.store.incoming import Incoming
from chatbot.types import OUT_OF_SCOPE, Action

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def asked(
    intent: str | None = "pay",
    count: int = 1,
    *,
    days: float = 1.0,
    action: Action = Action.ANSWER,
    probability: float | None = 0.9,
    text: str = "do you take shells",
) -> list[Incoming]:
    return [Incoming(text, "en", NOW - timedelta(days=days), action, intent, probability)] * count


def test_weeks_end_now_and_the_oldest_comes_first() -> None:
    found = weekly(
        [*asked(count=3), *asked(action=Action.HANDOFF, probability=0.5), *asked(days=8, probability=None)],
        weeks=3,
        now=NOW,
    )
    assert [week.since for week in found] == [NOW - timedelta(days=days) for days in (21, 14, 7)]
    assert [week.questions for week in found] == [0, 1, 4]
    assert (found[2].answered, found[2].handed_off) == (0.75, 0.25)
    assert found[2].certainty == pytest.approx(0.8)
    assert (found[1].answered, found[1].certainty) == (1.0, None)
    assert (found[0].answered, found[0].certainty) == (None, None)


def test_the_chance_of_so_many_is_the_binomials() -> None:
    draws = np.random.default_rng(1).binomial(30, 0.2, 200_000)
    assert at_least(10, 30, 0.2) == pytest.approx((draws >= 10).mean(), abs=0.002)
    assert at_least(0, 30, 0.2) == at_least(3, 30, 1.0) == 1.0
    assert (exposure(10, 30), exposure(0, 0)) == (0.25, 0.0)


def test_an_intent_that_rises_is_found_with_its_words_and_one_that_does_not_is_not() -> None:
    recent = [*asked("strike", 18, text="is there a strike"), *asked("pay", 100)]
    earlier = [*asked("strike", 20, days=20), *asked("pay", 700, days=20)]
    (found,) = rising(recent, earlier)
    assert (found.intent, found.now, found.before, found.samples) == ("strike", 18, 20, ("is there a strike",))
    assert found.times == pytest.approx((18 / 118) / (20 / 720))
    assert found.p < 1e-5


def test_more_traffic_alone_makes_nothing_rise() -> None:
    recent = [*asked("strike", 50), *asked("pay", 500)]
    assert rising(recent, [*asked("strike", 20, days=20), *asked("pay", 200, days=20)]) == ()


def test_a_new_intent_rises_and_a_handful_of_questions_does_not() -> None:
    earlier = asked("pay", 400, days=20)
    (found,) = rising([*asked("strike", 12), *asked("pay", 90)], earlier)
    assert (found.before, found.times) == (0, None)
    assert rising([*asked("strike", 4), *asked("pay", 90)], earlier) == ()
    assert rising([*asked(OUT_OF_SCOPE, 50), *asked(None, 50), *asked("pay", 90)], earlier) == ()
    assert rising(asked(), []) == rising([], asked()) == ()


def test_many_intents_at_once_are_seldom_called_rising_by_chance() -> None:
    random = np.random.default_rng(20261122)
    alarms = 0
    for _ in range(200):
        recent = [one for number, count in enumerate(random.poisson(8, 60)) for one in asked(f"intent {number}", count)]
        earlier = [
            one for number, count in enumerate(random.poisson(56, 60)) for one in asked(f"intent {number}", count)
        ]
        alarms += bool(rising(recent, earlier))
    assert alarms / 200 <= CHANCE + 0.03


def test_holm_stops_at_the_first_that_may_be_chance() -> None:
    assert holm({"a": 0.001, "b": 0.03, "c": 0.02}) == {"a", "b", "c"}
    assert holm({"a": 0.001, "b": 0.03, "c": 0.04}) == {"a"}
    assert holm({}) == set()


def test_fewer_answers_and_less_belief_are_noticed() -> None:
    before = [*asked(count=90, days=20), *asked(count=10, days=20, action=Action.HANDOFF)]
    assert answers_less([*asked(count=60), *asked(count=40, action=Action.HANDOFF)], before)
    assert not answers_less([*asked(count=88), *asked(count=12, action=Action.HANDOFF)], before)
    random = np.random.default_rng(3)
    high = [one for value in random.beta(9, 1, 300) for one in asked(days=20, probability=float(value))]
    low = [one for value in random.beta(7, 2, 100) for one in asked(probability=float(value))]
    assert less_sure(low, high)
    assert not less_sure(high[:100], high)
    assert not less_sure(low[:20], high)
    assert not answers_less([], before)


def test_samples_are_distinct_and_the_most_frequent_first() -> None:
    words = [*asked(text="Do you take shells?"), *asked(text="do you take shells", count=2), *asked(text="when")]
    assert samples_of(words) == ("Do you take shells?", "when")


def test_what_is_dated_in_the_future_is_of_the_newest_week() -> None:
    """The clock was put back since."""
    found = weekly([*asked(), *asked(days=-1), *asked(days=-30)], weeks=2, now=NOW)
    assert [week.questions for week in found] == [0, 3]
