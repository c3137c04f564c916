"""Measuring a bot on labelled questions, through the same `answer()` that serves customers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from chatbot.bot import Bot
from chatbot.importers.records import Question
from chatbot.redact import Redactor
from chatbot.respond import Context, answer
from chatbot.several import RECOGNISED
from chatbot.text import language_of
from chatbot.types import OUT_OF_SCOPE, Action, Answer, Decision, Reason, Template
from training.metrics import auroc, confused_pairs, expected_calibration_error, macro_f1
from training.progress import Steps

AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Prediction:
    """One question with what the bot made of it. `right` says whether the decision was right (see `_is_right`)."""

    text: str
    intent: str
    template: str | None
    predicted: str | None
    probability: float
    in_scope_probability: float
    action: Action
    reason: Reason
    given_template: str | None
    choices: tuple[str, ...]
    right: bool
    milliseconds: float

    @property
    def in_scope(self) -> bool:
        return self.intent != OUT_OF_SCOPE


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Shares are of in-scope questions, except `wrong_of_answered` (of all answered) and `oos_answered` (of those)."""

    n: int
    n_in_scope: int
    n_out_of_scope: int
    intent_accuracy: float
    macro_f1: float
    answered: float
    answered_right: float
    clarified: float
    clarified_right: float
    handed_off: float
    wrong_of_answered: float
    oos_answered: float
    oos_auroc: float | None
    ece: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well the right template is found among all, by vector alone. `mrr`: mean reciprocal rank."""

    questions: int
    recall_at_1: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One behaviour that a bot has to show. `kind`: minimum, invariance or directional (Ribeiro et al. 2020).

    `failures` are (text, what went wrong), a few of them.
    """

    name: str
    kind: str
    cases: int
    passed: int
    failures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Fresh:
    """Examples of one `batch` (source and day) that came since the active version, and of how many parts that had not
    learned them say surely something else than their label."""

    batch: str
    count: int
    contradicted: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """Of the questions that a version long before was asked too: whether that one, and this one, read them right."""

    version: str
    before: tuple[bool, ...]
    after: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What the gate compares: one version on one holdout. `predictions` stand in the holdout's order."""

    version: str
    intents: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    summary: Evaluation
    retrieval: Retrieval | None
    must_pass: tuple[Prediction, ...]
    behaviours: tuple[Behaviour, ...]
    size_bytes: int
    fresh: tuple[Fresh, ...] = ()
    earlier: Earlier | None = None


def predict(
    bot: Bot, questions: Sequence[Question], *, redactor: Redactor, language: str, steps: Steps
) -> list[Prediction]:
    """Answer each question alone, as if a customer had asked it first."""
    with steps.step("Answering the questions", total=len(questions)) as advance:
        predictions = []
        for question in questions:
            predictions.append(_predict(bot, question, redactor, language))
            advance()
        return predictions


def examine(
    bots: Sequence[Bot], questions: Sequence[Question], *, redactor: Redactor, language: str, steps: Steps
) -> list[list[Prediction]]:
    """The predictions of each bot on the same questions. They take turns, so that a busy moment slows all alike."""
    found: list[list[Prediction]] = [[] for _ in bots]
    with steps.step("Examining", total=len(questions) * len(bots)) as advance:
        for number, question in enumerate(questions):
            turns = list(range(len(bots)))
            for place in turns if number % 2 else turns[::-1]:
                found[place].append(_predict(bots[place], question, redactor, language))
                advance()
    return found


def retrieval(bot: Bot, questions: Sequence[Question]) -> Retrieval | None:
    """By the encoder's vector alone: the first template of the right answer, or else of the right intent, among all
    that are approved. None where there are no templates for these questions."""
    ranks = []
    known = [question for question in questions if question.intent in bot.knowledge.by_intent]
    for start in range(0, len(known), AT_ONCE):
        batch = known[start : start + AT_ONCE]
        vectors = bot.encoder.encode([question.text for question in batch])
        for question, ids in zip(batch, bot.knowledge.ranked_templates(vectors), strict=True):
            right = [_is_wanted(bot.knowledge.templates[number], question) for number in ids]
            ranks.append(right.index(True) + 1 if True in right else None)
    if not ranks:
        return None
    return Retrieval(
        len(ranks),
        sum(rank == 1 for rank in ranks) / len(ranks),
        sum(1 / rank for rank in ranks if rank is not None) / len(ranks),
    )


def _is_wanted(template: Template, question: Question) -> bool:
    if question.template is not None:
        return template.answer == question.template.split(".", 1)[0]
    return template.intent == question.intent


