"""What the page's four calls do, with a real store and a real bot."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import Any

import pytest
from sqlalchemy import text

from benchmarks.torture.small_disk import files_limited
from chatbot.arms import Arms
from chatbot.bot import LiveBot
from chatbot.errors import NoActiveModel, StoreBusy
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.web.limits import RateLimiter
from chatbot.web.shopfront import Shopfront
from chatbot.web.talk import Refused, Talk, refusal_of
from chatbot.web.visitor import new_token
from chatbot.web.wording import word

KEY = "k" * 32
HELLO = {"text": "do you take visa", "key": KEY}


def make_talk(store: Store, bots: LiveBot, redactor: Redactor) -> Talk:
    return Talk(
        store=store,
        arms=Arms(bots=bots, store=store, redactor=redactor),
        redactor=redactor,
        limiter=RateLimiter(600),
        shopfront=Shopfront(bots=bots, redactor=redactor),
        max_message_chars=2000,
    )


@pytest.fixture
def talk(store: Store, bots: LiveBot, redactor: Redactor) -> Talk:
    return make_talk(store, bots, redactor)


def said(answer: dict[str, Any]) -> list[str]:
    return ["".join(part["text"] for part in line["parts"]) for line in answer["lines"]]


def error(raised: pytest.ExceptionInfo[Exception]) -> dict[str, Any]:
    found: dict[str, Any] = refusal_of(raised.value).reply("en")["error"]
    return found


def test_the_same_message_with_the_same_key_is_answered_once(talk: Talk) -> None:
    visitor, call = new_token(), {"text": "do you take visa, I am at 020 7946 0999", "key": KEY}
    first = talk.send(call, visitor, "en")
    assert talk.send(call, visitor, "en") == first
    assert len(talk.open({}, visitor, "en")["lines"]) == 2


def test_other_words_with_a_known_key_are_another_message(talk: Talk) -> None:
    visitor = new_token()
    talk.send({"text": "do you take visa", "key": KEY}, visitor, "en")
    other = {"text": "do you take visa\nand when do you open", "key": KEY}
    answer = talk.send(other, visitor, "en")
    assert said(answer)[0] == other["text"]
    assert talk.send(other, visitor, "en") == answer  # may be sent twice as well
    texts = said(talk.open({}, visitor, "en"))
    assert (len(texts), texts[0], texts[2]) == (4, "do you take visa", other["text"])


def test_the_wish_for_a_person_is_not_lost_to_a_known_key(talk: Talk) -> None:
    visitor = new_token()
    talk.send({"text": "do you take visa", "key": KEY}, visitor, "en")
    talk.send({"text": None, "key": KEY, "person": True}, visitor, "en")
    assert len(talk.open({}, visitor, "en")["lines"]) == 4


@pytest.mark.parametrize("text", ["", "  \n", "\u200b", "\u2060 \ufeff\u200d", "\x00", "\U000e0041"])
def test_nothing_to_read_is_refused_and_not_stored(talk: Talk, text: str) -> None:
    visitor = new_token()
    with pytest.raises(Refused) as raised:
        talk.send({"text": text, "key": KEY}, visitor, "en")
    assert error(raised) == {"name": "empty", "sentence": word("error.empty", "en"), "again": False}
    assert talk.open({}, visitor, "en")["conversation"] is None


@pytest.mark.parametrize("message", ["\ud800", "", "x" * 65, "a b", None, 7, ["x"]])
def test_what_is_no_id_is_malformed(talk: Talk, message: object) -> None:
    visitor = new_token()
    talk.send({"text": "do you take visa", "key": KEY}, visitor, "en")
    with pytest.raises(Refused) as raised:
        talk.rate({"message": message, "verdict": "up"}, visitor, "en")
    assert error(raised) == {"name": "malformed", "sentence": word("error.malformed", "en"), "again": False}


def test_a_store_that_is_busy(settings: Settings, bots: LiveBot, redactor: Redactor) -> None:
    visitor = new_token()
    bots.current()
    store = Store.open(settings.url)
    talk = make_talk(store, bots, redactor)
    talk.send({"text": "do you take visa", "key": KEY}, visitor, "en")
    blocker = sqlite3.connect(settings.home / "chatbot.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreBusy) as raised:
            talk.send({"text": "when do you open", "key": "l" * 32}, visitor, "en")
    finally:
        blocker.close()
        store.close()
    assert error(raised) == {"name": "busy", "sentence": word("error.busy", "en"), "again": True}


def test_without_a_model(store: Store, settings: Settings, redactor: Redactor) -> None:
    bots = LiveBot(Registry(settings.home / "nothing", store.versions), store.knowledge)
    visitor = new_token()
    with pytest.raises(NoActiveModel) as raised:
        make_talk(store, bots, redactor).send({"text": "do you take visa", "key": KEY}, visitor, "en")
    assert error(raised) == {"name": "unavailable", "sentence": word("error.unavailable", "en"), "again": True}


def test_first_messages_of_many_visitors_share_a_commit(talk: Talk, store: Store) -> None:
    """Each opens a conversation, and none waits for another's disk."""
    many, waiting = 8, store.database._group._waiting
    visitors = [threading.Thread(target=talk.send, args=(HELLO, new_token(), "en")) for _ in range(many)]
    with store.database.write() as session:
        session.execute(text("SELECT 1"))
        for visitor in visitors:
            visitor.start()
        until = time.monotonic() + 10
        while len(waiting) <= many // 2:  # chance gives some of them the same lock
            assert time.monotonic() < until, f"only {len(waiting)} of them wait for the writer"
            time.sleep(0.01)
    for visitor in visitors:
        visitor.join(30)
    with store.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM turns")) == many


def test_a_vote_that_is_not_stored_is_not_called_kept(talk: Talk, settings: Settings) -> None:
    """The page keeps no votes: that nothing is lost, as it says of messages, would be untrue."""
    visitor = new_token()
    reply = talk.send(HELLO, visitor, "en")["lines"][1]["id"]
    log = (settings.home / "chatbot.db-wal").stat().st_size
    with files_limited(log), pytest.raises(Refused) as raised:
        talk.rate({"message": reply, "verdict": "up"}, visitor, "en")
    assert error(raised)["name"] == "not_saved"
    assert error(raised)["sentence"] == "We could not save that just now. Please try again in a minute."
    assert talk.open({}, visitor, "en")["lines"][1]["verdict"] is None
    assert talk.rate({"message": reply, "verdict": "up"}, visitor, "en")["verdict"] == "up"
