"""The words of a decision: an approved answer, or one of the bot's own sentences where it asks or hands over."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatbot.decide import Offer
from chatbot.phrases import handoff_phrase, phrase
from chatbot.templates import ASKABLE, choose_wording, render, variables
from chatbot.types import HANDOFF_INTENT, Action, Decision, Reason, Template

LONGEST_QUOTE = 60

_MASK_OR_SPACE = re.compile(r"\[[a-z]+\]|\s+")


def reply_to(decision: Decision, offer: Offer) -> str:
    """The words for a decision; those of an answer come from its template alone."""
    if decision.action is Action.ANSWER and decision.template:
        return render(decision.template, offer.values)
    if decision.asks_for:
        return _request([decision], offer)
    if decision.reason in (Reason.NOT_UNDERSTOOD, Reason.SAID_ALREADY):
        return phrase(decision.reason, offer.language)
    if decision.action is Action.CLARIFY:
        return phrase("clarify" if len(decision.choices) > 1 else "clarify.one", offer.language)
    wording = choose_wording(offer.wordings(HANDOFF_INTENT), values=offer.values, evidence={})
    if wording and not wording.missing and decision.reason is not Reason.ASKED_FOR_PERSON:
        return render(wording.template, offer.values)
    return handoff_phrase(decision.reason, offer.language)


def reply_to_parts(questions: Sequence[str], decisions: Sequence[Decision], offer: Offer) -> str:
    """The answers in order, each with the question that it is for; then, once each, what goes to a person, what was not
    clear, and what the customer is asked for.
    """
    told = list(zip(questions, decisions, strict=True))
    answered = [(name, decision) for name, decision in told if decision.action is Action.ANSWER]
    paragraphs = [_about([name], reply_to(decision, offer), offer) for name, decision in answered]
    for group in (
        [each for each in told if each[1].action is Action.HANDOFF],
        [each for each in told if each[1].action is Action.CLARIFY and not each[1].asks_for],
    ):
        if group:
            paragraphs.append(_about([name for name, _ in group], reply_to(group[0][1], offer), offer))
    asking = [each for each in told if each[1].asks_for]
    if asking:
        request = _request([decision for _, decision in asking], offer)
        paragraphs.append(_about([name for name, _ in asking], request, offer))
    return "\n\n".join(paragraphs)


def needed(template: Template) -> list[str]:
    """The customer's own values that a template shows, whether this message gave them or not."""
    return [name for name in variables(template.body) if name in ASKABLE]


def _request(decisions: Sequence[Decision], offer: Offer) -> str:
    """One question for all values. Several are asked for together: no value outlives the turn that brought it, so one
    that comes first would be gone when the other arrives.
    """
    templates = [decision.template for decision in decisions if decision.template]
    names = list(dict.fromkeys(name for template in templates for name in needed(template)))
    if len(names) < 2:
        return phrase(f"ask.{decisions[0].asks_for}", offer.language)
    listed = _listed([phrase(f"name.{name}", offer.language) for name in names], offer.language)
    return phrase("ask.together", offer.language).format(names=listed)


def _about(questions: Sequence[str], reply: str, offer: Offer) -> str:
    quoted = [phrase("quoted", offer.language).format(text=_shortened(text)) for text in dict.fromkeys(questions)]
    return phrase("about", offer.language).format(names=_listed(quoted, offer.language)) + "\n" + reply


def _listed(names: Sequence[str], language: str) -> str:
    if len(names) == 1:
        return names[0]
    return phrase("comma", language).join(names[:-1]) + phrase("and", language) + names[-1]


def _shortened(question: str) -> str:
    """One line of the customer's words, without masks and end marks."""
    line = " ".join(_MASK_OR_SPACE.sub(" ", question).split()).rstrip(" ?？.。")
    if len(line) <= LONGEST_QUOTE:
        return line
    start = line[:LONGEST_QUOTE]
    return (start.rpartition(" ")[0] or start) + "…"
