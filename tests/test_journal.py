"""A turn's line in the log: found by its ids, told by its figures, without a word of it."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import UTC, date, datetime

import pytest

from chatbot import logs, stages
from chatbot.journal import note_turn, tag_of
from chatbot.redact import Redactor
from chatbot.respond import Context
from chatbot.types import Action, Answer, Decision, Reason, Turn

CONTEXT = Context("en", date(2026, 11, 22))


def turn() -> Turn:
    words = Redactor().redact("do you take shells")
    given = Answer(Decision(Action.ANSWER, Reason.SURE, 0.912345, "pay"), "Cards only.", "en")
    return Turn("t1", "secret-conversation", "m", "r", words, given, words, "v7", 3, 30.0, datetime.now(UTC))


def test_all_of_it_under_the_requests_id(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    @stages.timed
    def message() -> None:
        with logs.within_request("ab" * 16):
            note_turn(turn(), CONTEXT)
            told.append(logs.JsonForm().format(caplog.records[0]))

    with caplog.at_level(logging.INFO, "chatbot.turns"):
        message()
    line = json.loads(told[0])
    spent = line.pop("milliseconds")
    assert list(spent) == list(stages.STAGES)
    line.pop("time")
    assert line == {
        "level": "info",
        "logger": "chatbot.turns",
        "event": "turn",
        "turn": "t1",
        "conversation": hashlib.sha256(b"secret-conversation").hexdigest()[:16],
        "decision": "answer",
        "reason": "sure",
        "intent": "pay",
        "probability": 0.9123,
        "reading": "none",
        "version": "v7",
        "knowledge": 3,
        "request": "ab" * 16,
    }
    assert not any(word in told[0] for word in ("shells", "Cards", "secret"))
    assert tag_of("secret-conversation") == line["conversation"]


def test_a_quiet_log_has_no_turns(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "chatbot.turns"):
        note_turn(turn(), CONTEXT)
    assert caplog.records == []
