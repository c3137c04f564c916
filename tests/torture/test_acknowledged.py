"""A comparison that finds nothing has to be able to find something."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from benchmarks.torture.acknowledged import Acknowledged
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import Exchange, Verdict

Ask = Callable[..., Exchange]


@pytest.fixture
def log(settings: Settings, store: Store, ask: Ask) -> Acknowledged:
    """Two messages, one of them with a vote, as they were stored."""
    log = Acknowledged(settings.home / "acknowledged.jsonl")
    for question in ("where is my parcel", "when do you open"):
        conversation = store.conversations.create(language="en", channel="api").id
        exchange = ask(question, conversation=conversation)
        asked, reply = exchange.asked, exchange.replied.id
        log.sending(conversation)
        log.message(conversation, {"asked": {"id": asked.id, "text": asked.text}, "replied": {"id": reply}})
    store.conversations.give_feedback(reply, conversation_id=conversation, verdict=Verdict.UP)
    log.votes[reply] = "up", None  # type: ignore[assignment] # nobody commented
    return log


def test_what_is_all_there_agrees(log: Acknowledged, settings: Settings) -> None:
    found = log.compare(settings.home)
    assert found.agrees
    assert found.words == "2 messages and 1 votes acknowledged, 0 lost, 0 doubled"


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ("DELETE FROM feedback", "vote on"),
        ("UPDATE feedback SET verdict = 'down'", "vote on"),
        ("UPDATE messages SET text = '' WHERE role = 'customer' AND text LIKE 'when%'", "message "),
        ("DELETE FROM turns", "message "),
    ],
)
def test_what_is_lost_is_found(log: Acknowledged, settings: Settings, store: Store, change: str, lost: str) -> None:
    with store.database.write() as session:
        session.execute(text(change))
    found = log.compare(settings.home)
    assert not found.agrees
    assert found.lost
    assert all(one.startswith(lost) for one in found.lost)


def test_what_was_stored_twice_is_found(log: Acknowledged, settings: Settings, ask: Ask) -> None:
    (conversation, *_), *_ = log.messages.values()
    ask("where is my parcel", conversation=conversation)
    assert log.compare(settings.home).doubled == (f"1 messages of {conversation}",)


def test_a_review_that_should_be_there_is_missed(log: Acknowledged, settings: Settings) -> None:
    log.review(7, item=1, agent="Ana")
    assert log.compare(settings.home).lost == ("review 7",)
