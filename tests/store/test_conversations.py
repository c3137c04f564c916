"""Conversations: what is acknowledged is there, what is somebody else's is not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from chatbot.errors import NotFound
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.conversations import new_id, visitor_key
from chatbot.store.explanations import Explanation, explain
from chatbot.store.tables import TurnRow
from chatbot.store.turns import new_turn, save_turns
from chatbot.types import (
    Action,
    Answer,
    Choice,
    Decision,
    Exchange,
    Hit,
    Reading,
    Reason,
    Template,
    Turn,
    Verdict,
)

AT = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
SURE = Decision(Action.ANSWER, Reason.SURE, 0.91, "refund", Template("refund", "refund", "In 14 days.", revision=3))
UNSURE = Decision(
    Action.CLARIFY,
    Reason.UNSURE,
    0.4,
    "refund",
    choices=(Choice("refund", "Refund", 0.4), Choice("track_order", "Track my order", 0.3333333333)),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all: each test has conversations and visitors of its own."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('talks') / 'shop.db'}", migrate=True)
    yield store
    store.close()


def make_turn(
    conversation: str, words: str = "my money back", decision: Decision = SURE, key: str | None = None
) -> Turn:
    redact = Redactor().redact
    reply = decision.template.body if decision.template and not decision.asks_for else "Did you mean one of these?"
    return Turn(
        id=new_id(),
        conversation_id=conversation,
        message_id=new_id(),
        reply_id=new_id(),
        query=redact(words),
        answer=Answer(decision, reply, "en"),
        reply=redact(reply),
        model_version="v1",
        knowledge_revision=7,
        latency_ms=1.5,
        created_at=AT,
        key=key,
    )


def start(store: Store, visitor: str | None = None) -> str:
    return store.conversations.create(language="en", channel="web", visitor=visitor).id


def test_a_conversation_comes_back_as_it_was_created(shared: Store) -> None:
    before = datetime.now(UTC)
    made = shared.conversations.create(language="de", channel="api", visitor="cookie-1")
    assert (made.language, made.channel, made.ended_at) == ("de", "api", None)
    assert before <= made.created_at <= datetime.now(UTC)
    assert shared.conversations.get(made.id) == made
    assert shared.conversations.get(made.id, visitor="cookie-1") == made


def test_only_the_digest_of_a_cookie_is_stored(shared: Store) -> None:
    conversation = start(shared, "cookie-2")
    with shared.database.read() as session:
        stored = session.scalar(text("SELECT visitor FROM conversations WHERE id = :id"), {"id": conversation})
    assert stored == visitor_key("cookie-2") == hashlib.sha256(b"cookie-2").hexdigest()


def test_another_visitors_conversation_is_not_there(shared: Store) -> None:
    conversation = start(shared, "mine")
    for visitor in ("yours", "", "MINE"):
        with pytest.raises(NotFound, match="no conversation"):
            shared.conversations.get(conversation, visitor=visitor)
        with pytest.raises(NotFound, match="no conversation"):
            shared.conversations.end(conversation, visitor=visitor)
    assert shared.conversations.get(conversation).ended_at is None


def test_a_conversation_without_a_visitor_is_nobodys(shared: Store) -> None:
    conversation = start(shared)
    with pytest.raises(NotFound):
        shared.conversations.get(conversation, visitor="anyone")
    assert shared.conversations.get(conversation).id == conversation
    assert shared.conversations.get(conversation, visitor="").id == conversation
    assert shared.conversations.standing(conversation, visitor="").conversation.id == conversation


def test_unknown_and_foreign_are_told_in_the_same_words(shared: Store) -> None:
    foreign = start(shared, "somebody")
    told = []
    for id in (foreign, "A" * len(foreign)):
        with pytest.raises(NotFound) as caught:
            shared.conversations.get(id, visitor="me")
        told.append(str(caught.value).replace(id, "ID"))
    assert told == ['no conversation "ID"; start a new one'] * 2


def test_the_error_shortens_what_strangers_send(shared: Store) -> None:
    with pytest.raises(NotFound) as caught:
        shared.conversations.get("x" * 5000)
    assert str(caught.value) == f'no conversation "{"x" * 64}"; start a new one'


def test_latest_open_is_the_newest_that_was_not_ended(shared: Store) -> None:
    assert shared.conversations.latest_open("reloader") is None
    first, second = start(shared, "reloader"), start(shared, "reloader")
    start(shared, "somebody else")
    found = [shared.conversations.latest_open("reloader")]
    shared.conversations.end(second, visitor="reloader")
    found.append(shared.conversations.latest_open("reloader"))
    shared.conversations.end(first)
    found.append(shared.conversations.latest_open("reloader"))
    assert [each.id if each else None for each in found] == [second, first, None]
    ended = shared.conversations.get(first).ended_at
    assert ended is not None
    assert ended <= datetime.now(UTC)


def test_a_turn_becomes_a_pair_of_lines(shared: Store) -> None:
    conversation = start(shared)
    turn = make_turn(conversation, "refund to me@home.example please", UNSURE)
    exchange = shared.conversations.save_turn(turn)
    asked, replied = shared.conversations.transcript(conversation)
    assert exchange == Exchange(asked, replied)
    assert (asked.id, asked.role, asked.text) == (turn.message_id, "customer", "refund to [email] please")
    assert (asked.action, asked.choices, asked.turn_id, asked.created_at) == (None, (), None, AT)
    assert (replied.id, replied.role, replied.text) == (turn.reply_id, "bot", "Did you mean one of these?")
    assert (replied.action, replied.turn_id) == (Action.CLARIFY, turn.id)
    assert replied.choices == (Choice("refund", "Refund", 0.4), Choice("track_order", "Track my order", 0.333333))
    assert replied.created_at == AT + timedelta(microseconds=1)
    assert (replied.verdict, replied.reason, replied.comment) == (None, None, None)


def test_a_transcript_is_in_the_order_of_speaking(shared: Store) -> None:
    conversation, other = start(shared), start(shared)
    for words in ("one", "two", "three"):  # all with the same time
        shared.conversations.save_turn(make_turn(conversation, words))
        shared.conversations.save_turn(make_turn(other, f"other {words}"))
    lines = shared.conversations.transcript(conversation)
    assert [line.text for line in lines] == ["one", "In 14 days.", "two", "In 14 days.", "three", "In 14 days."]
    assert shared.conversations.transcript("nowhere") == []


def test_a_turn_of_an_unknown_conversation_is_refused(shared: Store) -> None:
    turn = make_turn("nowhere")
    with pytest.raises(NotFound, match='no conversation "nowhere"'):
        shared.save_turn(turn)
    with pytest.raises(NotFound, match="no turn"):
        explain(turn.id, database=shared.database)


def test_a_repeated_key_gives_back_what_was_stored_first(shared: Store) -> None:
    conversation, other = start(shared), start(shared)
    first = shared.save_turn(make_turn(conversation, "first", key="k"))
    again = shared.save_turn(make_turn(conversation, "second", UNSURE, key="k"))
    assert again == replace(first, repeated=True)
    assert shared.conversations.by_key(conversation, "k") == again
    assert [line.text for line in shared.conversations.transcript(conversation)] == ["first", "In 14 days."]
    elsewhere = shared.save_turn(make_turn(other, "elsewhere", key="k"))
    assert (elsewhere.repeated, elsewhere.asked.text) == (False, "elsewhere")


def test_without_a_key_nothing_is_a_repetition(shared: Store) -> None:
    conversation = start(shared)
    for _ in range(2):
        assert shared.save_turn(make_turn(conversation, "same")).repeated is False
    assert len(shared.conversations.transcript(conversation)) == 4
    assert shared.conversations.by_key(conversation, None) is None
    assert shared.conversations.by_key(conversation, "never used") is None


def test_eight_threads_with_one_key_make_one_pair(shared: Store) -> None:
    conversation = start(shared)
    with ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda number: shared.save_turn(make_turn(conversation, f"try {number}", key="k")), range(8))
        )
    lines = shared.conversations.transcript(conversation)
    assert [line.role for line in lines] == ["customer", "bot"]
    assert {(each.asked, each.replied) for each in made} == {(lines[0], lines[1])}
    assert sorted(each.repeated for each in made) == [False] + [True] * 7


def test_eight_threads_without_keys_keep_their_pairs_together(shared: Store) -> None:
    conversation = start(shared)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: shared.save_turn(make_turn(conversation, f"say {number}")), range(8)))
    lines = shared.conversations.transcript(conversation)
    assert [line.role for line in lines] == ["customer", "bot"] * 8
    assert {line.text for line in lines[::2]} == {f"say {number}" for number in range(8)}


def test_turns_that_are_written_together_keep_places_keys_and_errors_apart(shared: Store) -> None:
    conversation, other = start(shared), start(shared)
    turns = [
        make_turn(conversation, "one", key="k"),
        make_turn("nowhere", "lost"),
        make_turn(other, "other", key="k"),
        make_turn(conversation, "again", UNSURE, key="k"),
        make_turn(conversation, "two"),
    ]
    statements = shared.conversations._statements
    with shared.database.write() as session:
        one, lost, elsewhere, again, two = save_turns(session, [new_turn(turn, statements) for turn in turns])
    assert isinstance(lost, NotFound)
    assert again == replace(one, repeated=True)  # type: ignore[type-var]  # an exchange, not an error
    lines = shared.conversations.transcript(conversation)
    assert [line.text for line in lines] == ["one", "In 14 days.", "two", "In 14 days."]
    assert [one, two] == [Exchange(lines[0], lines[1]), Exchange(lines[2], lines[3])]
    asked, replied = shared.conversations.transcript(other)
    assert elsewhere == Exchange(asked, replied)


def test_of_a_key_its_digest_is_stored(shared: Store) -> None:
    conversation = start(shared)
    shared.save_turn(make_turn(conversation, key="ada@home.example"))
    with shared.database.read() as session:
        query = text("SELECT key FROM messages WHERE conversation_id = :id AND role = 'customer'")
        stored = session.scalar(query, {"id": conversation})
    assert stored == hashlib.sha256(f"{conversation}\0ada@home.example".encode()).hexdigest()


def test_where_a_conversation_stands(shared: Store) -> None:
    conversation = start(shared, "cookie-3")
    made = shared.conversations.get(conversation)
    first = shared.conversations.standing(conversation, key="k", visitor="cookie-3", choosing=True)
    assert (first.conversation, first.repeated, first.offered) == (made, None, frozenset())
    offering = shared.save_turn(make_turn(conversation, decision=UNSURE, key="k"))
    then = shared.conversations.standing(conversation, key="k", choosing=True)
    assert then.repeated == replace(offering, repeated=True)
    assert then.offered == {"refund", "track_order"}
    assert shared.conversations.standing(conversation, key="never used").repeated is None
    shared.conversations.end(conversation)
    assert shared.conversations.standing(conversation).conversation.ended_at is not None


@pytest.mark.parametrize("visitor", ["yours", ""])
def test_a_strangers_conversation_stands_nowhere(shared: Store, visitor: str) -> None:
    conversation = start(shared, "cookie-4")
    with pytest.raises(NotFound, match="no conversation"):
        shared.conversations.standing(conversation, visitor=visitor)
    with pytest.raises(NotFound, match='no conversation "nowhere"'):
        shared.conversations.standing("nowhere")


def test_feedback_is_one_verdict_a_reply_and_the_last_one_counts(shared: Store) -> None:
    conversation = start(shared)
    reply = shared.save_turn(make_turn(conversation, key="k")).replied.id
    shared.conversations.give_feedback(
        reply,
        conversation_id=conversation,
        verdict=Verdict.DOWN,
        reason="wrong",
        comment=Redactor().redact("ring me: 020 7946 0123"),
    )
    line = shared.conversations.transcript(conversation)[1]
    assert (line.verdict, line.reason, line.comment) == (Verdict.DOWN, "wrong", "ring me: [phone]")
    shared.conversations.give_feedback(reply, conversation_id=conversation, verdict=Verdict.UP)
    line = shared.conversations.transcript(conversation)[1]
    assert (line.verdict, line.reason, line.comment) == (Verdict.UP, None, None)
    repeated = shared.conversations.by_key(conversation, "k")
    assert repeated is not None
    assert repeated.replied == line
    with shared.database.read() as session:
        query = text("SELECT count(*) FROM feedback WHERE message_id = :id")
        assert session.scalar(query, {"id": reply}) == 1


def test_feedback_is_refused_for_what_the_bot_did_not_say_here(shared: Store) -> None:
    conversation, other = start(shared), start(shared)
    exchange = shared.save_turn(make_turn(conversation))
    for message, place in (
        (exchange.asked.id, conversation),  # the customer's own words
        (exchange.replied.id, other),  # a reply of another conversation
        (exchange.replied.id, "nowhere"),
        ("no such message", conversation),
    ):
        with pytest.raises(NotFound, match=r"no reply .* in this conversation"):
            shared.conversations.give_feedback(message, conversation_id=place, verdict=Verdict.UP)
    assert [line.verdict for line in shared.conversations.transcript(conversation)] == [None, None]


def test_only_what_was_offered_here_can_be_chosen(shared: Store) -> None:
    conversation, other = start(shared), start(shared)
    shared.save_turn(make_turn(conversation, decision=UNSURE))
    shared.save_turn(make_turn(conversation))  # an older offer still stands on the page
    offered = [shared.conversations.offered(conversation, intent) for intent in ("refund", "track_order", "size_guide")]
    assert offered == [True, True, False]
    assert shared.conversations.offered(other, "refund") is False


def test_the_language_can_be_changed(shared: Store) -> None:
    conversation = start(shared, "polyglot")
    shared.conversations.set_language(conversation, "zh")
    assert shared.conversations.get(conversation, visitor="polyglot").language == "zh"


def test_an_explanation_names_what_made_the_answer(shared: Store) -> None:
    turn = make_turn(start(shared))
    shared.save_turn(turn)
    assert explain(turn.id, database=shared.database) == Explanation(
        reason=Reason.SURE,
        probability=0.91,
        intent="refund",
        template_key="refund",
        template_revision=3,
        model_version="v1",
        knowledge_revision=7,
    )
    with pytest.raises(NotFound, match='no turn "unknown"'):
        explain("unknown", database=shared.database)


def test_what_the_model_saw_is_kept_small(shared: Store) -> None:
    intents = tuple("abcdefgh")
    scores = np.arange(1, 9) / 36
    reading = Reading(np.ones(4, np.float32), intents, scores, {"dense": scores[::-1].copy()})
    hit = Hit("example", "where is it", "a", 0.123456789, "en", "a.key")
    turn = make_turn(start(shared))
    shared.save_turn(replace(turn, answer=replace(turn.answer, reading=reading, hits=(hit,))))
    with shared.database.read() as session:
        row = session.get_one(TurnRow, turn.id)
        assert row.reading["alternatives"] == [
            ["h", 0.222222],
            ["g", 0.194444],
            ["f", 0.166667],
            ["e", 0.138889],
            ["d", 0.111111],
        ]
        assert row.reading["channels"] == {"dense": [0.027778, 0.055556, 0.083333, 0.111111, 0.138889]}
        assert row.hits == [
            {"kind": "example", "text": "where is it", "intent": "a", "similarity": 0.123457, "key": "a.key"}
        ]


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    store = Store.open(url, migrate=True)
    conversation = start(store, "cookie")
    exchange = store.save_turn(make_turn(conversation, "hello"))
    store.close()
    again = Store.open(url)
    assert again.conversations.transcript(conversation) == [exchange.asked, exchange.replied]
    found = again.conversations.latest_open("cookie")
    assert found is not None
    assert found.id == conversation
    again.close()


def test_ids_cannot_be_guessed() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(id) for id in ids} == {22}
