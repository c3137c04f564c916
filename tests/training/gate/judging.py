"""Reports made by hand: who asked what, and who read it right."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.types import OUT_OF_SCOPE, Action, Reason
from training.evaluate import Prediction, Report, summarise
from training.gate.verdict import Rules

RULES = Rules()
INTENTS = tuple(f"intent_{number:02}" for number in range(20))


def asked(text: str, intent: str, predicted: str | None, *, answered: bool = True) -> Prediction:
    """A question read as `predicted`; what is out of scope is handed to a person unless it is read as an intent."""
    answered = answered and predicted not in (None, OUT_OF_SCOPE)
    return Prediction(
        text=text,
        intent=intent,
        template=None,
        predicted=predicted,
        probability=0.9,
        in_scope_probability=0.9,
        action=Action.ANSWER if answered else Action.HANDOFF,
        reason=Reason.SURE if answered else Reason.UNSURE,
        given_template=predicted if answered else None,
        choices=(),
        right=predicted == intent and answered and intent != OUT_OF_SCOPE,
        milliseconds=4.0,
    )


def report(predictions: Sequence[Prediction], *, version: str = "v2", intents: Sequence[str] = INTENTS) -> Report:
    return Report(
        version=version,
        intents=tuple(intents),
        predictions=tuple(predictions),
        summary=summarise(predictions),
        retrieval=None,
        must_pass=(),
        behaviours=(),
        size_bytes=100_000_000,
    )


def questions(count: int, wrong: Sequence[int] = (), *, answered_wrong: bool = False) -> list[Prediction]:
    """`count` questions, intent by intent; those numbered in `wrong` are read as the next intent."""
    found = []
    for number in range(count):
        intent = INTENTS[number % len(INTENTS)]
        if number in wrong:
            other = INTENTS[(number + 1) % len(INTENTS)]
            found.append(asked(f"question {number}", intent, other, answered=answered_wrong))
        else:
            found.append(asked(f"question {number}", intent, intent))
    return found


def read_as(entry: Prediction, predicted: str | None) -> Prediction:
    return asked(entry.text, entry.intent, predicted, answered=False)
