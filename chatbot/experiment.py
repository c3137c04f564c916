"""Two versions side by side: who answers which conversation, and whether one of them is really worse. Pure.

The test counts conversations that went badly: handed off, or with an answer that an agent called wrong. Arms are drawn
by chance, so where both are equally good, each bad conversation belongs to the candidate with the probability of its
share, whatever the shop's traffic does meanwhile. Against that stands a mixture of all other probabilities, weighted by
a beta distribution (Robbins 1970; for counts of this form Lindon and Malek, "Anytime-valid inference for multinomial
count data", NeurIPS 2022). The ratio of the two likelihoods is a fair bet's capital: that it ever reaches 20 has a
probability of at most 5 % (Ville's inequality), so that one may look after each conversation and stop at any time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chatbot.types import Action, Conversation, Decision, Reason

ERROR = 0.05
"""Probability of calling one of two equal arms worse, however often somebody looks."""

WEIGHT = 30.0
"""So many bad conversations the mixture weighs: least are needed where one arm is about half as bad again. Measured in
the tests: 10 % against 15 %."""

SMALL = 1.25
"""Ratio of two arms' rates from which on a difference is worth waiting for."""

_PRECISION = 60  # halvings


class Mode(StrEnum):
    SHADOW = "shadow"
    AB = "ab"


@dataclass(frozen=True, slots=True)
class Experiment:
    """`share` of the conversations that begin while it runs are the candidate's; of a shadow, none. `key` is secret:
    without it nobody can tell an arm from a conversation's id. `compared`, `dropped` and `failed` count messages of a
    shadow."""

    id: int
    candidate: str
    active: str
    mode: Mode
    share: float
    key: str
    started_at: datetime
    started_by: str
    ended_at: datetime | None = None
    ended_by: str | None = None
    why: str | None = None
    compared: int = 0
    dropped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Conversations of one arm. `bad` are those handed off or with a wrong answer, each counted once. What customers
    clicked and what was asked back is told beside it and decides nothing: a flood of votes can stop no arm."""

    conversations: int = 0
    bad: int = 0
    handed_off: int = 0
    wrong: int = 0
    asked_back: int = 0
    disliked: int = 0

    @property
    def rate(self) -> float | None:
        return self.bad / self.conversations if self.conversations else None


class Finding(StrEnum):
    RUNNING = "running"
    BETTER = "better"
    WORSE = "worse"
    ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`low` and `high` bound the ratio of the candidate's rate of bad conversations to the other's, at any time of
    looking; `evidence` is the capital of the bet against "no difference"."""

    finding: Finding
    low: float
    high: float
    evidence: float


def is_candidates(conversation: Conversation, experiment: Experiment) -> bool:
    """Whether the candidate answers this conversation; the same for all its messages and in every process. What began
    before the experiment stays where it was."""
    if experiment.mode is not Mode.AB or conversation.created_at < experiment.started_at:
        return False
    return in_arm(conversation.id, experiment)


def in_arm(conversation_id: str, experiment: Experiment) -> bool:
    digest = hashlib.blake2b(conversation_id.encode(), key=experiment.key.encode()[:64], digest_size=8).digest()
    return int.from_bytes(digest) < experiment.share * 2**64


def compare(candidate: Tally, other: Tally, *, share: float) -> Comparison:
    """What can be said now. `share` is the candidate's, between 0 and 1."""
    low, high = ratio_bounds(candidate.bad, other.bad, share)
    evidence = math.exp(min(log_evidence(candidate.bad, other.bad, share, share), 700.0))
    if evidence >= 1 / ERROR:
        more = candidate.bad > share * (candidate.bad + other.bad)
        finding = Finding.WORSE if more else Finding.BETTER
    else:
        finding = Finding.ALIKE if low >= 1 / SMALL and high <= SMALL else Finding.RUNNING
    return Comparison(finding, low, high, evidence)


def log_evidence(candidate: int, other: int, share: float, probability: float) -> float:
    """Logarithm of the bet's capital against the claim that each bad conversation is the candidate's with
    `probability`, after so many of each arm."""
    first, second = WEIGHT * share, WEIGHT * (1 - share)
    mixed = _log_beta(first + candidate, second + other) - _log_beta(first, second)
    return mixed - candidate * math.log(probability) - other * math.log1p(-probability)


def ratio_bounds(candidate: int, other: int, share: float) -> tuple[float, float]:
    """All ratios of the two rates that the bet has not been won against, at a level of 1 - ERROR for all times."""
    most = -math.log(ERROR)
    odds = share / (1 - share)

    def refuted(probability: float) -> bool:
        return log_evidence(candidate, other, share, probability) >= most

    middle = min(max(candidate / (candidate + other), 1e-9), 1 - 1e-9) if candidate + other else share
    low = _edge(refuted, 0.0, middle) if candidate else 0.0
    high = _edge(refuted, 1.0, middle) if other else 1.0
    return low / (1 - low) / odds, math.inf if high >= 1 else high / (1 - high) / odds


def _edge(refuted: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where the refuted ones end; the capital falls towards the rate that was seen."""
    for _ in range(_PRECISION):
        between = (outside + inside) / 2
        if refuted(between):
            outside = between
        else:
            inside = between
    return outside


def _log_beta(one: float, other: float) -> float:
    return math.lgamma(one) + math.lgamma(other) - math.lgamma(one + other)


_NOTHING_TO_DECIDE = frozenset(
    {Reason.CHOSEN, Reason.COMPLETED, Reason.NEEDS_VARIABLE, Reason.ASKED_FOR_PERSON, Reason.NOT_UNDERSTOOD}
)


def is_comparable(decision: Decision) -> bool:
    """Whether a model had anything to say to it: clicks, values that were asked for and wishes for a person are told by
    what was clicked, and several questions at once no agent judges."""
    return decision.reason not in _NOTHING_TO_DECIDE and decision.reason is not Reason.SEVERAL


def disagree(one: Decision, other: Decision) -> bool:
    """Whether a customer would have noticed: another kind of reply, or another answer. Two wordings are one answer."""
    if one.action is not other.action:
        return True
    return one.action is Action.ANSWER and _answer(one) != _answer(other)


def _answer(decision: Decision) -> tuple[str | None, str | None]:
    quoted = decision.passage.key if decision.passage else None
    return decision.template.answer if decision.template else quoted, decision.intent
