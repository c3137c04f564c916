"""What earlier turns mean for the next message: a value that is still to be given, a question that goes on.

Pure rules over the newest turns of a conversation; whether a message is read together with the one before is decided by
what that reading says (`chatbot.respond`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chatbot.types import Action, Past, Reason

PENDING_OVER = 2
"""A question for a value survives so many turns such as "one moment" in which nothing else was answered."""

GOES_ON_FOR = timedelta(minutes=30)

MOST_WORDS = 6
MOST_HAN = 10
"""A message of so many words or Han characters may lean on the one before."""

_OPENER = re.compile(
    r"(?:(?:ok|okay|oh|so|well|thanks|great)[ ,.!]+)?"
    r"(?:and|but|or|what about|how about|what if|even if|also|then)\b|(?:那|还有|如果|要是|万一)",
    re.IGNORECASE,
)
_PARTICLE_AT_END = re.compile(r"呢[？?。!！~]*$")
_ASKS = re.compile(r"[?？吗呢]")
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|that|this|those|these|ones?|(?<!is )(?<!are )there)\b|它|这个|那个|这些|那些|这样",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u3400-\u9fff]")

_SAYS_NOTHING_NEW = frozenset({Reason.COMPLETED, Reason.NOT_UNDERSTOOD})


@dataclass(frozen=True, slots=True)
class Pending:
    """Templates that wait for a value of the customer."""

    templates: tuple[str, ...] = ()
    variable: str | None = None


def pending(past: Sequence[Past]) -> Pending:
    """What the customer was asked for and has not given yet; `past` has the newest turn first."""
    for turn in past[: PENDING_OVER + 1]:
        if turn.asks_for:
            return Pending(turn.asked, turn.asks_for)
        if turn.action is Action.ANSWER or turn.reason is Reason.SEVERAL:
            break
    return Pending()


def question_before(past: Sequence[Past], now: datetime) -> Past | None:
    """The customer's last question that stands on its own, if it was asked just now; `past` has the newest first."""
    for turn in past:
        if now - turn.created_at > GOES_ON_FOR or turn.reason is Reason.ASKED_FOR_PERSON:
            return None
        if not turn.follows_up and turn.reason not in _SAYS_NOTHING_NEW:
            return turn
    return None


def may_lean_on_another(text: str) -> bool:
    """Whether a message is short enough, or begins so, that it may only mean something after the one before."""
    return _opens(text) or _is_short(text)


def says_that_it_goes_on(text: str) -> bool:
    """Whether its own words say so: "and …", "what about …", "…呢？", or a short "how long are they valid?"."""
    return _opens(text) or (_is_short(text) and bool(_ASKS.search(text)) and points_back(text))


def points_back(text: str) -> bool:
    """Whether it speaks of something named before: "how long does it take?"."""
    return bool(_POINTS_BACK.search(text))


def _opens(text: str) -> bool:
    return bool(_OPENER.match(text.strip())) or bool(_PARTICLE_AT_END.search(text[-20:].rstrip()))


def _is_short(text: str) -> bool:
    if len(text) > 200:
        return False
    han = len(_HAN.findall(text))
    return han <= MOST_HAN if han else len(text.split()) <= MOST_WORDS
