"""A home with real versions, whose models are a line of text each: what is backed up is never loaded here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatbot.backup.making import Made, make_backup
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Role

Version = Callable[..., str]
BackUp = Callable[..., Made]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No chatbot.toml of the developer's."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("CHATBOT_CONFIG", raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", order_number=r"JP-\d{6}")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = Store.open(settings.url, migrate=True)
    store.knowledge.apply(Changes(examples=(Example("where is my parcel", "track_order"),)))
    store.agents.add("Ana", role=Role.ADMIN, password_hash="none", by="test")
    yield store
    store.close()


@pytest.fixture
def registry(settings: Settings, store: Store) -> Registry:
    return Registry(settings.models, store.versions)


@pytest.fixture
def version(registry: Registry, settings: Settings) -> Version:
    """Register one, and let it serve unless told otherwise."""

    def one(text: str, *, serves: bool = True) -> str:
        with registry.new_version() as building:
            (building / "encoder").mkdir()
            (building / "encoder" / "model.txt").write_text(text, encoding="utf-8")
            name = registry.register(building, about={}, metrics={}, by="test")
        (settings.reports / name).mkdir(parents=True)
        (settings.reports / name / "report.html").write_text(f"report of {text}", encoding="utf-8")
        if serves:
            registry.promote(name, by="test")
        return name

    return one


@pytest.fixture
def back_up(settings: Settings, store: Store, registry: Registry, tmp_path: Path) -> BackUp:
    def one(name: str = "backup.tar", **given: bool) -> Made:
        return make_backup(tmp_path / name, settings=settings, store=store, registry=registry, **given)

    return one
