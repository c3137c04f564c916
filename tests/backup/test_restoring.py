"""Putting a backup back, on a fresh machine and in the place of what is there."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from chatbot import home
from chatbot.backup.archive import Archive, opened, writing
from chatbot.backup.making import Made
from chatbot.backup.restoring import check_backup, restore
from chatbot.durable import sha256
from chatbot.errors import BackupRefused, NotNow
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.migrations import downgrade, head_revision
from chatbot.wiring import open_house

from .conftest import BackUp, Version


@pytest.fixture
def made(version: Version, back_up: BackUp) -> Made:
    version("model one")
    version("model two")
    return back_up()


@pytest.fixture
def fresh(settings: Settings, tmp_path: Path) -> Settings:
    """Another machine, set up alike."""
    return settings.model_copy(update={"home": tmp_path / "fresh"})


def files(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): sha256(file) for file in folder.rglob("*") if file.is_file()}


def changed(made: Made, name: str, content: bytes) -> Path:
    """The same backup with other content of one file, and sums that agree with it."""
    target = made.file.with_name("changed.tar")
    scratch = made.file.with_name("scratch")
    with opened(made.file) as archive, writing(target, made_at=made.manifest.made_at) as writer:
        for each in list(archive.manifest.files)[:-1]:
            scratch.write_bytes(content if each == name else _content(archive, each, scratch))
            writer.add(each, scratch)
        about = archive.manifest
        writer.seal(program=about.program, schema=about.schema, active=about.active, versions=about.versions)
    return target


def _content(archive: Archive, name: str, scratch: Path) -> bytes:
    scratch.unlink(missing_ok=True)
    archive.unpack(name, scratch)
    return scratch.read_bytes()


def test_a_fresh_machine_has_all_of_it(made: Made, fresh: Settings, store: Store, registry: Registry) -> None:
    chain = audit.verify(store.database)
    done = restore(made.file, settings=fresh)
    assert (done.home, done.aside, done.notes) == (fresh.home, None, ())
    assert stat.S_IMODE(fresh.home.stat().st_mode) == 0o700
    assert sorted(path.name for path in fresh.home.iterdir()) == ["chatbot.db", "models", "outside", "reports"]
    with open_house(fresh, migrate=False) as house:
        assert house.registry.active_name() == registry.active_name()
        assert not house.registry.is_degraded()
        assert [agent.name for agent in house.store.agents.all()] == ["Ana"]
        assert house.store.knowledge.snapshot() == store.knowledge.snapshot()
        assert audit.verify(house.store.database, noted=(chain.rows, chain.head)) == chain
        assert {house.registry.rollback(by="test"), made.manifest.active} == set(made.manifest.versions)
    for name in made.manifest.versions:
        for file, there in ((file, fresh.home / "models" / file) for file in files(registry.root) if name in file):
            assert sha256(registry.root / file) == sha256(there)
            assert stat.S_IMODE(there.stat().st_mode) == 0o444
    assert stat.S_IMODE((fresh.home / "chatbot.db").stat().st_mode) == 0o600


def test_a_home_that_is_not_empty_is_moved_aside_only_where_asked(made: Made, settings: Settings, store: Store) -> None:
    store.close()
    (settings.home / "backups").mkdir()
    (settings.home / "backups" / "kept.tar").touch()
    before = files(settings.home)
    with pytest.raises(BackupRefused, match=r"home is not empty \(\.chatbot\.db.*--replace moves what is there"):
        restore(made.file, settings=settings)
    assert files(settings.home) == before
    done = restore(made.file, settings=settings, replace=True)
    assert done.aside is not None
    assert done.aside.parent == settings.home
    before.pop("backups/kept.tar")
    assert files(done.aside) == before
    assert (settings.home / "backups" / "kept.tar").exists()
    again = restore(made.file, settings=settings, replace=True)
    assert again.aside not in (None, done.aside)
    assert files(done.aside) == before, "what was moved aside once stays there"


def test_not_while_anybody_works_there(made: Made, settings: Settings) -> None:
    before = files(settings.home)
    with home.at_work(settings.home), pytest.raises(NotNow, match="a server or another command is at work"):
        restore(made.file, settings=settings, replace=True)
    assert files(settings.home).keys() >= before.keys()
    assert not (settings.home / home.RESTORING).exists()


def test_every_command_works_there_until_it_ends(made: Made, settings: Settings) -> None:
    with open_house(settings), pytest.raises(NotNow, match="a server or another command is at work"):
        restore(made.file, settings=settings, replace=True)
    assert restore(made.file, settings=settings, replace=True).aside is not None


@pytest.mark.parametrize("replace", [False, True])
def test_a_broken_backup_changes_nothing(made: Made, settings: Settings, fresh: Settings, replace: bool) -> None:
    whole = made.file.read_bytes()
    made.file.write_bytes(whole.replace(b"model two", b"model 2.0"))
    before = files(settings.home)
    for there in (settings, fresh):
        with pytest.raises(BackupRefused, match=r"encoder/model\.txt is not what was backed up"):
            restore(made.file, settings=there, replace=replace)
    assert files(settings.home) == before
    assert not fresh.home.exists()
    with pytest.raises(BackupRefused, match="is not what was backed up"):
        check_backup(made.file)


def test_a_damaged_database_is_found_before_it_takes_its_place(
    made: Made, settings: Settings, store: Store, tmp_path: Path
) -> None:
    """With sums that agree: the archive is as it was written, and what was written was damaged."""
    store.close()
    with opened(made.file) as archive:
        archive.unpack("chatbot.db", tmp_path / "copy.db")
    content = bytearray((tmp_path / "copy.db").read_bytes())
    content[4096 * 5 : 4096 * 9] = b"\xff" * 4096 * 4
    broken, before = changed(made, "chatbot.db", bytes(content)), files(settings.home)
    for attempt in (lambda: restore(broken, settings=settings, replace=True), lambda: check_backup(broken)):
        with pytest.raises(BackupRefused, match="its database is damaged"):
            attempt()
    assert files(settings.home) == before
    assert not (settings.home / home.RESTORING).exists()


def test_what_a_newer_program_made_is_refused(made: Made, fresh: Settings, tmp_path: Path) -> None:
    with opened(made.file) as archive:
        archive.unpack("chatbot.db", tmp_path / "copy.db")
    target = tmp_path / "newer.tar"
    with writing(target, made_at=made.manifest.made_at) as writer:
        writer.add("chatbot.db", tmp_path / "copy.db")
        writer.seal(program="9.1", schema="0999", active=None, versions=())
    with pytest.raises(BackupRefused, match=r"has schema 0999 of program 9\.1, which is newer than this one"):
        restore(target, settings=fresh)
    assert not fresh.home.exists()


def test_a_database_with_another_schema_than_it_says_is_refused(made: Made, fresh: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "copy.db")) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('0001')")
    file = changed(made, "chatbot.db", (tmp_path / "copy.db").read_bytes())
    with pytest.raises(BackupRefused, match=f"its database has schema 0001, not {head_revision()}"):
        restore(file, settings=fresh)
    assert home.contents(fresh.home) == []


def test_a_pointer_that_names_something_else_is_refused(made: Made, fresh: Settings) -> None:
    with pytest.raises(BackupRefused, match="models/CURRENT does not name version"):
        restore(changed(made, "models/CURRENT", b"../../elsewhere"), settings=fresh)


def test_an_older_database_is_brought_up_to_date_by_the_next_start(
    made: Made, fresh: Settings, store: Store, tmp_path: Path
) -> None:
    downgrade(store.database, "0006")
    store.close()
    target = tmp_path / "older.tar"
    with writing(target, made_at=made.manifest.made_at) as writer:
        writer.add("chatbot.db", _as_one_file(Path(store.database.file or ""), tmp_path / "older.db"))
        writer.seal(program="0.1.0", schema="0006", active=None, versions=())
    (note,) = restore(target, settings=fresh).notes
    assert note == "the database is of an older program; the next start brings it up to date, after a copy beside it"
    with open_house(fresh) as house:
        assert [example.text for example in house.store.knowledge.snapshot().examples] == ["where is my parcel"]
    assert len(list(fresh.home.glob("chatbot.db.*.bak"))) == 1


def _as_one_file(source: Path, target: Path) -> Path:
    with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    return target


def test_what_lay_outside_and_other_settings_are_told(
    settings: Settings, fresh: Settings, back_up: BackUp, version: Version
) -> None:
    version("model")
    Path("chatbot.toml").write_text('language = "en"\n', encoding="utf-8")
    made = back_up()
    other = fresh.model_copy(update={"order_number": "", "port": 9999})
    done = restore(made.file, settings=other)
    assert done.notes == (
        'the setting order_number was "JP-\\\\d{6}" there and is "" here',
        "chatbot.toml lay outside the home folder; copies are in its folder outside",
    )
    assert (fresh.home / "outside" / "chatbot.toml").read_text(encoding="utf-8") == 'language = "en"\n'
    assert json.loads((fresh.home / "outside" / "settings.json").read_text(encoding="utf-8"))["language"] == "en"
    assert Settings.model_validate(settings.model_dump() | {"home": fresh.home}) == fresh


def test_a_database_elsewhere_is_for_its_own_tools(made: Made, fresh: Settings) -> None:
    elsewhere = fresh.model_copy(update={"database_url": "postgresql://db.example/chatbot"})
    with pytest.raises(BackupRefused, match="the setting database_url names another place"):
        restore(made.file, settings=elsewhere)
    assert not fresh.home.exists()


def test_a_check_reads_everything_and_writes_nothing(made: Made, settings: Settings, tmp_path: Path) -> None:
    made.file.chmod(0o400)
    before, names = files(settings.home), sorted(path.name for path in tmp_path.iterdir())
    assert check_backup(made.file) == made.manifest
    assert files(settings.home) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == names
