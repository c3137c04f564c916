"""Words are planted wherever words can get, found there byte by byte, erased, and looked for again."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from chatbot.backup.making import make_backup
from chatbot.bot import LiveBot
from chatbot.erasing import Eraser, check
from chatbot.errors import ErasureRefused
from chatbot.export import export_examples_csv, export_jsonl, write_export
from chatbot.exports import Kind, export_file, export_rows, exporting, exports_folder
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.backups import record
from chatbot.store.conversations import visitor_key
from chatbot.store.erasing import By, Wish
from chatbot.store.exports import ExportFilters
from chatbot.store.knowledge import Changes
from chatbot.text import text_key
from chatbot.types import Example, Exchange, Template
from tests.privacy.conftest import written

from .conftest import CANARY, CHINESE, COMMENT, COOKIE, QUESTION, Ask, Teach, files_with

ELSEWHERE = "until what hour can I come by the store tonight please"


def conversation_of(exchange: Exchange, store: Store) -> str:
    with store.database.read() as session:
        found = session.scalar(text("SELECT conversation_id FROM messages WHERE id = :id"), {"id": exchange.asked.id})
    return str(found)


def export_everything(store: Store, settings: Settings, elsewhere: Path) -> list[Path]:
    """Each kind of file that the product writes."""
    database, folder = store.database, settings.exports
    files = [
        export_rows(
            database, kind, ExportFilters(), target=export_file(folder, kind, form), folder=folder, by="Ana"
        ).path
        for kind in Kind
        for form in ("jsonl", "csv")
    ]
    snapshot = store.knowledge.snapshot()
    for target, pieces in (
        (elsewhere / "all.jsonl", export_jsonl(snapshot)),
        (elsewhere / "all.csv", export_examples_csv(snapshot)),
    ):
        with exporting(database, kind="knowledge", target=target, folder=folder, by="Ana") as record:
            write_export(pieces, target, ready=record.finish)
        files.append(target)
    return files


def tables_with(store: Store, *words: str) -> list[str]:
    """Every table in which some column holds one of these words."""
    with store.database.read() as session:
        names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")).all()
        return [
            name
            for name in names
            if any(
                word.lower() in str(value).lower() or json.dumps(word)[1:-1] in str(value)
                for row in session.execute(text(f"SELECT * FROM {name}"))
                for value in row
                for word in words
            )
        ]


def vectors_of(store: Store, words: str) -> int:
    with store.database.read() as session:
        counted = text("SELECT count(*) FROM embeddings WHERE text_key = :key")
        return int(session.scalar(counted, {"key": text_key(words)}) or 0)


@pytest.fixture
def asked(ask: Ask, teach: Teach) -> Exchange:
    """A customer's words in messages, a comment, an example with its vector and the index; beside those of another."""
    exchange = ask(QUESTION, visitor=COOKIE, comment=COMMENT)
    ask(ELSEWHERE, visitor="cookie-of-another-one-2")
    assert teach() == 2
    return exchange


