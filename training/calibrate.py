"""Thresholds from an error budget: nobody guesses 0.7.

`answer_at` is the lowest threshold for which, with 95 % confidence, at most `error_budget` of the answered messages are
wrong on held-out data. Method: fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021) from a strict
threshold downwards with exact binomial bounds (Clopper and Pearson 1934); the first failure ends the walk.

There are two walks, which share the allowed error probability. One starts as strict as the bound permits, for bots that
are sure of little. Alone it often fails by chance where some labels are wrong: with 1 % of them and 3,000 messages, a
budget of 3 % was proven in 35 % of simulated draws, and in 88 % with a second walk that starts at a quarter of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from chatbot.decide import Policy
from training.witness import HeldOut

CONFIDENCE = 0.95
BUDGETS = (0.01, 0.02, 0.03, 0.05, 0.1)
LEAST_ANSWER_AT = 0.8
"""No budget makes a worse answer a good one. And most shops have no examples of what they cannot answer: of 700
CLINC150 questions put to a bot of 27 shop intents 0.5 let 16 % through and 0.8 let 11 %, for 0.3 points of answers."""

MOST_CLARIFY_AT = 0.5
"""A choice that is more likely right than not is worth showing, however few were unsure on held-out data."""

CANDIDATES = 200
CLARIFY_QUANTILE = 0.02
"""This share of the clarifications that would have helped is given up, so that fewer hopeless ones are shown."""

LEAST_OF_A_LANGUAGE = 300
GLANCES = 60
LEAST_GLANCED = 0.05
"""Share of messages below which the cascade is not worth its place."""

MOST_RISE = 0.001
"""Of the wrong-answer rate by the cascade's first stage, within the budget."""

MOST_STRANGERS = 0.005
"""Of the questions that no intent covers, answered by a glance alone."""

FLOOR_QUANTILE = 0.001
UNPROVEN_ANSWER_AT = 0.95
"""Where there is too little data for any promise: only what the model itself calls 95 % sure is answered."""


def choose_policy(held_out: HeldOut, error_budget: float) -> Policy:
    """The thresholds, and in words what was shown for them."""
    probability, right = held_out.certainty, held_out.right
    floor = float(np.quantile(held_out.nearest[right], FLOOR_QUANTILE)) if right.any() else 0.0
    proven = lowest_safe_threshold(probability, right, error_budget)
    answer_at = max(proven if proven is not None else UNPROVEN_ANSWER_AT, LEAST_ANSWER_AT)
    helped = held_out.offers_right & (probability < answer_at)
    return Policy(
        answer_at=answer_at,
        clarify_at=_clarify_at(held_out.offered[helped]),
        similarity_floor=floor,
        error_budget=error_budget,
        promise=_promise(error_budget, proven is not None, len(right), held_out.strangers),
        by_language=_by_language(held_out, error_budget, answer_at),
        proven=proven is not None,
    )


def _by_language(held_out: HeldOut, error_budget: float, answer_at: float) -> dict[str, float]:
    """A threshold of its own for each language that has the questions to prove one, where there are several."""
    languages = np.array(held_out.languages)
    found = {}
    for language in sorted(set(held_out.languages)) if len(set(held_out.languages)) > 1 else []:
        mine = languages == language
        if mine.sum() >= LEAST_OF_A_LANGUAGE:
            proven = lowest_safe_threshold(held_out.certainty[mine], held_out.right[mine], error_budget)
            # Not proven alone: no looser than what all together have shown, and no looser than what is safe unproven.
            found[language] = max(proven if proven is not None else max(answer_at, UNPROVEN_ANSWER_AT), LEAST_ANSWER_AT)
    return found


def cascade_threshold(held_out: HeldOut, policy: Policy) -> float | None:
    """The certainty from which a glance is enough; None where the cascade would not gain, or would raise the risk.

    From a strict threshold downwards, as long as what is answered by either stage keeps the budget with the promised
    confidence, is wrong no more often than the encoder alone, give or take MOST_RISE, and answers no more strangers,
    give or take MOST_STRANGERS; the first failure ends it.
    """
    thresholds = np.array([policy.threshold(language) for language in held_out.languages])
    closely = held_out.certainty >= thresholds
    alone = (closely & ~held_out.right).sum() / max(int(closely.sum()), 1)
    lowest, found = max(policy.answer_at, *policy.by_language.values(), LEAST_ANSWER_AT), None
    for threshold in np.linspace(0.999, lowest, GLANCES):
        glanced = held_out.quick_certainty >= threshold
        answered = glanced | closely
        wrong = np.where(glanced, ~held_out.quick_right, ~held_out.right) & answered
        if wrong.sum() / max(int(answered.sum()), 1) > alone + MOST_RISE:
            break
        if _more_strangers(held_out, policy, float(threshold)) > MOST_STRANGERS:
            break
        if policy.proven and upper_bound(int(wrong.sum()), int(answered.sum())) > policy.error_budget:
            break
        if glanced.mean() >= LEAST_GLANCED:
            found = float(threshold)
    return found


