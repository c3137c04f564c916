"""What is in a backup, and that it is of one moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from chatbot.backup.archive import opened
from chatbot.backup.making import make_backup
from chatbot.durable import sha256
from chatbot.errors import BackupRefused
from chatbot.experiment import Mode
from chatbot.registry import CURRENT, Registry
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.experiments import Experiments
from chatbot.types import Role

from .conftest import BackUp, Version


@pytest.fixture
def four(version: Version) -> list[str]:
    """Versions that served one after the other."""
    return [version(f"model {number}") for number in range(4)]


def text(file: Path, name: str) -> str:
    with opened(file) as archive:
        return archive.text(name)


def test_what_is_needed_is_in_it(four: list[str], back_up: BackUp, tmp_path: Path) -> None:
    made = back_up()
    first, second, third, active = four
    assert made.manifest.versions == tuple(sorted((third, active)))
    assert (made.manifest.active, made.manifest.schema, made.notes) == (active, "0007", ())
    assert (made.file, made.size, made.sha256) == (
        tmp_path / "backup.tar",
        made.file.stat().st_size,
        sha256(made.file),
    )
    assert list(made.manifest.files)[0] == "chatbot.db", "so that an erasure finds it at once"
    assert sorted(name for name in made.manifest.files if name != "chatbot.db") == sorted(
        [
            "SHA256SUMS",
            "models/CURRENT",
            "outside/settings.json",
            *(f"models/{name}/{file}" for name in (third, active) for file in ("encoder/model.txt", "manifest.json")),
            *(f"reports/{name}/report.html" for name in (third, active)),
        ]
    )
    assert text(made.file, "models/CURRENT") == active
    assert text(made.file, f"models/{active}/encoder/model.txt") == "model 3"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "here", "home"]


def test_pinned_ones_and_those_of_an_experiment_are_in_it_and_all_if_asked(
    four: list[str], back_up: BackUp, registry: Registry, store: Store, version: Version
) -> None:
    first, second, third, active = four
    candidate = version("candidate", serves=False)
    registry.pin(first, by="test")
    Experiments(store.database).start(candidate, active=active, mode=Mode.SHADOW, share=0.0, by="test")
    assert back_up().manifest.versions == tuple(sorted((first, third, active, candidate)))
    assert back_up("all.tar", all_versions=True).manifest.versions == tuple(sorted((*four, candidate)))


def test_a_damaged_version_is_left_out_and_named(four: list[str], back_up: BackUp, registry: Registry) -> None:
    *_, second, third, active = four
    damaged = registry.root / active / "encoder" / "model.txt"
    damaged.chmod(0o600)
    damaged.write_text("rot", encoding="utf-8")
    made = back_up()
    assert made.manifest.versions == tuple(sorted((second, third))), "those that serve in its place"
    assert made.manifest.active == active
    assert made.notes == (
        f"version {active}: encoder/model.txt is not the file that was registered; it is not in the backup",
    )


def test_what_was_deleted_is_not_carried_on(store: Store, back_up: BackUp) -> None:
    """SQLite's file may still hold it until it is written anew."""
    with store.database.write() as session:
        session.execute(sql("PRAGMA secure_delete=OFF"))
        session.execute(sql("UPDATE agents SET name = 'Quokkabel'"))
        session.execute(sql("UPDATE agents SET name = 'Ana'"))
    assert b"Quokkabel" not in back_up().file.read_bytes()


def test_without_any_version(back_up: BackUp) -> None:
    made = back_up()
    assert (made.manifest.active, made.manifest.versions) == (None, ())
    assert "models/CURRENT" not in made.manifest.files


