from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from chatbot import retention
from chatbot.bot import LiveBot
from chatbot.exports import Kind, export_file, export_rows
from chatbot.retention import Expired, Retention
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.exports import ExportFilters
from chatbot.types import Agent

from .conftest import CANARY, CHINESE, COMMENT, QUESTION, Ask, Teach, files_with

LATER = "do you have opening hours on boxing day"
NOTHING = Expired(0, 0, 0, 0, ())


@pytest.fixture
def kept(settings: Settings, store: Store) -> Retention:
    return Retention(store=store, folder=settings.exports, days=30)


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def rows(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.database.read() as session:
        return [tuple(row) for row in session.execute(text(query))]


def age(store: Store, words: str, days: float) -> None:
    """Make the conversation in which somebody said this older."""
    then = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")
    found = "(SELECT conversation_id FROM messages WHERE text = :words)"
    with store.database.write() as session:
        values = {"then": then, "words": words}
        session.execute(text(f"UPDATE conversations SET created_at = :then WHERE id = {found}"), values)
        session.execute(text(f"UPDATE messages SET created_at = :then WHERE conversation_id = {found}"), values)


def test_what_is_old_goes_and_what_was_learned_from_it_stays(
    ask: Ask, teach: Teach, store: Store, bots: LiveBot, settings: Settings, kept: Retention
) -> None:
    ask(QUESTION, comment=COMMENT)
    ask(LATER)
    teach()
    folder = settings.exports
    conversations = export_file(folder, Kind.CONVERSATIONS, "jsonl")
    export_rows(store.database, Kind.CONVERSATIONS, ExportFilters(), target=conversations, folder=folder, by="Ana")
    age(store, QUESTION, 31)
    age(store, LATER, 29)
    planned = kept.preview()
    assert planned == Expired(1, 2, 0, 0, (conversations,))
    assert kept.run(by="cron") == planned
    # The words are knowledge now: in the example, and nowhere else. The bot still answers with it.
    assert rows(store, f"SELECT count(*) FROM examples WHERE text LIKE '%{CANARY}%'") == [(1,)]
    assert bots.current().knowledge.same_words(QUESTION) is not None
    assert [words for (words,) in rows(store, "SELECT text FROM messages WHERE role = 'customer'")] == [LATER]
    assert rows(store, "SELECT count(*) FROM feedback WHERE comment IS NOT NULL") == [(0,)]
    # Who confirmed it stays known, but no way leads back to the conversation.
    linked = "SELECT reviews.item_id FROM examples JOIN reviews ON reviews.id = review_id WHERE text LIKE :words"
    with store.database.read() as session:
        assert session.scalars(text(linked), {"words": f"%{CANARY}%"}).all() == [None]
    assert files_with(folder, CANARY, CHINESE) == []
    assert kept.run(by="cron") == NOTHING


def test_words_that_nobody_approved_go_with_their_conversation(
    ask: Ask, teach: Teach, store: Store, settings: Settings, kept: Retention
) -> None:
    ask(QUESTION, comment=COMMENT)
    teach()
    with store.database.write() as session:
        session.execute(text("UPDATE examples SET status = 'retired' WHERE source = 'review'"))
    assert files_with(settings.home, CANARY, CHINESE) == ["chatbot.db-wal"]
    assert kept.run(by="cron", now=in_days(31)).examples == 1
    assert files_with(settings.home, CANARY, CHINESE) == []


def test_sessions_of_agents_and_old_files_go_too(
    store: Store, settings: Settings, kept: Retention, agent: Agent
) -> None:
    store.agents.end(store.agents.begin(agent.id))
    store.agents.begin(agent.id)
    folder = settings.exports
    target = export_file(folder, Kind.REVIEWS, "csv")
    export_rows(store.database, Kind.REVIEWS, ExportFilters(), target=target, folder=folder, by="Ana")
    left_behind = folder / ".reviews.jsonl.1.part"
    left_behind.write_text("{")
    new = folder / "new.csv"
    new.write_text("text\n")
    os.utime(new, (in_days(20).timestamp(),) * 2)
    assert kept.run(by="cron", now=in_days(29)) == NOTHING
    done = kept.run(by="cron", now=in_days(31))
    assert (done.sessions, done.files) == (2, (left_behind, target))
    assert sorted(file.name for file in folder.iterdir()) == [".lock", "new.csv"]
    assert rows(store, "SELECT deleted_at IS NULL FROM exports WHERE kind <> 'report'") == [(0,)]


def test_each_batch_is_a_transaction_with_its_audit_row(
    ask: Ask, store: Store, kept: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        ask(f"opening hours number {number}")
    done = kept.run(by="cron", now=in_days(31))
    assert (done.conversations, done.messages) == (5, 10)
    _, entries = audit.read(store.database, what="data.expired")
    assert [(entry.who, dict(entry.after or {})["conversations"]) for entry in entries] == [
        ("cron", 1),
        ("cron", 2),
        ("cron", 2),
    ]
    assert audit.verify(store.database).intact


def test_a_customer_who_came_back_keeps_the_conversation(ask: Ask, store: Store, kept: Retention) -> None:
    ask(QUESTION)
    age(store, QUESTION, 31)
    with store.database.write() as session:
        now = {"now": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")}
        session.execute(text("UPDATE messages SET created_at = :now WHERE role = 'bot'"), now)
    assert kept.run(by="cron") == NOTHING


def test_a_conversation_in_which_nobody_spoke_is_as_old_as_its_beginning(store: Store, kept: Retention) -> None:
    store.conversations.create(language="en", channel="web")
    assert kept.preview(now=in_days(29)).conversations == 0
    assert kept.preview(now=in_days(31)).conversations == 1


def test_a_large_file_is_written_anew_only_where_asked(
    ask: Ask, settings: Settings, kept: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "REWRITTEN_MEGABYTES", 0)
    ask(QUESTION)
    done = kept.run(by="cron", now=in_days(31))
    assert done.troubles == ()
    assert [note.partition(" MB")[2][:30] for note in done.left] == [" and was not written anew, as "]
    assert (settings.home / "chatbot.db-wal").read_bytes() == b""
    size = (settings.home / "chatbot.db").stat().st_size
    assert kept.run(by="cron", now=in_days(31)).left == ()
    assert kept.run(by="cron", now=in_days(31), rewrite=True).left == ()
    assert (settings.home / "chatbot.db").stat().st_size <= size


def test_a_file_that_cannot_be_deleted_is_named(store: Store, kept: Retention, settings: Settings) -> None:
    folder = settings.exports
    target = export_file(folder, Kind.REVIEWS, "csv")
    export_rows(store.database, Kind.REVIEWS, ExportFilters(), target=target, folder=folder, by="Ana")
    target.unlink()
    target.mkdir()
    done = kept.run(by="cron", now=in_days(31))
    assert done.troubles == (f"{target} is due and cannot be deleted",)
    assert rows(store, "SELECT deleted_at IS NULL FROM exports WHERE kind <> 'report'") == [(1,)]
