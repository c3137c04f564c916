"""What is worth an agent's time, and how much. Pure: no clock, no store, no model."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from chatbot.decide import Policy
from chatbot.types import Action, Asked, Reason, Source, Verdict

HALF_LIFE = timedelta(days=7)
"""After which a question that nobody asked again counts half."""

BURST = timedelta(minutes=10)
"""Whatever is asked within one such stretch counts once: a flood of likes or of copies moves nothing."""

LEAST = 0.02
"""Uncertainty of what the bot is sure of: something has to break ties."""

FRONT = 32.0
"""How much more a question is worth on whose reply two versions of the model disagree: as if it were five half-lives
newer. A decision about it tells which of them is right."""

SUSPECTED = {Source.SHADOW: 0.5, Source.THUMBS_DOWN: 0.6, Source.DISAGREEMENT: 0.4, Source.AUDIT: 0.5}
"""The probability that a reply was wrong, at least, when this speaks against it, whatever the bot itself believes."""

LIKE = 0.7
"""Cosine from which two questions are like each other: what the bot learns of one helps it with the other."""

ALONE = 0.3
"""What it is worth that one customer has asked this and nobody the like; with two who did it is 1 more. Most of what no
other question is like is nonsense."""

MOST_COMPLAINTS = 3
"""Thumbs down of one conversation that raise anything: who dislikes everything says little about each."""

_NOT_FOR_AGENTS = frozenset(
    {Reason.CHOSEN, Reason.COMPLETED, Reason.NEEDS_VARIABLE, Reason.ASKED_FOR_PERSON, Reason.NOT_UNDERSTOOD}
)
"""Replies that are as they should be: to a click, a value that was asked for, a wish for a person, to no words."""


def sources_of(asked: Asked, *, doubtful_below: float, audit_share: float) -> tuple[Source, ...]:
    """Why a turn is for an agent, the strongest reason first; empty: it is not.

    `doubtful_below` is the probability below which an answer counts as a doubtful one.
    """
    found = [Source.SHADOW] if asked.shadowed else []
    if asked.verdict is Verdict.DOWN:
        found.append(Source.THUMBS_DOWN)
    if asked.reason not in _NOT_FOR_AGENTS and not asked.parts:
        if asked.action is Action.CLARIFY:
            found.append(Source.CLARIFIED)
        elif asked.action is Action.HANDOFF:
            found.append(Source.HANDED_OFF)
        else:
            found += _doubts(asked, doubtful_below)
    if not found and asked.action is Action.ANSWER and is_drawn(asked.turn_id, audit_share, "audit"):
        found.append(Source.AUDIT)
    return tuple(found)


def _doubts(asked: Asked, doubtful_below: float) -> list[Source]:
    found = []
    if len({intent for intent in asked.channel_intents if intent}) > 1:
        found.append(Source.DISAGREEMENT)
    if asked.probability < doubtful_below and asked.reason is not Reason.DOCUMENT:
        found.append(Source.LOW_PROBABILITY)
    return found


def doubtful_below(policy: Policy, language: str) -> float:
    """Half-way between the threshold of answering and certainty."""
    return (1 + policy.threshold(language)) / 2


def is_drawn(key: str, share: float, purpose: str) -> bool:
    """Whether this one is among the random `share`: the same each time, and nothing a customer could aim at."""
    digest = hashlib.sha256(f"{purpose}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def uncertainty(asked: Asked, sources: Iterable[Source]) -> float:
    """How likely it is that the bot could not have answered this rightly."""
    if asked.reason is Reason.NO_TEMPLATE:
        return 1.0  # however well it was understood
    heard = [source for source in sources if source is not Source.THUMBS_DOWN or asked.complaints <= MOST_COMPLAINTS]
    suspected = max((SUSPECTED.get(source, 0.0) for source in heard), default=0.0)
    return max(1 - asked.probability, suspected, LEAST)


def bursts(times: Iterable[datetime]) -> int:
    """In how many stretches of time something was asked."""
    return len({int(time.timestamp() // BURST.total_seconds()) for time in times})


def rank(
    *,
    bursts: int,
    uncertainty: float,
    down: bool,
    last_at: datetime,
    similar: int = 0,
    settled: int = 0,
    shadowed: bool = False,
) -> float:
    """The logarithm of what deciding it is worth: how many ask it or the like, how many of these are settled already,
    how unsure the bot is, whether a customer has complained, and how recently. Time goes in as an addend, so that an
    order that was stored stays right as it passes.

    `similar` counts open questions like it, `settled` those that an agent has decided. Without them the most unsure
    went first, and that is nonsense which nobody asks again, or one region after the other: benchmarks/review_order.py.
    """
    asked = ALONE + math.log2(max(bursts, 1) + similar)
    value = asked / (1 + settled) * uncertainty * (2 if down else 1) * (FRONT if shadowed else 1)
    return math.log(value) + last_at.timestamp() * math.log(2) / HALF_LIFE.total_seconds()