@pytest.mark.parametrize("by", By)
def test_what_is_erased_is_nowhere(
    by: By,
    asked: Exchange,
    store: Store,
    bots: LiveBot,
    settings: Settings,
    eraser: Eraser,
    tmp_path: Path,
) -> None:
    conversation = conversation_of(asked, store)
    wish = Wish(by, {By.CONVERSATION: conversation, By.CUSTOMER: COOKIE, By.MATCHING: CANARY.upper()}[by])
    bot = bots.current()
    vector = bot.encoder.encode([QUESTION])
    assert [hit.text for hit in bot.knowledge.neighbours([QUESTION], vector)[0]][0] == QUESTION
    numbers = [number for number, example in bot.knowledge.examples.items() if example.text == QUESTION]
    assert vectors_of(store, QUESTION) == 1
    files = export_everything(store, settings, tmp_path)
    assert all(file.exists() for file in files)
    # The very search that has to find nothing later finds all of it now.
    before = files_with(settings.home, CANARY, CHINESE)
    assert {"chatbot.db-wal", *(f"exports/{file.name}" for file in files[:4])} <= set(before)
    assert tables_with(store, CANARY, CHINESE) == ["examples", "feedback", "messages"]

    planned = eraser.preview(wish)
    assert files_with(settings.home, CANARY, CHINESE) == before
    done = eraser.erase(wish, by="Ana")
    assert (planned.found, planned.files) == (done.found, done.files)
    assert done.troubles == ()
    assert done.found.counts == {
        "conversations": 1,
        "messages": 2,
        "turns": 1,
        "feedback": 1,
        "review_items": 1,
        "examples": 1,
        "versions": 0,
    }
    assert sorted(done.files.holding) == sorted(files)

    assert files_with(settings.home, CANARY, CHINESE) == []
    assert files_with(tmp_path, CANARY, CHINESE) == []
    assert tables_with(store, CANARY, CHINESE, conversation) == []
    assert vectors_of(store, QUESTION) == 0
    knowledge = bots.current().knowledge
    assert QUESTION not in [hit.text for hit in knowledge.neighbours([QUESTION], vector)[0]]
    assert set(numbers).isdisjoint(knowledge.example_index.search(vector, 100)[1][0].tolist())
    assert [file.deleted_at is None for file in written(store.database)] == [False] * 6
    # The other customer's words are all there.
    assert ELSEWHERE in [example.text for example in knowledge.examples.values()]
    assert tables_with(store, "come by the store tonight") == ["examples", "messages"]


@pytest.mark.usefixtures("asked")
def test_what_the_audit_log_keeps_of_it(store: Store, eraser: Eraser) -> None:
    eraser.erase(Wish(By.MATCHING, CANARY), by="Ana")
    _, rows = audit.read(store.database, what="data.erased")
    assert [(row.who, row.before) for row in rows] == [("Ana", None)]
    after = dict(rows[0].after or {})
    assert len(after.pop("asked_for")) == 64
    assert after == {
        "by": "matching",
        "conversations": 1,
        "messages": 2,
        "turns": 1,
        "feedback": 1,
        "review_items": 1,
        "examples": 1,
        "versions": 0,
        "files": 0,
    }
    assert audit.verify(store.database).intact


@pytest.mark.usefixtures("asked")
def test_the_digest_of_a_cookie_means_the_same_customer(eraser: Eraser) -> None:
    by_cookie = eraser.preview(Wish(By.CUSTOMER, COOKIE))
    assert eraser.preview(Wish(By.CUSTOMER, visitor_key(COOKIE).upper())) == by_cookie
    assert by_cookie.found.counts["conversations"] == 1


def test_a_comment_alone_is_found_by_its_words(ask: Ask, store: Store, eraser: Eraser) -> None:
    ask(ELSEWHERE, comment="Straße  No. ４")
    assert eraser.erase(Wish(By.MATCHING, "STRASSE no. 4"), by="Ana").found.counts["feedback"] == 1
    assert tables_with(store, "Straße") == []


def test_imported_examples_stay_unless_they_are_meant_too(ask: Ask, store: Store, eraser: Eraser) -> None:
    store.knowledge.apply(Changes(examples=(Example(QUESTION, "opening_hours", source="shop.csv"),)))
    ask(QUESTION)
    done = eraser.erase(Wish(By.MATCHING, CANARY), by="Ana")
    assert [example.text for example in done.found.imported] == [QUESTION]
    assert (done.found.examples, tables_with(store, CANARY)) == ((), ["examples"])
    again = eraser.erase(Wish(By.MATCHING, CANARY, also_imported=True), by="Ana")
    assert [example.text for example in again.found.examples] == [QUESTION]
    assert tables_with(store, CANARY) == []


def test_an_imported_example_that_a_review_relabelled_is_still_imported(
    ask: Ask, teach: Teach, store: Store, eraser: Eraser
) -> None:
    store.knowledge.apply(Changes(examples=(Example(QUESTION, "size_guide", source="shop.csv"),)))
    ask(QUESTION)
    teach()
    found = eraser.preview(Wish(By.MATCHING, CANARY)).found
    assert ([example.intent for example in found.imported], found.examples) == (["opening_hours"], ())


