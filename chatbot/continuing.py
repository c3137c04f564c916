"""When a short message is taken as going on with the question before it: only where that is surer or says more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from chatbot.decide import LEAST_CHOICE, MOST_CHOICES, Offer
from chatbot.replies import reply_to
from chatbot.several import RECOGNISED, probability_of
from chatbot.templates import choose_wording
from chatbot.types import OUT_OF_SCOPE, Action, Answer, Choice, Decision, Reason

LEAST_GAIN = 0.1
"""By so much both have to be more probable than the message alone, and than the question before alone: it lends some
of its own probability to any message, even to a "thanks"."""

SURELY_SOMETHING_ELSE = 0.8
"""A message that by itself is so probably out of scope stays so. "And where are they?" alone has 0.6, "and what is the
weather tomorrow?" 0.9."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """One message in three readings: `own` by itself, `whole` after the question before it, and that question alone.

    What the whole is read as must be the message's own best reading too, or more probable than after the question
    alone: else it is the question speaking, not the message. `said` are the answers given since; `goes_on` tells
    that the message itself says so.
    """

    own: Answer
    whole: Answer
    before: Answer
    said: Collection[str]
    goes_on: bool
    offer: Offer

    def answer(self) -> Answer | None:
        """What to say instead of the message's own answer, if anything: the whole's answer, other choices, or that
        it was said already. The same answer is never given twice in a row.
        """
        said = self.whole.decision.template is not None and self.whole.decision.template.answer in self.said
        if self.whole.decision.reason in RECOGNISED and not said and self._gains(self.whole.decision):
            return replace(self.whole, follows_up=True)
        if not self.goes_on:
            return None
        fresh = self._fresh_choices()
        if fresh:
            intent, probability = fresh[0].intent, fresh[0].probability
            return self._instead(Decision(Action.CLARIFY, Reason.UNSURE, probability, intent, choices=fresh))
        return self._said_already() if said else None

    def _said_already(self) -> Answer:
        decision = self.whole.decision
        choices = tuple(choice for choice in self.own.decision.choices if choice.intent != decision.intent)
        again = Decision(Action.CLARIFY, Reason.SAID_ALREADY, decision.probability, decision.intent, choices=choices)
        return self._instead(again)

    def _gains(self, decision: Decision) -> bool:
        enough = decision.probability >= self.own.decision.probability + LEAST_GAIN
        in_doubt = self.own.decision.intent == OUT_OF_SCOPE
        agrees = self.own.decision.intent == decision.intent
        return (enough or in_doubt) and (agrees or self._is_raised(decision.intent, by=LEAST_GAIN))

    def _is_raised(self, intent: str | None, by: float = 0.0) -> bool:
        return probability_of(self.whole, intent) > probability_of(self.before, intent) + by

    def _fresh_choices(self) -> tuple[Choice, ...]:
        """What the question before makes probable and has not been said, then what the message alone would offer."""
        reading = self.whole.reading
        raised = [
            Choice(intent, self.offer.title(intent), probability)
            for intent, probability in (reading.ranked(2 * MOST_CHOICES) if reading else [])
            if intent != OUT_OF_SCOPE and probability >= LEAST_CHOICE and self._is_new(intent)
        ]
        known = {choice.intent for choice in raised}
        own = [choice for choice in self.own.decision.choices if choice.intent not in known]
        return tuple([*raised, *own][:MOST_CHOICES]) if raised else ()

    def _is_new(self, intent: str) -> bool:
        wording = choose_wording(self.offer.wordings(intent), values=self.offer.values, evidence={})
        return wording is not None and wording.template.answer not in self.said and self._is_raised(intent)

    def _instead(self, decision: Decision) -> Answer:
        return replace(self.own, decision=decision, reply=reply_to(decision, self.offer), follows_up=True)


def may_continue(own: Decision) -> bool:
    """Whether a message's own decision leaves room for another reading."""
    if own.reason is Reason.OUT_OF_SCOPE:
        return own.probability < SURELY_SOMETHING_ELSE
    return own.reason not in RECOGNISED
