"""The short form of a migration that is killed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.torture.migration import OLD, content, fill, revision, torture, troubles
from benchmarks.torture.outcome import Size
from benchmarks.torture.place import Place


def test_a_killed_migration_resumes_or_leaves_all_as_it_was(tmp_path: Path) -> None:
    (outcome,) = torture(Place(tmp_path / "home", tmp_path / "none"), size=Size.SHORT)
    assert outcome.passed, outcome.figures
    assert outcome.figures.startswith("2 kills (")
    assert "content equal by SHA-256" in outcome.figures


def test_the_measurement_finds_what_is_wrong(tmp_path: Path) -> None:
    fill(tmp_path / "chatbot.db", 200)
    assert revision(tmp_path / "chatbot.db") == OLD
    before = content(tmp_path / "chatbot.db")
    assert list(troubles(tmp_path, before=before, after="")) == []
    with closing(sqlite3.connect(tmp_path / "chatbot.db")) as database, database:
        assert database.execute("SELECT count(*) FROM messages").fetchone() == (100,)
        database.execute("UPDATE messages SET text = 'another' WHERE id = 'm0000007'")
    (tmp_path / "chatbot.db.1.bak").write_bytes((tmp_path / "chatbot.db").read_bytes())
    assert list(troubles(tmp_path, before=before, after="")) == [
        "content of schema 0003 is another one",
        "chatbot.db.1.bak is not what was there before",
    ]
    with closing(sqlite3.connect(tmp_path / "chatbot.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0007'")
    (tmp_path / "chatbot.db.1.bak").unlink()
    found = list(troubles(tmp_path, before=before, after=""))
    assert found == ["content of schema 0007 is another one", "no copy from before is there"]