def test_what_another_customer_asked_too_stays_taught(
    ask: Ask, teach: Teach, store: Store, bots: LiveBot, eraser: Eraser
) -> None:
    ask(ELSEWHERE, visitor=COOKIE)
    ask(ELSEWHERE.upper(), visitor="cookie-of-another-one-2")
    assert teach() == 1
    done = eraser.erase(Wish(By.CUSTOMER, COOKIE), by="Ana")
    assert (done.found.counts["conversations"], done.found.counts["examples"]) == (1, 0)
    assert bots.current().knowledge.same_words(ELSEWHERE) is not None
    assert vectors_of(store, ELSEWHERE) == 1
    with store.database.read() as session:
        query = text("SELECT size, bursts, down, lead_turn_id FROM review_items")
        item = session.execute(query).one()
        (turn,) = session.scalars(text("SELECT id FROM turns")).all()
    assert tuple(item) == (1, 1, 1, turn)


def test_what_the_shop_wrote_itself_is_named_and_stays(store: Store, eraser: Eraser) -> None:
    store.knowledge.apply(Changes(templates=(Template("greeting", "opening_hours", f"Ask for {CANARY}."),)))
    found = eraser.preview(Wish(By.MATCHING, CANARY.lower())).found
    assert found.kept == ("template greeting", "earlier wording of template greeting")
    assert not found


@pytest.mark.usefixtures("asked")
def test_versions_trained_on_it_are_marked(store: Store, registry: Registry, eraser: Eraser) -> None:
    first = registry.active_name()
    store.versions.registered("later", manifest={}, metrics={}, by="test")
    done = eraser.erase(Wish(By.MATCHING, CANARY), by="Ana")
    assert done.found.versions == ("later",)
    marked = [(version, event) for version, event, _ in store.versions.events() if event == "holds_erased"]
    assert marked == [("later", "holds_erased")]
    assert first != "later"


@pytest.mark.usefixtures("asked")
def test_a_quotation_in_another_customers_turn_is_emptied(ask: Ask, store: Store, eraser: Eraser) -> None:
    quoting = ask("at what hour do you close").replied.turn_id
    hits = [{"kind": "example", "text": QUESTION, "intent": "opening_hours", "similarity": 0.9, "key": None}]
    with store.database.write() as session:
        values = {"id": quoting, "hits": json.dumps(hits)}
        session.execute(text("UPDATE turns SET hits = :hits WHERE id = :id"), values)
    assert tables_with(store, CHINESE) == ["examples", "feedback", "messages", "turns"]
    eraser.erase(Wish(By.CUSTOMER, COOKIE), by="Ana")
    assert tables_with(store, CANARY, CHINESE) == []
    with store.database.read() as session:
        kept = session.scalar(text("SELECT hits FROM turns WHERE id = :id"), {"id": quoting})
    assert json.loads(str(kept)) == [hits[0] | {"text": ""}]


def test_backups_are_named_and_deleted_only_where_asked(
    asked: Exchange, store: Store, settings: Settings, eraser: Eraser
) -> None:
    backup, older = (settings.home / f"chatbot.db.{stamp}.bak" for stamp in ("20260102T", "20250102T"))
    with closing(sqlite3.connect(settings.home / "chatbot.db")) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    with closing(sqlite3.connect(older)) as copy:
        copy.executescript(
            "CREATE TABLE conversations (id); CREATE TABLE messages (text); CREATE TABLE feedback (comment);"
            "CREATE TABLE examples (text);"
        )
    by_words = Wish(By.MATCHING, CANARY)
    by_id = Wish(By.CONVERSATION, conversation_of(asked, store))
    assert eraser.preview(by_words).backups == eraser.preview(by_id).backups == (backup,)
    kept = eraser.erase(by_words, by="Ana")
    assert (kept.backups, kept.backups_deleted) == ((backup,), False)
    assert files_with(settings.home, CANARY) == [backup.name]
    # The same request again finds what is left, though the database knows nothing of it any more.
    assert eraser.erase(by_words, by="Ana", backups=True).backups_deleted
    assert files_with(settings.home, CANARY) == []
    assert older.exists()


