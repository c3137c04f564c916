"""Open questions without an answer, with the times at which they were asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatbot.bot import LiveBot
from chatbot.desk.intake import Intake
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.reviews import Reviews
from chatbot.store.reviews import Verdict as Says
from chatbot.store.unanswered import OpenQuestion, said_in, unanswered_since
from chatbot.types import Judgement, Reason, Role, Verdict

from .test_usage import NOW, Log


@pytest.fixture
def log(store: Store) -> Log:
    return Log(store)


@pytest.fixture
def intake(store: Store, bots: LiveBot, redactor: Redactor) -> Intake:
    return Intake(store=store, bots=bots, redactor=redactor, audit_share=0, second_share=0)


def found(store: Store, days: int = 7, most: int = 10) -> list[OpenQuestion]:
    return unanswered_since(NOW - timedelta(days=days), database=store.database, most=most)


def test_those_that_are_asked_most_come_first(log: Log, intake: Intake, store: Store) -> None:
    log.said("may my parrot live in the tent", None, reason=Reason.UNSURE)
    for days_ago in (9, 2, 1):
        log.said("do you sharpen shears", None, reason=Reason.UNSURE, days_ago=days_ago)
    log.said("and on sunday", None, reason=Reason.UNSURE, follows_up=True)
    log.said("shop hours", verdict=Verdict.DOWN)  # answered, however badly
    intake.run()
    shears, parrot = found(store)
    assert (shears.text, shears.language) == ("do you sharpen shears", "en")
    assert [(NOW - at).days for at in shears.asked_at] == [1, 0]
    assert (parrot.text, len(parrot.asked_at)) == ("may my parrot live in the tent", 1)
    assert all(at.tzinfo is UTC for at in shears.asked_at)
    assert [len(question.asked_at) for question in found(store, days=30)] == [3, 1]
    assert [question.text for question in found(store, most=1)] == ["do you sharpen shears"]


def test_what_was_decided_is_gone(log: Log, intake: Intake, store: Store) -> None:
    log.said("do you sharpen shears", None, reason=Reason.UNSURE)
    intake.run()
    (question,) = found(store)
    agent = store.agents.add("Ann", role=Role.AGENT, password_hash="x", by="test")
    Reviews(store.database).decide(agent, question.item_id, Says(Judgement.OUT_OF_SCOPE))
    assert found(store) == []


def test_an_old_question_is_no_gap_of_today(log: Log, intake: Intake, store: Store) -> None:
    log.said("do you sharpen shears", None, reason=Reason.UNSURE, days_ago=20)
    intake.run()
    assert found(store) == []
    assert isinstance(found(store, days=30)[0].asked_at[0], datetime)


def test_who_asked_in_which_words(log: Log, intake: Intake, store: Store) -> None:
    for text, days_ago in (("do you sharpen shears", 20), ("Do you sharpen shears?", 1), ("do you sharpen shears", 0)):
        log.said(text, None, reason=Reason.UNSURE, days_ago=days_ago)
    log.said("may my parrot live in the tent", None, reason=Reason.UNSURE)
    intake.run()
    items = [question.item_id for question in found(store) if "shears" in question.text]
    said = said_in(items, NOW - timedelta(days=7), database=store.database)
    assert sorted(text for _, text in said) == ["Do you sharpen shears?", "do you sharpen shears"]
    assert len({conversation for conversation, _ in said}) == 2
    assert said_in([], NOW, database=store.database) == []
