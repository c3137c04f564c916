"""What customers have of a version, rule by rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbot.types import OUT_OF_SCOPE, Action, Reason
from tests.training.gate.judging import RULES, asked, questions, report
from training.evaluate import Behaviour, Prediction, Report
from training.gate.comparing import compared
from training.gate.conduct import findings_of_conduct
from training.gate.verdict import Finding

LIVE = report(questions(1000, wrong=range(0, 60)), version="v1")


def findings(candidate: Report, active: Report) -> list[Finding]:
    return findings_of_conduct(compared(candidate, active), candidate, active, RULES)


def found(candidate: Report, active: Report, rule: str) -> Finding:
    return next(finding for finding in findings(candidate, active) if finding.rule == rule)


def test_new_wrong_answers_are_counted_pair_by_pair() -> None:
    more = report(questions(1000, wrong=range(0, 60), answered_wrong=True))
    finding = found(more, LIVE, "wrong answers")
    assert not finding.passed
    assert finding.words == "60 wrong answers instead of 0: 60 new, 0 gone. That is more than chance explains."
    assert found(LIVE, more, "wrong answers").words == "0 wrong answers instead of 60: 0 new, 60 gone."


def test_the_error_budget_holds_unless_the_live_version_breaks_it_worse() -> None:
    above = report(questions(1000, wrong=range(0, 60), answered_wrong=True))
    finding = found(above, LIVE, "error budget")
    assert (finding.passed, finding.words) == (
        False,
        "60 of 1,000 answers are wrong (6.0 %; allowed: 3.0 %). That is more than chance explains.",
    )
    worse = report(questions(1000, wrong=range(0, 90), answered_wrong=True), version="v1")
    assert found(above, worse, "error budget").words.endswith("Too many, but the active version has 9.0 %.")
    assert found(above, worse, "error budget").passed
    just = report(questions(1000, wrong=range(0, 38), answered_wrong=True))
    assert found(just, LIVE, "error budget").passed


def test_strangers_are_not_answered_more() -> None:
    strangers = [asked(f"stranger {number}", OUT_OF_SCOPE, None) for number in range(50)]
    live = report([*questions(100), *strangers])
    answered = [asked(one.text, OUT_OF_SCOPE, "intent_01") for one in strangers[:8]]
    chatty = report([*questions(100), *answered, *strangers[8:]])
    finding = found(chatty, live, "out of scope")
    assert not finding.passed
    assert finding.words.startswith("It answers 8 of 50 questions that no intent covers, before 0.")
    assert found(live, chatty, "out of scope").passed
    assert found(LIVE, LIVE, "out of scope").words == "No question that it should not answer was held out."


def test_a_version_that_hands_everything_over_is_no_use() -> None:
    def handed(entry: Prediction) -> Prediction:
        return replace(entry, action=Action.HANDOFF, reason=Reason.UNSURE, right=False)

    shy = report([handed(entry) for entry in LIVE.predictions])
    finding = found(shy, LIVE, "help")
    assert not finding.passed
    assert "0.0 % of the questions end with the right answer or the right choice, before 94.0 %" in finding.words
    slightly = [*(handed(entry) for entry in LIVE.predictions[:50]), *LIVE.predictions[50:]]
    assert found(report(slightly), LIVE, "help").passed


@pytest.mark.parametrize(
    ("kind", "then", "now", "passed"),
    [
        ("minimum", (20, 20), (20, 20), True),
        ("minimum", (20, 20), (20, 19), False),
        ("minimum", (20, 18), (20, 17), True),
        ("minimum", (20, 18), (20, 5), False),
        ("invariance", (100, 97), (100, 92), True),
        ("invariance", (100, 97), (100, 85), False),
        ("invariance", (10, 10), (10, 9), True),
        ("directional", (40, 40), (40, 30), False),
    ],
)
def test_behaviours(kind: str, then: tuple[int, int], now: tuple[int, int], passed: bool) -> None:
    before = replace(LIVE, behaviours=(Behaviour("capitals", kind, *then),))
    after = replace(LIVE, behaviours=(Behaviour("capitals", kind, *now, (("WHERE", "read as b"),)),))
    finding = found(after, before, "behaviours" if passed else "behaviour")
    assert finding.passed is passed
    if passed:
        assert finding.words == "1 behaviour is as before or better."
    else:
        # Which ones are quoted by the page alone: these words go to logs.
        assert finding.words == f"Capitals: {now[1]} of {now[0]} as it should be, before {then[1]} of {then[0]}."


def test_behaviours_that_only_one_version_was_asked_for_are_not_compared() -> None:
    after = replace(LIVE, behaviours=(Behaviour("new one", "minimum", 3, 0),))
    assert not any("behaviour" in finding.rule for finding in findings(after, LIVE))


@pytest.mark.parametrize(("before", "after", "passed"), [(4, 9, True), (10, 15, True), (10, 16, False), (0.2, 8, True)])
def test_time(before: float, after: float, passed: bool) -> None:
    then, now = (replace(LIVE, summary=replace(LIVE.summary, p50_ms=each)) for each in (before, after))
    assert found(now, then, "time").passed is passed


@pytest.mark.parametrize(("size", "passed"), [(100, True), (200, True), (201, False)])
def test_size(size: int, passed: bool) -> None:
    finding = found(replace(LIVE, size_bytes=size * 1_000_000), LIVE, "size")
    assert finding.passed is passed
    assert f"{size} MB large, before 100 MB" in finding.words