def test_archives_are_looked_into_and_deleted_only_where_asked(
    asked: Exchange, store: Store, settings: Settings, eraser: Eraser, tmp_path: Path
) -> None:
    settings.backups.mkdir()
    (tmp_path / "usb").mkdir()
    registry = Registry(settings.models, store.versions)
    stamps = [f"chatbot-2026010{number}T000000Z.tar" for number in (1, 2, 3)]
    holding, broken, after = (settings.backups / name for name in stamps)
    for file in (holding, tmp_path / "usb" / "mine.tar"):
        made = make_backup(file, settings=settings, store=store, registry=registry)
        record(store.database, made.file, by="Ana", sha256=made.sha256, size=made.size)
    broken.write_bytes(holding.read_bytes()[:3000])
    wish = Wish(By.CONVERSATION, conversation_of(asked, store))
    kept = eraser.erase(wish, by="Ana")
    assert kept.backups == (holding, broken), "what cannot be read may hold it"
    assert kept.elsewhere == ((tmp_path / "usb", 1),)
    make_backup(after, settings=settings, store=store, registry=registry)
    assert eraser.erase(wish, by="Ana", backups=True).backups == (holding, broken)
    assert [file.name for file in settings.backups.iterdir()] == [after.name]
    assert files_with(settings.home, CANARY) == []
    assert files_with(tmp_path / "usb", CANARY) == ["mine.tar"], "out of reach, and named"


def test_an_erasure_waits_for_a_backup(
    asked: Exchange, store: Store, settings: Settings, eraser: Eraser, tmp_path: Path
) -> None:
    """One that began before would hold what is erased, and nobody would have looked into it."""
    wish, done = Wish(By.CONVERSATION, conversation_of(asked, store)), threading.Event()

    def erase() -> None:
        eraser.erase(wish, by="Ana")
        done.set()

    thread = threading.Thread(target=erase)
    registry = Registry(settings.models, store.versions)
    with exports_folder(settings.exports):  # as `make_backup` holds it
        thread.start()
        assert not done.wait(0.3)
        make_backup(tmp_path / "one.tar", settings=settings, store=store, registry=registry)
    thread.join(30)
    assert done.is_set()


@pytest.mark.usefixtures("asked")
def test_a_lost_or_broken_export_is_named(store: Store, settings: Settings, eraser: Eraser, tmp_path: Path) -> None:
    *_, jsonl, table = export_everything(store, settings, tmp_path)
    jsonl.unlink()
    table.write_bytes(b"\xff\xfe\x00")
    files = eraser.preview(Wish(By.MATCHING, CANARY)).files
    assert (files.missing, files.unreadable, len(files.holding)) == ((jsonl,), (table,), 4)


@pytest.mark.usefixtures("asked")
def test_files_that_hold_none_of_it_stay(
    ask: Ask, store: Store, settings: Settings, eraser: Eraser, tmp_path: Path
) -> None:
    eraser.erase(Wish(By.CUSTOMER, COOKIE), by="Ana")
    files = export_everything(store, settings, tmp_path)
    ask(QUESTION, visitor=COOKIE)
    done = eraser.erase(Wish(By.CUSTOMER, COOKIE), by="Ana")
    assert (done.found.counts["conversations"], done.files.holding) == (1, ())
    assert all(file.exists() for file in files)


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(By.CONVERSATION, " "), "conversation is empty; say whose words shall go"),
        (Wish(By.CUSTOMER, "a\udcffb"), "customer holds a sign that is none in UTF-8, and no stored text does"),
        (Wish(By.MATCHING, "a 。"), "matching: give at least 3 letters; fewer stand in nearly every text"),
    ],
)
def test_wishes_that_mean_nothing_or_everything(wish: Wish, told: str) -> None:
    with pytest.raises(ErasureRefused) as refused:
        check(wish)
    assert str(refused.value) == told
