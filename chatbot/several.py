"""When a message is taken as several questions: only where that answers more, and no part with less certainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chatbot.decide import LEAST_CHOICE, Offer
from chatbot.follow_ups import points_back
from chatbot.replies import reply_to_parts
from chatbot.types import Action, Answer, Decision, Reason

RECOGNISED = frozenset({Reason.SURE, Reason.NEEDS_VARIABLE, Reason.NO_TEMPLATE})
"""Such an intent has passed the thresholds of a lone message, whether its answer can be shown at once or not."""

CLEARLY = 0.03
"""Chosen on the shop's development cases and on BANKING77's training file: there the messages of one label that are
split fall from 12 to 7 in 5,999, two of which do ask two things."""


def together(questions: Sequence[str], parts: Sequence[Answer], whole: Answer, offer: Offer) -> Answer | None:
    """The answer to all parts, or None where the message is better taken as one question.

    What is answered has passed the thresholds of a lone message, so that the error budget holds for each part. Where
    the whole is recognised, two parts must be so as different intents, and none with clearly less certainty than the
    whole. Where it is not, one such part is enough: it is answered, and the customer reads which part is unclear or for
    a person.
    """
    kept = _without_repetition(_confirmed(questions, parts, whole))
    recognised = [part.decision for _, part in kept if part.decision.reason in RECOGNISED]
    least = 2 if whole.decision.reason in RECOGNISED else 1
    if len(kept) < 2 or len(recognised) < least or _is_one_question(whole.decision, recognised):
        return None
    return joint_answer([name for name, _ in kept], [part for _, part in kept], offer, base=whole)


def joint_answer(questions: Sequence[str], parts: Sequence[Answer], offer: Offer, *, base: Answer) -> Answer:
    """One answer of several. Its decision is the most cautious of theirs, with the least of their probabilities."""
    decisions = [part.decision for part in parts]
    asking = next((decision for decision in decisions if decision.asks_for), None)
    decision = Decision(
        _most_cautious(decisions),
        Reason.SEVERAL,
        min(decision.probability for decision in decisions),
        intent=asking.intent if asking else None,
        template=asking.template if asking else None,
        choices=next((decision.choices for decision in decisions if decision.choices), ()),
        asks_for=asking.asks_for if asking else None,
    )
    return replace(base, decision=decision, reply=reply_to_parts(questions, decisions, offer), parts=tuple(parts))


def probability_of(given: Answer, intent: str | None) -> float:
    reading = given.reading
    if reading is None or intent not in reading.intents:
        return 0.0
    return float(reading.probabilities[reading.intents.index(intent)])


def _confirmed(questions: Sequence[str], parts: Sequence[Answer], whole: Answer) -> list[tuple[str, Answer]]:
    """Parts with what the whole message says of them.

    A part that is read, only less surely, as what the whole was recognised as, has the whole's answer. One that points
    back ("why is it not working?") is left out where the whole does not know its intent at all: it then belongs to what
    stands before it, and means another thing alone.
    """
    told = []
    for number, (question, part) in enumerate(zip(questions, parts, strict=True)):
        known = part.decision.reason in RECOGNISED
        if known and number and points_back(question) and probability_of(whole, part.decision.intent) < LEAST_CHOICE:
            continue
        agrees = whole.decision.reason in RECOGNISED and part.decision.intent == whole.decision.intent
        told.append((question, whole if agrees and not known else part))
    return told


def _without_repetition(parts: Sequence[tuple[str, Answer]]) -> list[tuple[str, Answer]]:
    """Each recognised intent once, and unclear parts about something else; only the first of these offers choices."""
    recognised = {part.decision.intent for _, part in parts if part.decision.reason in RECOGNISED}
    kept: list[tuple[str, Answer]] = []
    said: set[str | None] = set()
    for question, part in parts:
        decision = part.decision
        known = decision.reason in RECOGNISED
        if decision.intent in said or (decision.intent in recognised and not known):
            continue
        if known:
            said.add(decision.intent)
        elif any(other.decision.choices for _, other in kept):
            part = replace(part, decision=replace(decision, action=Action.HANDOFF, choices=()))
        kept.append((question, part))
    return kept


def _is_one_question(whole: Decision, recognised: Sequence[Decision]) -> bool:
    """Whether the message is read with clearly more certainty as one question than the least certain of its parts."""
    least = min(part.probability for part in recognised)
    return whole.reason in RECOGNISED and whole.probability > least + CLEARLY


def _most_cautious(decisions: Sequence[Decision]) -> Action:
    actions = {decision.action for decision in decisions}
    return next(action for action in (Action.HANDOFF, Action.CLARIFY, Action.ANSWER) if action in actions)
