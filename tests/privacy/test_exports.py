from __future__ import annotations

import contextlib
import errno
import json
import os
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from benchmarks.torture.small_disk import files_limited, limit_files
from chatbot.errors import ExportRefused
from chatbot.export import safe_cell, table_row
from chatbot.exports import Kind, Record, export_file, export_rows, exporting, files_in, search
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.erasing import Traces
from chatbot.store.exports import CONVERSATION_FIELDS, REVIEW_FIELDS, ExportFilters
from chatbot.text import text_key
from tests.privacy.conftest import written

from .conftest import QUESTION, Ask, Teach, cells

FORMULA = '=HYPERLINK("http://evil.example";"opening hours")'
TODAY = datetime.now(UTC).date()


def write(store: Store, settings: Settings, kind: Kind, form: str = "jsonl", **filters: Any) -> Record:
    folder = settings.exports
    target = export_file(folder, kind, form)
    return export_rows(store.database, kind, ExportFilters(**filters), target=target, folder=folder, by="Ana")


def lines(record: Record) -> list[dict[str, Any]]:
    return [json.loads(line) for line in record.path.read_text(encoding="utf-8").splitlines()]


def test_conversations(ask: Ask, teach: Teach, store: Store, settings: Settings) -> None:
    exchange = ask(QUESTION, comment="no help")
    ask("which cards do you take")
    teach()
    record = write(store, settings, Kind.CONVERSATIONS)
    first, second = lines(record)
    assert (record.rows, tuple(first), second["question"]) == (2, CONVERSATION_FIELDS, "which cards do you take")
    assert (first["question"], first["reply"]) == (exchange.asked.text, exchange.replied.text)
    assert (first["verdict"], first["verdict_reason"], first["comment"]) == ("down", "wrong", "no help")
    assert (second["action"], second["intent"], second["template"]) == ("answer", "payment_methods", "payment_methods")
    assert datetime.fromisoformat(first["at"]).tzinfo is UTC
    assert (record.path.stat().st_mode & 0o777, settings.exports.stat().st_mode & 0o777) == (0o600, 0o700)


def test_reviews(ask: Ask, teach: Teach, store: Store, settings: Settings) -> None:
    exchange = ask(QUESTION)
    teach()
    record = write(store, settings, Kind.REVIEWS)
    (row,) = lines(record)
    assert (tuple(row), row["agent"], row["intent"]) == (REVIEW_FIELDS, "Ana", "opening_hours")
    assert (row["question"], row["turn_id"]) == (QUESTION, exchange.replied.turn_id)
    assert (row["source"], row["size"], row["undone_at"]) == ("thumbs_down", 1, None)


@pytest.mark.parametrize("kind", Kind)
def test_a_table_holds_no_formula(kind: Kind, ask: Ask, teach: Teach, store: Store, settings: Settings) -> None:
    ask(FORMULA)
    teach()
    record = write(store, settings, kind, "csv")
    assert record.path.read_bytes().startswith(b"\xef\xbb\xbf")
    (row,) = cells(record.path)
    assert (record.rows, row["question"]) == (1, f"'{FORMULA}")
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_filters(ask: Ask, teach: Teach, store: Store, settings: Settings) -> None:
    ask(QUESTION)
    ask("which cards do you take")
    teach()
    counts: list[tuple[Kind, dict[str, Any], int]] = [
        (Kind.CONVERSATIONS, {"intent": "payment_methods"}, 1),
        (Kind.CONVERSATIONS, {"intent": "nothing"}, 0),
        (Kind.CONVERSATIONS, {"language": "en"}, 2),
        (Kind.CONVERSATIONS, {"language": "zh"}, 0),
        (Kind.CONVERSATIONS, {"verdict": "down"}, 2),
        (Kind.CONVERSATIONS, {"verdict": "up"}, 0),
        (Kind.CONVERSATIONS, {"source": "thumbs_down"}, 2),
        (Kind.CONVERSATIONS, {"source": "audit"}, 0),
        (Kind.CONVERSATIONS, {"since": TODAY, "until": TODAY}, 2),
        (Kind.CONVERSATIONS, {"since": date.min, "until": date.max}, 2),
        (Kind.CONVERSATIONS, {"since": TODAY + timedelta(days=1)}, 0),
        (Kind.CONVERSATIONS, {"until": TODAY - timedelta(days=1)}, 0),
        (Kind.REVIEWS, {"agent": "Ana", "intent": "opening_hours", "language": "en"}, 2),
        (Kind.REVIEWS, {"verdict": "relabel"}, 1),
        (Kind.REVIEWS, {"verdict": "accept"}, 1),
        (Kind.REVIEWS, {"verdict": "wrong"}, 0),
        (Kind.REVIEWS, {"agent": "Ben"}, 0),
        (Kind.REVIEWS, {"source": "audit"}, 0),
        (Kind.REVIEWS, {"until": TODAY - timedelta(days=1)}, 0),
        (Kind.REVIEWS, {"until": date.max}, 2),
    ]
    assert [write(store, settings, kind, **filters).rows for kind, filters, _ in counts] == [n for *_, n in counts]


