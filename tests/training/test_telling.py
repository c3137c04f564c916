"""The page of a run: what it is made from, and that it goes with the words that it quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.erasing import Eraser
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.erasing import By, Wish
from chatbot.store.knowledge import Changes
from chatbot.types import Example
from tests.training.workshop import lesson
from training.progress import Lines
from training.retrain import retrain
from training.runs import Trained, Wishes

CANARY = "refund zzz qqq wibble canary"


@pytest.fixture
def shop(small_encoder: Path, tmp_path: Path) -> Settings:
    chosen = {"home": tmp_path, "encoder": str(small_encoder), "error_budget": 0.2, "threads": 1}
    return Settings.model_validate(chosen)


def train(shop: Settings, store: Store) -> Trained:
    registry = Registry(shop.models, store.versions)
    return retrain(shop, store=store, registry=registry, steps=Lines(), wishes=Wishes(by="retrain"))


def test_the_page_tells_of_doubts_contradictions_and_what_came_in(shop: Settings, empty_store: Store) -> None:
    torn = (Example(CANARY, "refund"), Example(f"please {CANARY}", "sizes"))
    empty_store.knowledge.apply(Changes(examples=(*lesson(range(25)), *torn)))
    first = train(shop, empty_store)
    assert first.page is not None
    words = first.page.read_text(encoding="utf-8")
    assert "refund or sizes" in words
    assert "left out until somebody decides" in words
    assert CANARY in words
    assert first.page.stat().st_mode & 0o077 == 0 or first.page.parent.stat().st_mode & 0o077 == 0

    empty_store.knowledge.apply(Changes(examples=tuple(lesson(range(25, 30)))))
    second = train(shop, empty_store)
    assert second.page is not None
    told = second.page.read_text(encoding="utf-8")
    assert "20" in told[told.index("What came in") :]


def test_erased_words_take_the_page_with_them(shop: Settings, empty_store: Store) -> None:
    torn = (Example(CANARY, "refund"), Example(f"please {CANARY}", "sizes"))
    empty_store.knowledge.apply(Changes(examples=(*lesson(range(25)), *torn)))
    page = train(shop, empty_store).page
    assert page is not None
    eraser = Eraser(store=empty_store, folder=shop.exports, reports=shop.reports, backups=shop.backups)
    wish = Wish(By.MATCHING, CANARY, also_imported=True)
    assert page in eraser.preview(wish).files.holding
    eraser.erase(wish, by="tests")
    left = [file for file in shop.home.rglob("*") if file.is_file() and b"wibble" in file.read_bytes()]
    assert [file for file in left if "models" not in file.parts] == []
