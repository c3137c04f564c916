"""The questions about the sample shop's documents: as many of each kind, and each answered by exactly one passage."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmarks.documents import DocumentQuestion, outcome, read_questions
from chatbot.importers import parse
from chatbot.redact import Redactor
from chatbot.types import Action, Answer, Decision, Passage, Reason

DOCUMENTS = Path(__file__).parents[2] / "data" / "shop" / "documents"


def test_the_halves_hold_as_many_of_each_kind() -> None:
    kinds = Counter((question.half, question.words is None) for question in read_questions())
    assert set(kinds.values()) == {20}
    assert len(kinds) == 4
    assert len({question.text for question in read_questions()}) == 80


def test_each_question_is_answered_by_exactly_one_passage_or_by_none() -> None:
    parsed = parse([DOCUMENTS], redactor=Redactor(), language="en")
    passages = [
        record.value
        for document in parsed.documents
        for record in document.records
        if isinstance(record.value, Passage)
    ]
    for question in read_questions():
        answering = [passage for passage in passages if question.is_answered_by(passage)]
        assert len(answering) == (question.words is not None), question


def test_what_became_of_a_question() -> None:
    question = DocumentQuestion("how high is it", "held_out", "a.md", "six metres")
    right, wrong = Passage("a.md", "Wall", "It is six metres high."), Passage("a.md", "Café", "It closes at 5.")
    quoted = Decision(Action.ANSWER, Reason.DOCUMENT, 0.1)
    given = {
        name: Answer(decision, "", "en")
        for name, decision in {
            "rightly": Decision(Action.ANSWER, Reason.DOCUMENT, 0.1, passage=right),
            "wrongly": Decision(Action.ANSWER, Reason.DOCUMENT, 0.1, passage=wrong),
            "by a template": quoted,
            "open": Decision(Action.HANDOFF, Reason.UNSURE, 0.1),
        }.items()
    }
    assert {outcome(question, answer) for answer in given.values()} == set(given)
    assert [outcome(question, answer) for answer in given.values()] == list(given)
