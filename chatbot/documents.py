"""Answers quoted from documents: what to say where no template answers, word for word and with the source.

Nothing here writes a sentence about the matter: the customer reads one phrase of the bot's own, the passage as it
stands in the document, and where that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from chatbot.decide import Policy
from chatbot.knowledge import Knowledge, Nearby
from chatbot.phrases import phrase
from chatbot.types import Action, Answer, Decision, Hit, Passage, Reason, Redacted

COVERED_WEIGHT = 0.2
MOST_LEAD = 0.15
"""Strength is the cosine, plus this much for a question all of whose words stand in the passage, plus the lead over the
next passage up to this. Chosen on the sample shop's examples with its templates as passages:
where 3 % of those whose own template is hidden get an answer, the cosine alone finds 216 of 2,062 answers when nothing
is hidden, with 40 wrong ones beside them, and this 345 with 32."""

OPEN = frozenset({Reason.UNSURE, Reason.OUT_OF_SCOPE, Reason.NO_TEMPLATE})
"""The questions that a document may answer: those that nothing else answers."""

CERTAINLY_OUT_OF_SCOPE = 0.9
"""From here on the examples of what nobody should answer say that no document is asked either."""

GOOD_CHOICE = 0.3
"""From here on the first choice of a clarification is worth more than a passage. Of 1,283 examples of the sample shop
that its templates left open when held out, its documents answered 80 without this rule, mostly wrongly as there is an
approved answer to each; 17 with 0.5, and 3 with 0.3."""

CLEARLY_STRONGER = 0.2
CLEARLY_NEARER = 0.25
"""Unless the passage is clearly better: by so much stronger than it needs to be, and so much nearer than any template.
Of those 80 this answers 7, of which 5 rightly."""

TITLE_MARK = " > "


def or_quoted(given: Answer, query: Redacted, *, day: date, knowledge: Knowledge, policy: Policy) -> Answer:
    """`given`, or an answer quoted from a document where nothing else answers and a passage is strong enough."""
    reading = given.reading
    if policy.passage_at is None or given.parts or not _is_open(given.decision):
        return given
    if reading is None or reading.vector is None:  # only what is sure comes without a vector
        return given
    nearby = knowledge.search_passages(reading.vector, query.text, language=given.language, day=day)
    if not nearby:
        return given
    best, reached = strongest(nearby)
    hits = (*given.hits, _hit(best))
    more, nearer = (CLEARLY_STRONGER, CLEARLY_NEARER) if _has_good_choice(given.decision) else (0.0, 0.0)
    if reached < policy.passage_at + more or best.similarity < _nearest_template(given.hits) + nearer:
        return replace(given, hits=hits)
    return replace(
        given,
        decision=_decision(given.decision, best.passage),
        reply=quotation(best.passage, given.language),
        hits=hits,
    )


def strongest(nearby: Sequence[Nearby]) -> tuple[Nearby, float]:
    """The passage that answers best, with its strength. Passages under one heading do not compete for the lead."""
    ranked = sorted(nearby, key=lambda each: -strength(each.similarity, each.covered))
    best = ranked[0]
    others = (each for each in ranked if not _is_same_section(each.passage, best.passage))
    second = next((strength(each.similarity, each.covered) for each in others), 0.0)
    reached = strength(best.similarity, best.covered)
    return best, with_lead(reached, second)


def strength(similarity: float, covered: float) -> float:
    return similarity + COVERED_WEIGHT * covered


def with_lead(best: float, second: float) -> float:
    return best + min(best - second, MOST_LEAD)


def quotation(passage: Passage, language: str) -> str:
    """The passage as it stands, between a line that says where it is from and, if it has one, its link."""
    name = phrase("document", language).format(title=passage.title.replace(TITLE_MARK, phrase("comma", language)))
    source = [phrase("document.link", language).format(link=passage.link)] if passage.link else []
    return "\n\n".join([name, passage.body, *source])


def _is_open(decision: Decision) -> bool:
    if decision.reason is Reason.OUT_OF_SCOPE and decision.probability >= CERTAINLY_OUT_OF_SCOPE:
        return False
    return decision.action is not Action.ANSWER and decision.reason in OPEN


def _has_good_choice(decision: Decision) -> bool:
    return bool(decision.choices) and decision.choices[0].probability >= GOOD_CHOICE


def _nearest_template(hits: Sequence[Hit]) -> float:
    """A question nearer to an approved answer than to any passage is about what that answer says."""
    return max((hit.similarity for hit in hits if hit.kind == "template"), default=0.0)


def _is_same_section(one: Passage, other: Passage) -> bool:
    return (one.document, one.title) == (other.document, other.title)


def _decision(before: Decision, passage: Passage) -> Decision:
    """The intent stays where it was recognised and only lacks a template."""
    known = before.reason is Reason.NO_TEMPLATE
    return Decision(
        Action.ANSWER, Reason.DOCUMENT, before.probability, before.intent if known else None, passage=passage
    )


def _hit(near: Nearby) -> Hit:
    passage = near.passage
    return Hit("passage", passage.body, "", near.similarity, passage.language, passage.key)
