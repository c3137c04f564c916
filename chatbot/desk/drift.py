"""Whether customers ask for something else than they did: the last seven days beside the weeks before. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chatbot.store.incoming import Incoming
from chatbot.text import text_key
from chatbot.types import OUT_OF_SCOPE, Action

WEEK = timedelta(days=7)

CHANCE = 0.05
"""That any of what is called rising rose by chance alone, all of it together (Holm 1979)."""

CLEARLY = 0.01
LEAST_QUESTIONS = 5
LEAST_BELIEVED = 30
MOST_SAMPLES = 5
MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from `since` on. Shares from 0 to 1; None where nothing was asked."""

    since: datetime
    questions: int
    answered: float | None
    handed_off: float | None
    certainty: float | None


@dataclass(frozen=True, slots=True)
class Rising:
    """An intent that is asked for more often than its share before lets expect. `times` compares the two shares, None
    where it was never asked for before; `p` is the probability of so many by chance."""

    intent: str
    now: int
    before: int
    times: float | None
    p: float
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A heap of questions of the week that are like each other and like no example."""

    now: int
    before: int
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """`weeks` are the oldest first. `far` and `far_before` are shares of the distinct questions that were compared.
    `answers_less` and `less_sure`: clearly so, beside the weeks before."""

    weeks: tuple[Week, ...]
    rising: tuple[Rising, ...]
    topics: tuple[Topic, ...]
    far: float | None
    far_before: float | None
    far_samples: tuple[str, ...]
    answers_less: bool
    less_sure: bool


def weekly(asked: Iterable[Incoming], *, weeks: int, now: datetime) -> tuple[Week, ...]:
    """What is dated after `now`, because the clock was put back since, is of the newest week."""
    groups: dict[int, list[Incoming]] = defaultdict(list)
    for one in asked:
        groups[max(0, min(int((now - one.at) / WEEK), weeks - 1))].append(one)
    return tuple(_week(groups[back], now - (back + 1) * WEEK) for back in reversed(range(weeks)))


def _week(asked: Sequence[Incoming], since: datetime) -> Week:
    if not asked:
        return Week(since, 0, None, None, None)
    believed = _believed(asked)
    return Week(
        since=since,
        questions=len(asked),
        answered=_share(asked, Action.ANSWER),
        handed_off=_share(asked, Action.HANDOFF),
        certainty=math.fsum(believed) / len(believed) if believed else None,
    )


def rising(recent: Sequence[Incoming], earlier: Sequence[Incoming]) -> tuple[Rising, ...]:
    """The least likely by chance first. Of a shop's first week nothing can be said."""
    if not recent or not earlier:
        return ()
    share = exposure(len(recent), len(earlier))
    now, before = (
        Counter(one.intent for one in group if one.intent not in (None, OUT_OF_SCOPE)) for group in (recent, earlier)
    )
    chances = {
        intent: at_least(count, count + before[intent], share) for intent, count in now.items() if intent is not None
    }
    clear = {intent for intent in holm(chances) if now[intent] >= LEAST_QUESTIONS}
    found = [
        Rising(
            intent=intent,
            now=now[intent],
            before=before[intent],
            times=(now[intent] / len(recent)) / (before[intent] / len(earlier)) if before[intent] else None,
            p=chances[intent],
            samples=samples_of([one for one in recent if one.intent == intent]),
        )
        for intent in clear
    ]
    return tuple(sorted(found, key=lambda one: (one.p, one.intent))[:MOST_ROWS])


def exposure(recent: int, earlier: int) -> float:
    """The week's share of all that was asked: what is as frequent as ever falls into it with this probability."""
    return recent / (recent + earlier) if recent + earlier else 0.0


def at_least(count: int, total: int, share: float) -> float:
    """P(X >= count) for a binomial X: the exact test of two Poisson rates, given their sum."""
    from scipy.special import betainc  # half a second to import

    if count <= 0 or share >= 1:
        return 1.0
    return float(betainc(count, total - count + 1, share))


def holm(chances: Mapping[str, float]) -> set[str]:
    """Those that stay below CHANCE when all of them are looked at together."""
    clear: set[str] = set()
    for place, name in enumerate(sorted(chances, key=lambda name: (chances[name], name))):
        if chances[name] * (len(chances) - place) > CHANCE:
            break
        clear.add(name)
    return clear


def answers_less(recent: Sequence[Incoming], earlier: Sequence[Incoming]) -> bool:
    """Whether clearly more questions stay without an answer than before."""
    if not recent or not earlier:
        return False
    now, before = (sum(one.action is not Action.ANSWER for one in group) for group in (recent, earlier))
    return at_least(now, now + before, exposure(len(recent), len(earlier))) < CLEARLY


def less_sure(recent: Sequence[Incoming], earlier: Sequence[Incoming]) -> bool:
    """Whether the mean probability fell by more than chance explains (Welch's test at 1 %)."""
    now, before = _believed(recent), _believed(earlier)
    if min(len(now), len(before)) < LEAST_BELIEVED:
        return False
    (mean, error), (mean_before, error_before) = _mean(now), _mean(before)
    return mean_before - mean > 2.33 * math.hypot(error, error_before) > 0


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """With its standard error."""
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def _believed(asked: Iterable[Incoming]) -> list[float]:
    return [one.probability for one in asked if one.probability is not None]


def _share(asked: Sequence[Incoming], action: Action) -> float:
    return sum(one.action is action for one in asked) / len(asked)


def samples_of(asked: Iterable[Incoming]) -> tuple[str, ...]:
    """Distinct ones, the most frequent first."""
    counts: Counter[str] = Counter()
    words: dict[str, str] = {}
    for one in asked:
        key = text_key(one.text)
        counts[key] += 1
        words.setdefault(key, one.text)
    order = sorted(counts, key=lambda key: (-counts[key], lot(key)))
    return tuple(words[key] for key in order[:MOST_SAMPLES])


def lot(key: str) -> str:
    """The same draw each time, and none that the order of the alphabet decides."""
    return hashlib.sha256(key.encode()).hexdigest()
