"""What was asked and which answers were read, counted from stored turns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.usage import Question, Use, questions_answered_by, questions_since, uses_since
from chatbot.types import Action, Answer, Decision, Reason, Template, Turn, Verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOURS = Template("hours", "hours", "9 to 18.")
PAY = Template("pay", "pay", "Cards.")


class Log:
    """Stores turns as they would have been stored then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._redactor = Redactor()
        self._count = 0

    def said(
        self,
        text: str,
        template: Template | None = HOURS,
        *,
        reason: Reason = Reason.SURE,
        days_ago: int = 0,
        language: str = "en",
        parts: tuple[Template, ...] = (),
        follows_up: bool = False,
        verdict: Verdict | None = None,
    ) -> None:
        self._count += 1
        conversation = self._store.conversations.create(language=language, channel="api").id
        given = answered(template, reason, language)
        if parts:
            given = replace(given, parts=tuple(answered(part, Reason.SURE, language) for part in parts))
        turn = Turn(
            id=f"t{self._count}",
            conversation_id=conversation,
            message_id=f"m{self._count}",
            reply_id=f"r{self._count}",
            query=self._redactor.redact(text),
            answer=replace(given, follows_up=follows_up),
            reply=self._redactor.redact("ok"),
            model_version="v1",
            knowledge_revision=1,
            latency_ms=1.0,
            created_at=NOW - timedelta(days=days_ago) + timedelta(seconds=self._count),
        )
        self._store.save_turn(turn)
        if verdict:
            self._store.conversations.give_feedback(f"r{self._count}", conversation_id=conversation, verdict=verdict)


def answered(template: Template | None, reason: Reason, language: str) -> Answer:
    action = Action.ANSWER if template else Action.HANDOFF
    return Answer(Decision(action, reason, 0.9, template.intent if template else None, template), "ok", language)


@pytest.fixture
def log(empty_store: Store) -> Log:
    return Log(empty_store)


def asked(store: Store, *, days: int = 7, most: int = 100) -> list[Question]:
    return questions_since(NOW - timedelta(days=days), database=store.database, most=most)


def test_questions_are_the_newest_first_with_all_their_spellings(log: Log, empty_store: Store) -> None:
    log.said("long ago", days_ago=8)
    log.said("when do you open?")
    log.said("how can I pay", PAY)
    log.said("When do you  open")
    log.said("when do you open", language="zh")
    log.said("gift cards", None, reason=Reason.UNSURE, days_ago=3)
    assert asked(empty_store) == [
        Question("when do you open", "zh", 1),
        Question("When do you  open", "en", 2),
        Question("how can I pay", "en", 1),
        Question("gift cards", "en", 1),
    ]
    assert [question.text for question in asked(empty_store, most=2)] == ["when do you open", "When do you  open"]
    assert [question.text for question in asked(empty_store, days=10)][-1] == "long ago"


def test_what_means_nothing_alone_is_no_question(log: Log, empty_store: Store) -> None:
    for reason in (Reason.CHOSEN, Reason.COMPLETED, Reason.ASKED_FOR_PERSON, Reason.NOT_UNDERSTOOD):
        log.said(f"after a click: {reason}", reason=reason)
    log.said("and on sunday?", follows_up=True)
    assert asked(empty_store) == []


def test_answers_are_counted_with_their_thumbs(log: Log, empty_store: Store) -> None:
    log.said("a", verdict=Verdict.DOWN)
    log.said("b", verdict=Verdict.UP)
    log.said("c", days_ago=8, verdict=Verdict.DOWN)
    log.said("d", None, reason=Reason.UNSURE, verdict=Verdict.DOWN)
    log.said("e", PAY, reason=Reason.CHOSEN)
    log.said("f and g", PAY, reason=Reason.SEVERAL, parts=(HOURS, PAY), verdict=Verdict.DOWN)
    since = NOW - timedelta(days=7)
    assert uses_since(since, database=empty_store.database) == {"hours": Use(3, 2), "pay": Use(2, 1)}


def test_the_questions_that_a_template_answered(log: Log, empty_store: Store) -> None:
    for text in ("rare", "frequent?", "Frequent", "frequent", "often", "often"):
        log.said(text)
    log.said("it is 12", reason=Reason.COMPLETED)
    log.said("another", PAY)
    found = questions_answered_by("hours", database=empty_store.database)
    assert [(question.text.casefold().rstrip("?"), question.count) for question in found] == [
        ("frequent", 3),
        ("often", 2),
        ("rare", 1),
    ]
    assert len(questions_answered_by("hours", database=empty_store.database, most=1)) == 1