def _clarify_at(helpful: NDArray[np.float64]) -> float:
    found = float(np.quantile(helpful, CLARIFY_QUANTILE)) if len(helpful) else MOST_CLARIFY_AT
    return min(found, MOST_CLARIFY_AT)


def _more_strangers(held_out: HeldOut, policy: Policy, threshold: float) -> float:
    """The share of rehearsed strangers that only a glance would answer."""
    alone = held_out.stranger_certainty >= policy.answer_at
    glanced = held_out.stranger_quick_certainty >= threshold
    return float((glanced & ~alone).mean()) if len(alone) else 0.0


@dataclass(frozen=True, slots=True)
class Automation:
    """What an error budget would automate: the share of held-out known questions that would be answered, and that
    share's part that would be wrong. `proven` is False where the budget could not be promised."""

    budget: float
    proven: bool
    answered: float
    wrong: float


def automation(held_out: HeldOut, chosen: float) -> list[Automation]:
    """For each of BUDGETS and the chosen one, by the classifier alone (the cascade keeps to the same budget)."""
    return [_automated(held_out, budget) for budget in sorted({*BUDGETS, chosen})]


def _automated(held_out: HeldOut, budget: float) -> Automation:
    threshold = lowest_safe_threshold(held_out.certainty, held_out.right, budget)
    answered = held_out.certainty >= max(threshold if threshold is not None else UNPROVEN_ANSWER_AT, LEAST_ANSWER_AT)
    known = np.arange(len(answered)) < len(held_out.probabilities)
    wrong = float((~held_out.right[answered]).mean()) if answered.any() else 0.0
    return Automation(budget, threshold is not None, float(answered[known].mean()), wrong)


def lowest_safe_threshold(
    probability: NDArray[np.float64], right: NDArray[np.bool_], error_budget: float
) -> float | None:
    """The lowest threshold whose error is proven to be within the budget; None when none can be proven."""
    order = np.argsort(-probability, kind="stable")
    wrong, ranked = np.cumsum(~right[order], dtype=np.int64), probability[order]
    starts = _starts(len(right), error_budget)
    found = [_walk(wrong, ranked, start, error_budget, 1 - (1 - CONFIDENCE) / len(starts)) for start in starts]
    return min((threshold for threshold in found if threshold is not None), default=None)


def upper_bound(wrong: int, count: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided Clopper-Pearson upper bound of an error rate."""
    return 1.0 if wrong >= count else float(beta.ppf(confidence, wrong + 1, count - wrong))


def _walk(
    wrong: NDArray[np.int64], ranked: NDArray[np.float64], first: int, error_budget: float, confidence: float
) -> float | None:
    """The last threshold that passes before one fails; `wrong` counts the errors among the so many surest messages."""
    safe = None
    for count in sorted({int(count) for count in np.linspace(first, len(ranked), CANDIDATES)}):
        # A threshold answers all messages that share its probability, so all of them are tested.
        answered = int(np.searchsorted(-ranked, -ranked[count - 1], side="right"))
        if upper_bound(int(wrong[answered - 1]), answered, confidence) > error_budget:
            break
        safe = float(ranked[count - 1])
    return safe


def _starts(total: int, error_budget: float) -> list[int]:
    """How many of the surest messages each walk answers first; none where even a perfect record would prove nothing.

    A few errors can be afforded there, so that one unlucky early message does not end a walk at once. The places depend
    on nothing that was observed, as the proof requires.
    """
    perfect = int(np.ceil(np.log(1 - CONFIDENCE) / np.log(1 - error_budget)))
    if total < perfect:
        return []
    first = min(2 * perfect, total)
    return sorted({first, max(first, total // 4)})


def _promise(error_budget: float, proven: bool, count: int, strangers: int) -> str:
    if proven:
        unknown = f", {strangers:,} of them about intents that were left out" if strangers else ""
        return (
            f"With {CONFIDENCE:.0%} confidence at most {error_budget:.1%} of the answered messages are wrong "
            f"(shown on {count:,} held-out messages{unknown})."
        )
    return (
        f"{count:,} held-out messages are too few, or too often misread, to promise at most {error_budget:.1%} wrong "
        f"answers; only messages with a probability of at least {UNPROVEN_ANSWER_AT:.0%} are answered."
    )