def summarise(predictions: Sequence[Prediction]) -> Evaluation:
    known = [entry for entry in predictions if entry.in_scope]
    unknown = [entry for entry in predictions if not entry.in_scope]
    answered = [entry for entry in predictions if is_answered(entry)]
    probability = np.array([entry.probability for entry in known])
    hit = np.array([entry.predicted == entry.intent for entry in known], dtype=bool)
    times = [entry.milliseconds for entry in predictions] or [0.0]
    return Evaluation(
        n=len(predictions),
        n_in_scope=len(known),
        n_out_of_scope=len(unknown),
        intent_accuracy=float(hit.mean()) if known else 0.0,
        macro_f1=macro_f1([entry.intent for entry in known], [entry.predicted or "" for entry in known]),
        answered=_share(known, is_answered),
        answered_right=_share(known, lambda entry: is_answered(entry) and entry.right),
        clarified=_share(known, is_clarified),
        clarified_right=_share(known, lambda entry: is_clarified(entry) and entry.right),
        handed_off=_share(known, lambda entry: not is_answered(entry) and not is_clarified(entry)),
        wrong_of_answered=_share(answered, lambda entry: not entry.right),
        oos_answered=_share(unknown, is_answered),
        oos_auroc=auroc(
            np.array([entry.in_scope_probability for entry in known]),
            np.array([entry.in_scope_probability for entry in unknown]),
        ),
        ece=expected_calibration_error(probability, hit),
        p50_ms=float(np.quantile(times, 0.5)),
        p99_ms=float(np.quantile(times, 0.99)),
    )


def most_confused(predictions: Sequence[Prediction], most: int = 10) -> list[tuple[str, str, int]]:
    known = [entry for entry in predictions if entry.in_scope]
    return confused_pairs([entry.intent for entry in known], [entry.predicted or "nothing" for entry in known], most)


def is_answered(entry: Prediction) -> bool:
    """Answered, or would be if the intent had a template: understanding counts even where nothing is written yet."""
    return entry.action is Action.ANSWER or entry.reason is Reason.NO_TEMPLATE


def is_clarified(entry: Prediction) -> bool:
    return entry.action is Action.CLARIFY


def _predict(bot: Bot, question: Question, redactor: Redactor, default: str) -> Prediction:
    started = time.perf_counter()
    language = language_of(question.text, default)
    context = Context(language=language, day=date.today(), values=redactor.facts(question.text))
    query = redactor.redact(question.text)
    given = answer(query, bot, context)
    milliseconds = (time.perf_counter() - started) * 1000
    decision, reading = _told(given), given.reading
    ranked = reading.ranked(len(reading.intents)) if reading else []
    choices = tuple(choice.intent for choice in decision.choices)
    expected = question.template.split(".", 1)[0] if question.template else None
    return Prediction(
        text=query.text,
        intent=question.intent,
        template=question.template,
        predicted=ranked[0][0] if ranked else None,
        probability=ranked[0][1] if ranked else 0.0,
        in_scope_probability=max((p for intent, p in ranked if intent != OUT_OF_SCOPE), default=0.0),
        action=decision.action,
        reason=decision.reason,
        given_template=decision.template.key if decision.template else None,
        choices=choices,
        right=all(
            _is_right(one.intent, one.reason, _answer_of(one), choices, question.intent, expected)
            for one in _recognised_parts(given) or [decision]
        ),
        milliseconds=milliseconds,
    )


def _recognised_parts(given: Answer) -> list[Decision]:
    """What was recognised of several questions in one message. The customer reads it all, so all has to be right."""
    return [part.decision for part in given.parts if part.decision.reason in RECOGNISED]


def _told(given: Answer) -> Decision:
    """The decision by which the message counts: as answered where any part of it was."""
    answered = [
        decision
        for decision in _recognised_parts(given)
        if decision.action is Action.ANSWER or decision.reason is Reason.NO_TEMPLATE
    ]
    return min(answered, key=lambda decision: decision.probability) if answered else given.decision


def _answer_of(decision: Decision) -> str | None:
    return decision.template.answer if decision.template else None


def _is_right(
    intent: str | None,
    reason: Reason,
    template: str | None,
    choices: tuple[str, ...],
    expected_intent: str,
    expected_template: str | None,
) -> bool:
    """An answer is right when its intent is, and its template where the question names one; a clarification when it
    offers the right intent; nothing that is said to an out-of-scope question is right."""
    if expected_intent == OUT_OF_SCOPE:
        return False
    if reason is Reason.UNSURE:
        return expected_intent in choices
    return intent == expected_intent and (template is None or expected_template in (None, template))


def _share(entries: Sequence[Prediction], test: Callable[[Prediction], bool]) -> float:
    return sum(1 for entry in entries if test(entry)) / len(entries) if entries else 0.0
