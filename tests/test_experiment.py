"""The sequential test by simulation, the drawing of arms, and what counts as a disagreement."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import betaln

from chatbot.experiment import (
    ERROR,
    WEIGHT,
    Experiment,
    Finding,
    Mode,
    Tally,
    compare,
    disagree,
    in_arm,
    is_candidates,
    is_comparable,
    log_evidence,
    ratio_bounds,
)
from chatbot.types import Action, Conversation, Decision, Passage, Reason, Template

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TRIAL = Experiment(1, "new", "old", Mode.AB, 0.2, "secret", NOON, "Lea")


def conversation(id: str, *, after: timedelta = timedelta(hours=1)) -> Conversation:
    return Conversation(id, "en", "web", NOON + after)


def looked_at_each_step(
    *, candidate: float, other: float, share: float, conversations: int, runs: int
) -> tuple[float, float, float]:
    """Of many experiments that are looked at after each conversation: the share that is ever decided, that calls the
    candidate worse, and the median number of conversations until then."""
    random = np.random.default_rng(20261122)
    decided, worse, when = 0, 0, []
    for _ in range(runs):
        drawn = random.random(conversations) < share
        bad = random.random(conversations) < np.where(drawn, candidate, other)
        ours, theirs = np.cumsum(bad & drawn), np.cumsum(bad & ~drawn)
        first, second = WEIGHT * share, WEIGHT * (1 - share)
        mixed = betaln(first + ours, second + theirs) - betaln(first, second)
        capital = mixed - ours * math.log(share) - theirs * math.log1p(-share)
        hits = np.flatnonzero(capital >= -math.log(ERROR))
        if len(hits):
            at = int(hits[0])
            decided += 1
            worse += bool(ours[at] > share * (ours[at] + theirs[at]))
            when.append(at)
    return decided / runs, worse / runs, float(np.median(when)) if when else math.inf


def test_the_simulation_looks_with_the_same_formula() -> None:
    mixed = betaln(0.1 * WEIGHT + 7, 0.9 * WEIGHT + 40) - betaln(0.1 * WEIGHT, 0.9 * WEIGHT)
    expected = mixed - 7 * math.log(0.1) - 40 * math.log(0.9)
    assert log_evidence(7, 40, 0.1, 0.1) == pytest.approx(expected)


@pytest.mark.parametrize(("share", "rate"), [(0.5, 0.1), (0.1, 0.1), (0.2, 0.4)])
def test_equal_arms_are_told_apart_in_at_most_five_percent_however_often_one_looks(share: float, rate: float) -> None:
    decided, _, _ = looked_at_each_step(candidate=rate, other=rate, share=share, conversations=5000, runs=600)
    assert decided <= ERROR


@pytest.mark.parametrize(("share", "median"), [(0.5, 2000), (0.1, 6000)])
def test_half_as_many_bad_conversations_again_are_found(share: float, median: float) -> None:
    decided, worse, when = looked_at_each_step(candidate=0.15, other=0.1, share=share, conversations=16_000, runs=150)
    assert decided == worse
    assert worse >= 0.97
    assert when <= median


def test_a_better_arm_is_called_better_and_a_worse_one_worse() -> None:
    assert compare(Tally(500, 110), Tally(500, 50), share=0.5).finding is Finding.WORSE
    assert compare(Tally(500, 50), Tally(500, 110), share=0.5).finding is Finding.BETTER
    nothing_yet = compare(Tally(), Tally(), share=0.5)
    assert (nothing_yet.finding, nothing_yet.low, nothing_yet.high) == (Finding.RUNNING, 0.0, math.inf)


def test_after_many_conversations_equal_arms_are_alike() -> None:
    assert compare(Tally(1500, 150), Tally(1500, 150), share=0.5).finding is Finding.RUNNING
    alike = compare(Tally(15_000, 1500), Tally(15_000, 1500), share=0.5)
    assert alike.finding is Finding.ALIKE
    assert alike.low < 1 < alike.high < 1.25


def test_the_bounds_hold_the_ratio_and_narrow() -> None:
    bounds = [ratio_bounds(15 * n, 90 * n, 0.1) for n in (1, 4, 16, 64)]  # 15 % against 10 %
    assert all(low < 1.5 < high for low, high in bounds)
    widths = [high - low for low, high in bounds]
    assert all(wider > narrower for wider, narrower in pairwise(widths))
    low, high = bounds[-1]
    assert log_evidence(960, 5760, 0.1, low * 0.1 / (0.9 + low * 0.1)) == pytest.approx(-math.log(ERROR))
    assert log_evidence(960, 5760, 0.1, high * 0.1 / (0.9 + high * 0.1)) == pytest.approx(-math.log(ERROR))
    assert ratio_bounds(0, 30, 0.5)[0] == 0
    assert ratio_bounds(30, 0, 0.5)[1] == math.inf


def test_the_arm_of_a_conversation_stays_and_has_its_share() -> None:
    ids = [f"conversation {number}" for number in range(20_000)]
    drawn = [in_arm(one, TRIAL) for one in ids]
    assert sum(drawn) / len(ids) == pytest.approx(0.2, abs=0.01)
    assert drawn == [in_arm(one, TRIAL) for one in ids]
    elsewhere = replace(TRIAL, key="another secret")
    both = sum(in_arm(one, elsewhere) for one, mine in zip(ids, drawn, strict=True) if mine)
    assert both / sum(drawn) == pytest.approx(0.2, abs=0.03)  # the draws of two experiments have nothing in common
    wider = replace(TRIAL, share=0.5)
    assert all(in_arm(one, wider) for one, mine in zip(ids, drawn, strict=True) if mine)


def test_only_what_began_meanwhile_is_in_an_experiment_and_a_shadow_answers_nobody() -> None:
    mine = next(one for one in map(str, range(100)) if in_arm(one, TRIAL))
    assert is_candidates(conversation(mine), TRIAL)
    assert not is_candidates(conversation(mine, after=timedelta(seconds=-1)), TRIAL)
    assert not is_candidates(conversation(mine), replace(TRIAL, mode=Mode.SHADOW, share=1.0))


ANSWER = Decision(Action.ANSWER, Reason.SURE, 0.9, "pay", Template("pay", "pay", "Cards."))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (replace(ANSWER, probability=0.6, reason=Reason.DOCUMENT), False),
        (replace(ANSWER, template=Template("pay.zh", "pay", "Cards.")), False),
        (replace(ANSWER, template=Template("pay_later", "pay", "Later.")), True),
        (replace(ANSWER, intent="refund", template=Template("refund", "refund", "Yes.")), True),
        (Decision(Action.CLARIFY, Reason.UNSURE, 0.4, "pay"), True),
    ],
)
def test_a_disagreement_is_what_a_customer_would_notice(other: Decision, expected: bool) -> None:
    assert disagree(ANSWER, other) is disagree(other, ANSWER) is expected


def test_two_quotations_are_two_answers_and_two_questions_back_are_one() -> None:
    quoted = [
        Decision(Action.ANSWER, Reason.DOCUMENT, 0.9, passage=Passage("terms", "Returns", "Thirty days.", id=number))
        for number in (1, 2)
    ]
    assert disagree(*quoted)
    back = Decision(Action.CLARIFY, Reason.UNSURE, 0.4, "pay")
    assert not disagree(back, replace(back, intent="refund"))


def test_what_no_model_decided_is_not_compared() -> None:
    assert is_comparable(ANSWER)
    left_out = [reason for reason in Reason if not is_comparable(replace(ANSWER, reason=reason))]
    assert left_out == [
        Reason.CHOSEN,
        Reason.NEEDS_VARIABLE,
        Reason.COMPLETED,
        Reason.ASKED_FOR_PERSON,
        Reason.NOT_UNDERSTOOD,
        Reason.SEVERAL,
    ]


def test_the_rate_of_an_arm_without_conversations_is_none() -> None:
    assert Tally().rate is None
    assert Tally(40, 10).rate == 0.25
