"""What a report tells: everything of one run, put together by who ran it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from training.calibrate import Automation
from training.evaluate import Report
from training.gate.verdict import Verdict
from training.tune.plan import Point
from training.witness import HeldOut

LIVE_BY_HAND = "It is live all the same: a person asked for it."
WAITS = "It is not live yet: a person has to promote it."


@dataclass(frozen=True, slots=True)
class DataSummary:
    """`conflicts` and `suspicions` are (text, what is the matter); `repeated` said what another example said."""

    examples: int
    new_since: int = 0
    by_intent_new: Mapping[str, int] = field(default_factory=dict)
    conflicts: Sequence[tuple[str, str]] = ()
    suspicions: Sequence[tuple[str, str]] = ()
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """`held_out` is of the candidate's own training, `curve` of its encoder's (empty where that stayed as it was).

    `label_next` are (text, why); `inherited` and `overridden` say what came from the live version and what this run
    changed, by the name of the setting. `promoted` says what became of it, where that is not what the verdict says.
    """

    verdict: Verdict
    candidate: Report
    active: Report | None
    data: DataSummary
    made_at: datetime
    held_out: HeldOut | None = None
    automation: Sequence[Automation] = ()
    error_budget: float = 0.03
    curve: Sequence[Point] = ()
    label_next: Sequence[tuple[str, str]] = ()
    inherited: Mapping[str, str] = field(default_factory=dict)
    overridden: Mapping[str, str] = field(default_factory=dict)
    promoted: bool | None = None

    @property
    def aside(self) -> str:
        """What became of it against the verdict, or without it; mostly nothing."""
        if self.promoted is None or self.promoted is self.verdict.passed:
            return ""
        return LIVE_BY_HAND if self.promoted else WAITS