def test_the_settings_are_noted_and_their_files_copied(
    settings: Settings, store: Store, registry: Registry, tmp_path: Path
) -> None:
    Path("chatbot.toml").write_text('language = "en"\n', encoding="utf-8")
    Path("must pass.CSV").write_text("text,intent\n", encoding="utf-8")
    told = settings.model_copy(update={"must_pass": "must pass.CSV", "metrics_token": "a secret"})
    made = make_backup(tmp_path / "one.tar", settings=told, store=store, registry=registry)
    assert text(made.file, "outside/chatbot.toml") == 'language = "en"\n'
    assert text(made.file, "outside/must-pass.csv") == "text,intent\n"
    noted = json.loads(text(made.file, "outside/settings.json"))
    assert noted["order_number"] == r"JP-\d{6}"
    assert {"metrics_token", "home", "database_url", "port"} & noted.keys() == set()
    lost = settings.model_copy(update={"must_pass": "gone.csv"})
    made = make_backup(tmp_path / "other.tar", settings=lost, store=store, registry=registry)
    assert made.notes == (
        "the file of the must-pass questions, gone.csv, cannot be read (No such file or directory); "
        "it is not in the backup",
    )


@pytest.fixture
def writing(store: Store) -> Iterator[list[str]]:
    """Somebody who is hired again and again; names that were acknowledged."""
    ended, names = threading.Event(), list[str]()

    def hire() -> None:
        while not ended.is_set():
            name = f"Agent {len(names)}"
            store.agents.add(name, role=Role.AGENT, password_hash="none", by="test")
            names.append(name)

    thread = threading.Thread(target=hire)
    thread.start()
    yield names
    ended.set()
    thread.join()


def test_what_was_acknowledged_before_is_in_it(
    writing: list[str], four: list[str], back_up: BackUp, tmp_path: Path
) -> None:
    while len(writing) < 20:
        assert threading.active_count() > 1
    acknowledged = list(writing)
    made = back_up()
    with opened(made.file) as archive:
        archive.unpack("chatbot.db", tmp_path / "copy.db")
    with closing(Store.open(f"sqlite:///{tmp_path / 'copy.db'}")) as copy:
        names = {agent.name for agent in copy.agents.all()}
        chain = audit.verify(copy.database)
    assert set(acknowledged) <= names
    assert (chain.intact, chain.rows) == (True, len(names))
    del four


def test_a_version_that_is_being_backed_up_is_not_pruned(
    four: list[str], settings: Settings, store: Store, registry: Registry, tmp_path: Path
) -> None:
    """Prune as often as can be while backups are made: each has all that it says."""
    done, gone = threading.Event(), list[str]()

    def prune() -> None:
        while not done.is_set():
            gone.extend(registry.prune(0, by="test").gone)

    thread = threading.Thread(target=prune)
    thread.start()
    try:
        for number in range(4):
            make_backup(tmp_path / f"{number}.tar", settings=settings, store=store, registry=registry)
    finally:
        done.set()
        thread.join()
    assert set(gone) == set(four[:-1])
    for number in range(4):
        with opened(tmp_path / f"{number}.tar") as archive:
            archive.check()
            assert four[-1] in archive.manifest.versions


def test_other_databases_have_tools_of_their_own(settings: Settings, tmp_path: Path) -> None:
    with closing(Store.open("sqlite://", migrate=True)) as store:
        registry = Registry(settings.models, store.versions)
        with pytest.raises(BackupRefused, match='run "pg_dump --format=custom --file=.*home/models with it'):
            make_backup(tmp_path / "one.tar", settings=settings, store=store, registry=registry)


def test_a_disk_without_room_is_told_before_anything_is_written(
    settings: Settings, store: Store, registry: Registry, tmp_path: Path
) -> None:
    (settings.models / "huge").mkdir(parents=True)
    with (settings.models / "huge" / "hole").open("wb") as file:
        file.truncate(1 << 43)
    with pytest.raises(BackupRefused, match=r"a backup may need 8,796,\d{3} MB in .*, where .* MB are free"):
        make_backup(tmp_path / "one.tar", settings=settings, store=store, registry=registry)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "home"]


def test_the_pointer_is_that_of_the_moment(four: list[str], back_up: BackUp, registry: Registry) -> None:
    registry.rollback(by="test")
    made = back_up()
    assert made.manifest.active == four[2] == (registry.root / CURRENT).read_text(encoding="utf-8")
    assert made.manifest.versions == tuple(sorted(four[1:3]))
