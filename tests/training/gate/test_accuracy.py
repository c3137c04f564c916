"""How questions are read, all together and intent by intent, by the words; the verdicts are in test_gate.py."""

from __future__ import annotations

from tests.training.gate.judging import INTENTS, RULES, asked, questions, read_as, report
from training.evaluate import Earlier, Report
from training.gate.accuracy import findings_of_accuracy, findings_of_the_long_run
from training.gate.comparing import compared
from training.gate.verdict import Finding

LIVE = report(questions(1000, wrong=range(0, 60)), version="v1")


def found(candidate: Report, active: Report, rule: str) -> Finding:
    findings = findings_of_accuracy(compared(candidate, active), RULES)
    return next(finding for finding in findings if finding.rule == rule)


def test_a_single_intent_that_falls_is_named_with_its_figures() -> None:
    of_one = [number for number in range(1000) if number % 20 == 5]
    fallen = report(questions(1000, wrong=[*range(0, 60), *of_one[10:22]]))
    finding = found(fallen, LIVE, "each intent")
    assert not finding.passed
    assert finding.words == ("Read worse by more than chance explains: intent_05 (right 35 of 50, before 47).")
    slight = found(report(questions(1000, wrong=[*range(0, 60), *of_one[10:14]])), LIVE, "each intent")
    assert slight.words == (
        "No intent fell by more than 10.0 points beyond what chance explains (20 groups of at least 8 questions)."
    )


def test_a_fall_that_chance_may_explain_is_told_and_no_more() -> None:
    live = report(questions(200), version="v1")
    finding = found(report(questions(200, wrong=[5, 25])), live, "each intent")
    assert finding.passed
    assert finding.words.endswith("Worth a look: intent_05 (right 8 of 10, before 10).")


def test_intents_with_few_questions_are_judged_together() -> None:
    rare = [asked(f"rare {number}", f"rare_{number % 6}", f"rare_{number % 6}") for number in range(18)]
    names = (*INTENTS, *(f"rare_{number}" for number in range(6)))
    live = report([*questions(1000), *rare], intents=names)
    gone = report([*questions(1000), *(read_as(entry, "intent_00") for entry in rare[:9]), *rare[9:]], intents=names)
    finding = found(gone, live, "each intent")
    assert not finding.passed
    assert "those with fewer than 8 questions together (right 9 of 18, before 18)" in finding.words


def long_run(mended: int, broken: int, count: int = 1000) -> Finding:
    before = [True] * (count - mended) + [False] * mended
    after = [False] * broken + [True] * (count - broken)
    (finding,) = findings_of_the_long_run(Earlier("v1", tuple(before), tuple(after)), RULES)
    return finding


def test_small_losses_that_have_added_up_are_one_loss() -> None:
    assert list(findings_of_the_long_run(None, RULES)) == []
    assert long_run(5, 8).words == (
        "99.2 % right instead of 99.5 % on 1,000 questions that v1, which served before, was asked too: "
        "5 mended, 8 broken."
    )
    assert long_run(30, 39).passed  # within chance
    assert not long_run(2, 18).passed  # 1.6 points, and surely
    assert long_run(40, 56).passed  # 1.6 points that chance explains
    assert not long_run(40, 61).passed  # 2.1 points are beyond the margin in any case
    assert long_run(40, 61).words.endswith("Small losses have added up.")