@pytest.mark.parametrize(
    ("kind", "filters", "told"),
    [
        (Kind.CONVERSATIONS, {"agent": "Ana"}, "agent: conversations have no agent; export the reviews instead"),
        (Kind.CONVERSATIONS, {"verdict": "wrong"}, 'verdict: there is no "wrong"; there is up, down'),
        (
            Kind.REVIEWS,
            {"verdict": "up"},
            'verdict: there is no "up"; there is accept, wrong, relabel, new_intent, out_of_scope',
        ),
        (
            Kind.REVIEWS,
            {"source": "rumour"},
            'source: there is no "rumour"; there is shadow, thumbs_down, disagreement, clarified, handed_off, '
            "low_probability, audit",
        ),
    ],
)
def test_filters_that_cannot_be(
    kind: Kind, filters: dict[str, str], told: str, store: Store, settings: Settings
) -> None:
    with pytest.raises(ExportRefused) as refused:
        write(store, settings, kind, **filters)
    assert str(refused.value) == told
    assert written(store.database) == []


def test_who_exported_what_is_kept(ask: Ask, store: Store, settings: Settings) -> None:
    ask(QUESTION)
    record = write(store, settings, Kind.CONVERSATIONS, since=TODAY, language="en")
    (file,) = written(store.database)
    assert (file.path, file.kind, file.by, file.rows) == (str(record.path), "conversations", "Ana", 1)
    _, (entry,) = audit.read(store.database, what="data.exported", who="Ana")
    assert (entry.who, dict(entry.after or {})) == (
        "Ana",
        {
            "export": file.id,
            "kind": "conversations",
            "rows": 1,
            "filters": {"since": TODAY.isoformat(), "language": "en"},
        },
    )


def test_a_file_that_could_not_be_written_is_not_recorded(store: Store, settings: Settings, tmp_path: Path) -> None:
    record = exporting(store.database, kind="knowledge", target=tmp_path / "a.csv", folder=settings.exports, by="Ana")
    with contextlib.suppress(RuntimeError), record:
        assert [file.rows for file in written(store.database)] == [0]  # an erasure would know of it already
        raise RuntimeError("the disk is full")
    assert written(store.database) == []


def test_memory_stays_bounded(store: Store, settings: Settings) -> None:
    """30,000 rows of 2,000 characters: 60 MB in the file, a few in memory."""
    conversation = store.conversations.create(language="en", channel="web").id
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
    with store.database.write() as session:
        for role, place in (("customer", 0), ("bot", 1)):
            session.execute(
                text(
                    f"{numbers}INSERT INTO messages (id, conversation_id, position, role, text, created_at) "
                    f"SELECT '{role}' || i, :c, 2 * i + {place}, '{role}', "
                    "printf('%.2000c', 'x'), '2026-01-01 00:00:00.000000' FROM n"
                ),
                {"c": conversation},
            )
        session.execute(
            text(
                f"{numbers}INSERT INTO turns (id, conversation_id, message_id, reply_id, action, reason, probability, "
                "choices, reading, hits, language, model_version, knowledge_revision, latency_ms, created_at) "
                "SELECT 't' || i, :c, 'customer' || i, 'bot' || i, 'handoff', 'unsure', 0.5, '[]', '{}', '[]', 'en', "
                "'v', 1, 1.0, '2026-01-01 00:00:00.000000' FROM n"
            ),
            {"c": conversation},
        )
    tracemalloc.start()
    try:
        assert write(store, settings, Kind.CONVERSATIONS, "csv").rows == 30_000
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_searching_files(tmp_path: Path) -> None:
    several = "my things:\n- red boots; -) of size 4"
    traces = Traces(
        frozenset({"conversation-1"}), frozenset({text_key("=Hello there"), text_key(several)}), "ada lovelace"
    )
    contents = {
        "id.jsonl": '{"a": [{"b": "conversation-1"}]}\n',
        "key.csv": "text\n'=HELLO there!\n",
        "middle.csv": table_row([safe_cell(several)]),
        "words.jsonl": '{"a": "I am Ada\\u0020LOVELACE"}\n',
        "cut.jsonl": '{"a": "I am Ada Lovelace',
        "other.jsonl": '{"a": "conversation-12", "b": "Hello there", "c": "Ada"}\n',
        "other.csv": "text\nHello\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "broken.csv").write_bytes(b"\xff")
    os.mkfifo(tmp_path / "pipe")
    found = search([*files_in(tmp_path), tmp_path / "gone.csv"], traces)
    assert [file.name for file in found.holding] == ["cut.jsonl", "id.jsonl", "key.csv", "middle.csv", "words.jsonl"]
    assert [file.name for file in found.unreadable] == ["broken.csv"]
    assert [file.name for file in found.missing] == ["gone.csv"]


def test_a_full_disk_is_what_is_told(ask: Ask, store: Store, settings: Settings) -> None:
    """And not that the record of the file could not be taken back, for the same reason."""
    ask("where is my parcel")
    target = settings.exports / "all.jsonl"
    settings.exports.mkdir(exist_ok=True)
    target.write_text("the good old file", encoding="utf-8")
    (settings.exports / ".lock").touch()

    def fail() -> None:
        with exporting(store.database, kind="knowledge", target=target, folder=settings.exports, by="test"):
            log = (store.database.file or Path()).with_name("chatbot.db-wal").stat().st_size
            limit_files(0, log)
            raise OSError(errno.ENOSPC, "No space left on device", str(target))

    with files_limited(1 << 40), pytest.raises(OSError, match="No space left on device"):
        fail()
    assert target.read_text(encoding="utf-8") == "the good old file"
