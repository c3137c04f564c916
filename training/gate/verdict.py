"""The words of the gate: by which rules it judges, and what it found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chatbot.settings import Settings


class Outcome(StrEnum):
    PROMOTE = "promote"
    KEEP = "keep"
    TOO_LITTLE = "too_little"


@dataclass(frozen=True, slots=True)
class Rules:
    """Shares are parts of 1. `docs/settings.md` tells operators of the first five.

    `level` is the chance with which each rule that asks "is this more than chance?" refuses an equally good version.
    Up to the two `unfelt` figures nobody minds, so time and size are not compared: an encoder that is kept in fp32
    instead of int8 takes 93 MB instead of 28.
    `most_contradicted` of the examples that are new may be read as something else by all others: corrections are, as
    the bot was wrong about them, but most of a week of wrong labels is.
    `still_wanted` are intents that have approved examples, so that a candidate may not lack them even where none of
    their questions was held out.
    """

    margin: float = 0.02
    intent_margin: float = 0.1
    error_budget: float = 0.03
    most_latency_ratio: float = 1.5
    most_size_ratio: float = 2.0
    least_questions: int = 30
    least_of_an_intent: int = 8
    help_margin: float = 0.1
    behaviour_margin: float = 0.05
    unfelt_milliseconds: float = 10.0
    unfelt_megabytes: float = 200.0
    most_contradicted: float = 0.35
    level: float = 0.02
    still_wanted: frozenset[str] = frozenset()


def rules_of(settings: Settings, still_wanted: Iterable[str] = ()) -> Rules:
    return Rules(
        margin=settings.gate_margin,
        intent_margin=settings.gate_intent_margin,
        error_budget=settings.error_budget,
        most_latency_ratio=settings.gate_latency,
        most_size_ratio=settings.gate_size,
        still_wanted=frozenset(still_wanted),
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says. `words` are a sentence or two with the figures, for somebody who owns a shop."""

    rule: str
    passed: bool
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`headline` is the first half of `words`: the decision and its figures."""

    passed: bool
    outcome: Outcome
    findings: tuple[Finding, ...]
    headline: str = ""

    @property
    def failures(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if not finding.passed)

    @property
    def words(self) -> str:
        """One sentence for people, or two where it stays out for more than one reason."""
        if self.passed or not self.failures:
            return self.headline or _OUTCOMES[self.outcome]
        first, *others = self.failures
        more = f" {counted(len(others), 'more reason', 'more reasons')} below." if others else ""
        return f"{self.headline or _OUTCOMES[self.outcome]} {first.words[0].lower()}{first.words[1:]}{more}"


_OUTCOMES = {
    Outcome.PROMOTE: "Goes live.",
    Outcome.KEEP: "Stays out:",
    Outcome.TOO_LITTLE: "Too little to tell:",
}


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def points(difference: float) -> str:
    return f"{100 * abs(difference):.1f} points"


def counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
