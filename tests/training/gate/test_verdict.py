from __future__ import annotations

from chatbot.settings import Settings
from training.gate.verdict import Finding, Outcome, Rules, Verdict, counted, percent, points, rules_of


def test_rules_come_from_settings() -> None:
    settings = Settings(error_budget=0.05, gate_margin=0.03, gate_intent_margin=0.2, gate_latency=3, gate_size=4)
    rules = rules_of(settings, ["a", "b"])
    assert (rules.error_budget, rules.margin, rules.intent_margin) == (0.05, 0.03, 0.2)
    assert (rules.most_latency_ratio, rules.most_size_ratio) == (3, 4)
    assert rules.still_wanted == {"a", "b"}
    assert rules_of(Settings()) == Rules(), "the defaults of both are the same"


def test_the_words_of_a_verdict() -> None:
    fine, slow, large = Finding("x", True, "Fine."), Finding("time", False, "Too slow."), Finding("size", False, "Big.")
    assert Verdict(True, Outcome.PROMOTE, (fine,), "Goes live: better.").words == "Goes live: better."
    assert Verdict(True, Outcome.PROMOTE, (fine,)).words == "Goes live."
    assert Verdict(False, Outcome.KEEP, (fine, slow)).words == "Stays out: too slow."
    several = Verdict(False, Outcome.KEEP, (fine, slow, large), "Stays out:")
    assert several.words == "Stays out: too slow. 1 more reason below."
    assert several.failures == (slow, large)


def test_figures_for_people() -> None:
    assert (percent(0.948), points(-0.0123), counted(1, "one", "many")) == ("94.8 %", "1.2 points", "1 one")
    assert counted(1200, "one", "many") == "1,200 many"
