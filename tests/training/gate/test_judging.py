"""What goes live and what stays out, by reports whose right verdict is known by hand."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from chatbot.types import OUT_OF_SCOPE
from tests.training.gate.judging import INTENTS, RULES, asked, questions, read_as, report
from training.evaluate import Evaluation, Fresh, Report
from training.gate import Outcome, Verdict, judge

LIVE = report(questions(1000, wrong=range(0, 60)), version="v1")


def failed(verdict: Verdict) -> list[str]:
    return [finding.rule for finding in verdict.failures]


def test_a_small_gain_goes_live_in_one_sentence() -> None:
    better = report(questions(1000, wrong=[*range(7, 60), *range(900, 905)]))
    verdict = judge(better, LIVE, RULES)
    assert (verdict.passed, verdict.outcome) == (True, Outcome.PROMOTE)
    assert verdict.words == (
        "Goes live: 94.2 % right instead of 94.0 % on 1,000 questions that neither had seen; 7 mended, 5 broken."
    )
    assert [finding.rule for finding in verdict.findings] == [
        "numbers",
        "better than guessing",
        "same questions",
        "intents kept",
        "must-pass questions",
        "new labels",
        "held-out questions",
        "questions read right",
        "each intent",
        "wrong answers",
        "error budget",
        "out of scope",
        "help",
        "time",
        "size",
    ]


def test_a_tie_goes_live_for_it_knows_what_is_new() -> None:
    assert judge(LIVE, LIVE, RULES).outcome is Outcome.PROMOTE


def test_a_clear_fall_stays_out() -> None:
    worse = report(questions(1000, wrong=range(0, 110)))
    verdict = judge(worse, LIVE, RULES)
    assert (verdict.passed, verdict.outcome) == (False, Outcome.KEEP)
    assert verdict.words.startswith(
        "Stays out: 89.0 % right instead of 94.0 % on 1,000 questions: 0 mended, 50 broken. It may be up to 6."
    )


def test_a_fall_within_the_margin_stays_out_where_many_questions_show_it() -> None:
    live = report(questions(20_000), version="v1")
    worse = report(questions(20_000, wrong=range(0, 40)))
    verdict = judge(worse, live, RULES)
    assert failed(verdict) == ["questions read right"]
    assert "worse by more than chance explains" in verdict.words


def test_mixed_up_labels_stay_out_also_as_the_first_version() -> None:
    dice = random.Random(0)
    mixed = report([read_as(entry, dice.choice(INTENTS)) for entry in questions(1000)])
    for active in (LIVE, None):
        verdict = judge(mixed, active, RULES)
        assert failed(verdict) == ["better than guessing"]
        assert "no better than if its labels had been mixed up" in verdict.words


def test_one_week_of_permuted_labels_among_good_ones_stays_out() -> None:
    dice = random.Random(0)
    poisoned = report(
        [read_as(entry, dice.choice(INTENTS)) if dice.random() < 0.1 else entry for entry in LIVE.predictions]
    )
    assert "questions read right" in failed(judge(poisoned, LIVE, RULES))


def test_one_intent_for_everything_stays_out() -> None:
    asked_most = [asked(f"again {number}", INTENTS[0], INTENTS[0]) for number in range(400)]
    collapsed = report([*asked_most, *(read_as(entry, INTENTS[0]) for entry in questions(600))])
    verdict = judge(collapsed, None, RULES)
    assert failed(verdict) == ["better than guessing"]
    assert "drawing lots" in verdict.words or "it has collapsed" in verdict.words


@pytest.mark.parametrize(
    ("named", "summary"),
    [
        ("ece", replace(LIVE.summary, ece=float("nan"))),
        ("p50 ms", replace(LIVE.summary, p50_ms=float("inf"))),
        ("intent accuracy", replace(LIVE.summary, intent_accuracy=float("nan"))),
    ],
)
def test_a_figure_that_is_no_number_stays_out(named: str, summary: Evaluation) -> None:
    verdict = judge(replace(LIVE, summary=summary), LIVE, RULES)
    assert failed(verdict) == ["numbers"]
    assert named in verdict.words


@pytest.mark.parametrize("probability", [float("nan"), float("inf"), -0.1, 1.5])
def test_a_probability_that_is_none_stays_out(probability: float) -> None:
    first, *others = LIVE.predictions
    sick = replace(LIVE, predictions=(replace(first, probability=probability), *others))
    assert "probability of 1 question" in judge(sick, LIVE, RULES).words


def test_other_questions_cannot_be_compared() -> None:
    fewer = judge(report(questions(999)), LIVE, RULES)
    assert failed(fewer) == ["same questions"]
    assert "(999 and 1,000)" in fewer.words
    first, *others = questions(1000)
    other = judge(report([replace(first, text="another"), *others]), LIVE, RULES)
    assert "number 1 differs" in other.words
    assert "another" not in other.words  # what customers wrote stands in no verdict


def test_a_shrunken_label_set_stays_out_while_anybody_asks() -> None:
    shrunken = report(questions(1000), intents=INTENTS[1:])
    verdict = judge(shrunken, LIVE, RULES)
    assert failed(verdict) == ["intents kept"]
    assert '"intent_00"' in verdict.words
    assert "50 held-out questions" in verdict.words


def test_an_intent_that_was_retired_may_go_unless_its_examples_are_still_approved() -> None:
    live = replace(LIVE, intents=(*INTENTS, "retired"))
    assert judge(LIVE, live, RULES).passed
    verdict = judge(LIVE, live, replace(RULES, still_wanted=frozenset({"retired"})))
    assert failed(verdict) == ["intents kept"]


def test_too_few_questions_say_nothing() -> None:
    few = report(questions(29, wrong=[3]))
    verdict = judge(few, few, RULES)
    assert (verdict.passed, verdict.outcome) == (False, Outcome.TOO_LITTLE)
    assert verdict.words == (
        "Too little to tell: 29 held-out questions about intents that both versions know; to compare them takes 30."
    )


def test_a_small_holdout_allows_a_loss_within_the_margin() -> None:
    """What is live has had luck with these very questions: to allow nothing would end all retraining."""
    live = report(questions(100, wrong=[1, 2]), version="v1")
    same = judge(live, live, RULES)
    assert same.passed
    assert "(not proven)" in {finding.rule: finding.words for finding in same.findings}["questions read right"]
    assert judge(report(questions(100, wrong=[1, 2, 3])), live, RULES).passed
    assert failed(judge(report(questions(100, wrong=[1, 2, 3, 4])), live, RULES))[0] == "questions read right"


def test_few_questions_can_still_show_that_a_version_is_worse() -> None:
    few = questions(20, wrong=[])
    live = report(few)
    broken = report(
        [read_as(entry, INTENTS[(INTENTS.index(entry.intent) + 1) % len(INTENTS)]) for entry in few[:7]] + list(few[7:])
    )
    verdict = judge(broken, live, RULES)
    assert verdict.outcome is Outcome.KEEP
    assert "questions read right" in failed(verdict)


def test_a_week_of_wrong_labels_shows_in_what_the_others_say_of_them() -> None:
    """However little it moves the figures."""
    assert judge(
        replace(LIVE, fresh=(Fresh("a", 100, 30),)), LIVE, RULES
    ).passed  # corrections: the bot was wrong about these
    verdict = judge(replace(LIVE, fresh=(Fresh("b", 100, 80), Fresh("c", 900, 0))), LIVE, RULES)
    assert failed(verdict) == ["new labels"]
    assert "of 100 new examples (b) the others contradict 80" in verdict.words
    assert judge(replace(LIVE, fresh=(Fresh("a", 3, 2),)), LIVE, RULES).passed  # so few may be chance
    assert judge(replace(LIVE, fresh=()), LIVE, RULES).passed


def test_the_first_version_needs_sense_and_its_must_pass_questions() -> None:
    first = report(questions(200, wrong=range(0, 60), answered_wrong=True))
    verdict = judge(first, None, RULES)
    assert verdict.passed
    assert verdict.words == "Goes live as the first version: 70.0 % right on 200 questions that it had not seen."
    assert judge(report([]), None, RULES).words == (
        "Goes live as the first version; too few examples to hold questions out."
    )
    stubborn = replace(first, must_pass=(asked("I want a person", "person", "refund"),))
    assert failed(judge(stubborn, None, RULES)) == ["must-pass questions"]


def test_must_pass_questions_are_named() -> None:
    fine = asked("cancel it", "cancel", "cancel")
    unsure = replace(read_as(fine, "cancel"), choices=("cancel", "refund"), right=True)
    stranger = asked("who will win the election", OUT_OF_SCOPE, OUT_OF_SCOPE)
    assert judge(replace(LIVE, must_pass=(fine, stranger)), LIVE, RULES).passed
    chatty = asked("write me a poem", OUT_OF_SCOPE, "gift_cards")
    verdict = judge(replace(LIVE, must_pass=(fine, unsure, stranger, chatty)), LIVE, RULES)
    assert verdict.words == (
        "Stays out: 2 of 4 must-pass questions fail: wanted cancel, not sure enough; "
        "answered with gift_cards, out of scope."
    )


def test_new_intents_neither_hide_a_fall_nor_are_blocked() -> None:
    new = [asked(f"about the new one {number}", "new_one", "new_one") for number in range(300)]
    unknown = [read_as(entry, INTENTS[0]) for entry in new]
    live = report([*questions(1000), *unknown], version="v1")
    with_new = (*INTENTS, "new_one")
    gained = judge(report([*questions(1000), *new], intents=with_new), live, RULES)
    assert gained.passed
    assert "100.0 % right instead of 100.0 % on 1,000 questions" in gained.words
    assert any("1 new intent (new_one): 300 of 300" in finding.words for finding in gained.findings)
    hidden = judge(report([*questions(1000, wrong=range(0, 80)), *new], intents=with_new), live, RULES)
    assert failed(hidden)[0] == "questions read right"
    hopeless = judge(report([*questions(1000), *unknown], intents=with_new), live, RULES)
    assert hopeless.passed


def test_several_reasons_are_counted() -> None:
    worse = report(questions(1000, wrong=range(0, 200), answered_wrong=True))
    verdict = judge(worse, LIVE, RULES)
    assert failed(verdict) == ["questions read right", "wrong answers", "error budget", "help"]
    assert verdict.words.endswith("3 more reasons below.")


def test_no_finding_is_swallowed_by_a_broken_active_report() -> None:
    sick = replace(LIVE, summary=replace(LIVE.summary, p50_ms=float("nan")))
    assert judge(LIVE, sick, RULES).passed


def simulated(dice: np.random.Generator, fall: float, differing: float) -> Report:
    """A candidate that is worse than LIVE by `fall` points of the questions, where a share `differing` differs."""
    broken, mended = (differing + fall) / 2 / 0.94, (differing - fall) / 2 / 0.06
    found = []
    for entry in LIVE.predictions:
        right = entry.predicted == entry.intent
        flips = dice.random() < (broken if right else mended)
        found.append(read_as(entry, "elsewhere" if right else entry.intent) if flips else entry)
    return report(found)


def test_worse_ones_pass_seldom_and_equal_ones_often() -> None:
    dice = np.random.default_rng(0)
    worse = [judge(simulated(dice, 0.02, 0.03), LIVE, RULES).passed for _ in range(40)]
    equal = [judge(simulated(dice, 0.0, 0.03), LIVE, RULES).passed for _ in range(40)]
    assert sum(worse) <= 4
    assert sum(equal) >= 36
