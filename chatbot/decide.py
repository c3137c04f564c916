"""The rule that turns a reading into ANSWER, CLARIFY or HANDOFF. Pure: no clock, no store, no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from chatbot.templates import choose_wording, spoken_in
from chatbot.types import OUT_OF_SCOPE, Action, Choice, Decision, Hit, Intent, Reading, Reason, Template

MOST_CHOICES = 3
LEAST_CHOICE = 0.03
"""Probability below which an intent is not worth a button."""

SURELY_OUT_OF_SCOPE = 0.5
"""From here on it is more likely than not that no button would be the right one."""

LEXICALLY_FAMILIAR = 0.5
"""Probability from which the lexical channel alone recognises an intent: typos mislead the sentence vector, not it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds of one model version, chosen on held-out data for `error_budget`; see training/calibrate.py.

    A message is answered when it is right with a probability of at least `answer_at` (or what `by_language` says of
    the customer's language) and it is familiar: its nearest example is at least `similarity_floor` close, or its words
    alone point to that intent. It is clarified when the probabilities of the choices sum up to `clarify_at`. `promise`
    says in words what was shown, `proven` whether the budget could be. What nothing else answers is quoted from a
    document whose passage has a strength of `passage_at`; None: never (training/passages.py).
    """

    answer_at: float
    clarify_at: float
    similarity_floor: float
    error_budget: float
    promise: str = ""
    passage_at: float | None = None
    by_language: Mapping[str, float] = field(default_factory=dict)
    proven: bool = False

    def threshold(self, language: str) -> float:
        """The certainty from which a message in this language is answered."""
        return self.by_language.get(language, self.answer_at)


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be said at all to this customer now: approved, valid templates by intent, titles, known values."""

    templates: Mapping[str, Sequence[Template]]
    intents: Mapping[str, Intent]
    values: Mapping[str, str]
    language: str
    day: date

    def wordings(self, intent: str) -> list[Template]:
        """Valid templates of an intent in the customer's language, else in one that there is."""
        valid = [template for template in self.templates.get(intent, ()) if template.valid_on(self.day)]
        return spoken_in(self.language, valid)

    def can_answer(self, intent: str) -> bool:
        """Whether some wording can be shown, at once or after a question for a value."""
        return choose_wording(self.wordings(intent), values=self.values, evidence={}) is not None

    def title(self, intent: str) -> str:
        """What a button shows for an intent."""
        known = self.intents.get(intent)
        titles = known.titles if known else {}
        return titles.get(self.language) or titles.get("en") or intent.replace("_", " ").replace("/", ": ").capitalize()


def decide(reading: Reading, hits: Sequence[Hit], *, policy: Policy, offer: Offer) -> Decision:
    """`hits` are the nearest templates; with the reading's examples they tell which of an intent's answers is meant."""
    hits = (*hits, *reading.neighbours)
    likeliest, probability = reading.ranked(1)[0]
    if likeliest == OUT_OF_SCOPE and probability >= SURELY_OUT_OF_SCOPE:
        return Decision(Action.HANDOFF, Reason.OUT_OF_SCOPE, probability, likeliest)
    intent, certainty = reading.best()
    familiar = _is_familiar(reading, intent, policy)
    if certainty >= policy.threshold(offer.language) and familiar and _in_known_words(reading, intent):
        return settle(intent, certainty, Reason.SURE, hits=hits, offer=offer)
    choices = _choices(reading, offer)
    offered = sum(choice.probability for choice in choices)
    if choices and offered >= policy.clarify_at and familiar:
        return Decision(Action.CLARIFY, Reason.UNSURE, certainty, intent, choices=choices)
    return Decision(Action.HANDOFF, Reason.UNSURE, certainty, intent)


def _is_familiar(reading: Reading, intent: str, policy: Policy) -> bool:
    if reading.vector is None:
        return True  # the cascade is only sure of texts whose every word piece stood in an example
    nearest = max((hit.similarity for hit in reading.neighbours), default=0.0)
    return nearest >= policy.similarity_floor or _is_lexically_familiar(reading, intent)


def _in_known_words(reading: Reading, intent: str) -> bool:
    """Sentence vectors of "hgahg" and of one letter are close to "hiya" too: without a word in common with any nearest
    example, only letters that point to the intent by themselves ("paypall") are enough for an answer."""
    return reading.shares_words or _is_lexically_familiar(reading, intent)


def _is_lexically_familiar(reading: Reading, intent: str) -> bool:
    return float(reading.channels["lexical"][reading.intents.index(intent)]) >= LEXICALLY_FAMILIAR


def settle(intent: str, probability: float, reason: Reason, *, hits: Sequence[Hit], offer: Offer) -> Decision:
    """The decision once the intent stands: an answer, a question for a missing value, or a person."""
    wording = choose_wording(offer.wordings(intent), values=offer.values, evidence=evidence(hits))
    if wording is None:
        return Decision(Action.HANDOFF, Reason.NO_TEMPLATE, probability, intent)
    if wording.missing:
        return Decision(
            Action.CLARIFY, Reason.NEEDS_VARIABLE, probability, intent, wording.template, asks_for=wording.missing[0]
        )
    return Decision(Action.ANSWER, reason, probability, intent, wording.template)


def evidence(hits: Sequence[Hit]) -> dict[str, float]:
    """The best similarity by template key, from the template itself or an example that it answered."""
    best: dict[str, float] = {}
    for hit in hits:
        if hit.key is not None and hit.similarity > best.get(hit.key, -1.0):
            best[hit.key] = hit.similarity
    return best


def _choices(reading: Reading, offer: Offer) -> tuple[Choice, ...]:
    """The most probable intents that can be answered; where none of them can, what the person is told it is about."""
    likely = [
        Choice(intent, offer.title(intent), probability)
        for intent, probability in reading.ranked(2 * MOST_CHOICES)
        if intent != OUT_OF_SCOPE and probability >= LEAST_CHOICE
    ]
    answerable = [choice for choice in likely if offer.can_answer(choice.intent)]
    return tuple(answerable or likely)[:MOST_CHOICES]
