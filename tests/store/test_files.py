"""Nothing is acknowledged into files that are not those of the database any more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.errors import StoreReplaced
from chatbot.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{file}", migrate=True)
    talk(store)
    yield store
    store.close()


def talk(store: Store) -> str:
    return store.conversations.create(language="en", channel="web").id


@pytest.mark.parametrize("name", ["shop.db", "shop.db-wal"])
def test_a_file_that_was_deleted_takes_nothing_more(store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / name).rename(tmp_path / "elsewhere")
    for write in (lambda: talk(store), store.probe_write):
        with pytest.raises(StoreReplaced, match=rf"{name} was deleted while it was open, so nothing more is stored"):
            write()
    assert not (tmp_path / name).exists(), "no empty one is made in its place"
    (tmp_path / "elsewhere").rename(tmp_path / name)
    store.probe_write()
    assert store.conversations.get(talk(store)).language == "en"


def test_a_file_in_the_place_of_another_is_not_written(store: Store, file: Path, tmp_path: Path) -> None:
    shutil.copy(file, tmp_path / "copy")
    (tmp_path / "copy").replace(file)
    before = file.read_bytes()
    with pytest.raises(StoreReplaced, match=r"shop\.db was replaced while it was open"):
        talk(store)
    assert file.read_bytes() == before


def test_once_all_connections_are_closed_another_file_is_as_good(store: Store, file: Path, tmp_path: Path) -> None:
    store.database.empty_log()
    store.database.engine.dispose()
    shutil.copy(file, tmp_path / "copy")
    (tmp_path / "copy").replace(file)
    talk(store)
    with store.database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM conversations").scalar() == 2


def test_a_deletion_in_the_middle_of_a_write_is_not_acknowledged(store: Store, file: Path) -> None:
    def delete_then_fail_to_notice() -> None:
        with store.database.write() as session:
            session.connection().exec_driver_sql("PRAGMA user_version = 7")
            file.unlink()

    with pytest.raises(StoreReplaced):
        delete_then_fail_to_notice()
