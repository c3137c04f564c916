from __future__ import annotations

from dataclasses import replace

import numpy as np

from chatbot.decide import Policy
from chatbot.store.knowledge import Snapshot
from chatbot.types import Example
from tests.training.gate.judging import RULES, questions, report
from training.calibrate import Automation
from training.candidate import Candidate, Measured
from training.cleaning import Cleaned
from training.evaluate import Evaluation
from training.examination import Examination
from training.examples import TrainingSet
from training.gate import judge
from training.report import evaluation_lines, training_lines, verdict_lines
from training.runs import Data, Trained
from training.splitting import Split
from training.witness import HeldOut

RESULT = Evaluation(
    n=1250,
    n_in_scope=1000,
    n_out_of_scope=250,
    intent_accuracy=0.9312,
    macro_f1=0.92,
    answered=0.8,
    answered_right=0.79,
    clarified=0.15,
    clarified_right=0.12,
    handed_off=0.05,
    wrong_of_answered=0.0125,
    oos_answered=0.04,
    oos_auroc=0.9512,
    ece=0.0123,
    p50_ms=4.23,
    p99_ms=12.9,
)


def test_an_evaluation_in_lines() -> None:
    lines = evaluation_lines(RESULT, [("refund", "return", 12)], ["gift_cards", "jobs"])
    assert lines[0] == "1,250 questions: 1,000 in scope, 250 out of scope"
    for line in (
        "intent accuracy        93.12%",
        "answered               80.00%   right 79.00%",
        "wrong of answered       1.25%",
        "out of scope AUROC      0.951",
        "calibration error       0.012",
        "time for one message    4.2 ms median, 12.9 ms at the 99th percentile",
        "2 intents have no approved template yet: gift_cards, jobs",
        "      12  refund read as return",
    ):
        assert line in lines
    plain = evaluation_lines(replace(RESULT, oos_auroc=None), [], [])
    assert "out of scope AUROC          -" in plain
    assert not any("confused" in line or "template" in line for line in plain)


def run(measured: Measured, policy: Policy) -> Trained:
    none, no = np.empty(0), np.empty(0, dtype=bool)
    held_out = HeldOut(np.empty((0, 2)), none, no, none, no, none, none, no, ())
    rows = np.empty(0, dtype=np.int64)
    candidate = Candidate(policy, held_out, rows, measured, "Nothing is quoted.", {}, ())
    asked = report(questions(40))
    examples = (Example("text", "a"),)
    training_set = TrainingSet(examples, ("a",), rows)
    data = Data(Snapshot(1), Split(examples, (), (), {}), Cleaned(examples, 0, ()), training_set, "hash", ())
    return Trained("v1", True, judge(asked, None, RULES), candidate, Examination(asked, None), data)


def test_a_training_run_in_lines() -> None:
    metrics = {
        "examples": 3120,
        "intents": 27,
        "accuracy": 0.953,
        "macro_f1": 0.949,
        "ece": 0.011,
        "answered": 0.9,
        "wrong_of_answered": 0.0123,
        "strangers": 1040,
        "unknown_auroc": 0.9137,
        "answered_without_encoder": 0.618,
    }
    policy = Policy(0.8, 0.2, 0.3, 0.03, promise="At most 3 % are wrong.")
    budgets = [Automation(0.01, False, 0.41, 0.0), Automation(0.03, True, 0.874, 0.0215)]
    trained = run(Measured(metrics, [("a", "b", 3)], budgets), policy)
    lines = training_lines(trained)
    text = "\n".join(lines)
    for part in (
        "3,120 of 27 intents",
        "accuracy 95.3%",
        "answered 90.0%, of which wrong 1.23%",
        "1,040 questions of left-out intents with an AUROC of 0.914; 62% answered without the encoder",
        "  At most 3 % are wrong.",
        "  Nothing is quoted.",
        "   3  a read as b",
    ):
        assert part in text
    table = lines[lines.index("  at most wrong    answered by itself    wrong of these") + 1 :][:2]
    assert [line.split() for line in table] == [
        ["1%", "41.0%", "0.00%", "too", "little", "data", "to", "promise", "it"],
        ["3%", "87.4%", "2.15%"],
    ]
    few = run(Measured(metrics | {"unknown_auroc": None, "strangers": 0}, [], budgets), policy)
    assert "  (too few intents to rehearse questions that no intent covers)" in training_lines(few)


def test_a_verdict_in_lines() -> None:
    live = report(questions(400, wrong=[3, 4]), version="v1")
    worse = report(questions(400, wrong=range(40)))
    lines = verdict_lines(judge(worse, live, RULES), worse, live)
    assert lines[0].startswith("Stays out: 90.0 % right instead of 99.5 % on 400 questions")
    for line in (
        "                            before       now",
        "intent accuracy             99.50%    90.00%",
        "out of scope AUROC               -         -",
        "time for one message        4.0 ms    4.0 ms",
        "  ok    same questions: Both versions were asked the same 400 questions.",
    ):
        assert line in lines
    assert lines[lines.index("") + 1 :][10].startswith("  FAIL  questions read right: 90.0 % right instead of 99.5 %")
    first = verdict_lines(judge(live, None, RULES), live, None)
    assert first[0] == "Goes live as the first version: 99.5 % right on 400 questions that it had not seen."
    assert "intent accuracy             99.50%" in first
