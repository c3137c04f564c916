"""backup and restore as an operator types them, on a real, small, trained shop."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from chatbot import jobs
from chatbot.backup.archive import opened
from chatbot.cli import app
from chatbot.durable import sha256
from chatbot.home import at_work
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.backups import archives

QUESTIONS = ("where is my parcel", "are the boots true to size", "until when are you open", "tell me a joke")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CHATBOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CHATBOT_ORDER_NUMBER", r"JP-\d{6}")
    monkeypatch.setenv("CHATBOT_ERROR_BUDGET", "0.2")
    monkeypatch.setenv("CHATBOT_THREADS", "1")


def on(home: Path, *arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [*map(str, arguments), "--home", str(home)])
    assert result.exit_code == code, result.output
    return result


def test_a_fresh_machine_answers_the_same(settings: Settings, tmp_path: Path) -> None:
    home, fresh, file = settings.home, tmp_path / "fresh", tmp_path / "one.tar"
    said = on(home, "backup", file).stdout.splitlines()
    version = (home / "models" / "CURRENT").read_text()
    assert said[0].startswith(f"{file}: ")
    assert said[0].endswith("read again and sound")
    assert said[1].startswith("holds the database (schema ")
    assert said[1].endswith(f") and {version}")
    assert said[2] == f"sha256 {sha256(file)}"
    checked = on(fresh, "restore", file, "--check").stdout.splitlines()
    assert checked[0].startswith(f"{file} is sound: as of ")
    assert not fresh.exists()
    restored = on(fresh, "restore", file).stdout.splitlines()
    assert restored[0].startswith(f"{fresh} is restored from {file}: as of ")
    assert restored[1] == f"active version {version}; holds {version}"
    for question in QUESTIONS:
        before, after = (on(each, "ask", question, "--explain").stdout for each in (home, fresh))
        assert before == after
    for command in (("models", "show", version, "--json"), ("agents", "list"), ("data", "list")):
        before, after = (on(each, *command).stdout.replace(str(each), "") for each in (home, fresh))
        assert before == after
    on(fresh, "audit", "verify")


@pytest.fixture
def small(settings: Settings) -> Path:
    """A home without the models: what is asked here needs none."""
    shutil.rmtree(settings.models)
    return settings.home


def test_by_the_time_with_rotation_and_a_record(small: Path, settings: Settings) -> None:
    (small / "backups").mkdir()
    for stamp in ("20200101T000000Z", "20200102T000000Z"):
        (small / "backups" / f"chatbot-{stamp}.tar").write_bytes(b"an old one")
    told = json.loads(on(small, "backup", "--keep", "2", "--json").stdout)
    assert [file.name for file in archives(small / "backups")] == [
        "chatbot-20200102T000000Z.tar",
        Path(told["file"]).name,
    ]
    assert told["removed"] == [str((small / "backups").absolute() / "chatbot-20200101T000000Z.tar")]
    assert (told["bytes"], told["sha256"]) == (Path(told["file"]).stat().st_size, sha256(Path(told["file"])))
    store = Store.open(settings.url)
    _, (entry,) = audit.read(store.database, what="backup.made")
    store.close()
    assert entry.after == {"file": told["file"], "sha256": told["sha256"], "bytes": told["bytes"]}
    job = jobs.last(small, "backup")
    assert job is not None
    assert (job.outcome, job.good_at > time.time() - 60) == ("done", True)
    quiet = on(small, "backup", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_nothing_older_is_deleted_while_something_is_missing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (small / "backups").mkdir()
    older = small / "backups" / "chatbot-20200101T000000Z.tar"
    older.write_bytes(b"the last one with everything")
    monkeypatch.setenv("CHATBOT_MUST_PASS", "gone.csv")
    said = on(small, "backup", "--keep", "1").stderr.splitlines()
    assert said[-1] == "chatbot: no older backup was deleted, as this one lacks something"
    assert older.exists()


def test_a_database_that_cannot_be_written_is_backed_up_all_the_same(small: Path, settings: Settings) -> None:
    store = Store.open(settings.url)
    with store.database.write() as session:
        session.execute(text("DELETE FROM audit_head"))
    store.close()
    done = on(small, "backup", "one.tar")
    assert done.stderr.startswith("chatbot: the backup is sound, but could not be noted in the audit log: ")
    with opened(Path("one.tar")) as archive:
        archive.check()


def test_what_cannot_be_is_refused_in_one_line(small: Path, tmp_path: Path) -> None:
    on(small, "backup", "one.tar")
    for arguments, said in (
        (("backup", "one.tar"), "is there already, and no backup is ever written over; give another name"),
        (("backup", "two.tar", "--keep", "3"), "--keep goes with a folder or with no name at all"),
        (("backup", "none/two.tar"), "none is no folder; make it, or name another one"),
        (("restore", "one.tar"), "is not empty"),
        (("restore", "chatbot.toml"), "cannot be read: No such file or directory"),
    ):
        refused = on(small, *arguments, code=1)
        assert said in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    with at_work(small):
        assert "is at work on" in on(small, "restore", "one.tar", "--replace", code=1).stderr
    assert not (tmp_path / "two.tar").exists()
    job = jobs.last(small, "backup")
    assert job is not None
    assert job.outcome == "error"


def test_what_was_there_is_moved_aside(small: Path) -> None:
    on(small, "backup", "one.tar")
    done = on(small, "restore", "one.tar", "--replace")
    (aside,) = small.glob("replaced-*")
    assert done.stdout.splitlines()[-1] == f"what was there before is in {aside}; delete it when you are sure"
    assert (aside / "chatbot.db").exists()
    told = json.loads(on(small, "restore", "one.tar", "--replace", "--json").stdout)
    assert Path(told["aside"]).parent == small
    assert told["versions"] == []


def test_the_doctor_tells_how_old_the_newest_is(small: Path) -> None:
    def said() -> list[str]:
        lines = CliRunner().invoke(app, ["doctor", "--home", str(small)]).stdout.splitlines()
        return [
            line.split("backup", 1)[1].strip() for line in lines if line.startswith(("ok    backup", "note  backup"))
        ]

    assert said() == ['none was made here yet; "chatbot backup" does, and docs/backups.md says how often']
    on(small, "backup", "--quiet")
    (today,) = said()
    assert today.startswith("the newest is of ")
    assert today.endswith(" UTC")
    note = json.loads((small / "jobs" / "backup.json").read_text())
    note["good_at"] -= 5 * 86_400
    (small / "jobs" / "backup.json").write_text(json.dumps(note | {"outcome": "error"}))
    failed, old = said()
    assert failed == 'the last one failed; "chatbot backup" says why'
    assert old.endswith('5 days ago; "chatbot backup" makes another')
