"""Fixtures of the browser tests: one trained sample shop a session, one browser, a fresh customer for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from chatbot.durable import ALONE, held
from chatbot.registry import CURRENT

from .driving import QUIET_BROWSER, ROOT, ChatPage, LiveServer, browser_path, new_customer

NewCustomer = Callable[..., ChatPage]


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the sample shop in the database and a trained, active model; copy it before writing to it."""
    # Where several processes test, one trains and the others wait for it: it takes two minutes of a processor.
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained-shop"
    home.mkdir(exist_ok=True)
    with held(home.parent, ALONE):
        if not (home / "models" / CURRENT).exists():
            server = LiveServer(home)
            server.start("--prepare", str(ROOT / "data" / "shop"), patience=600)
            server.stop()
    return home


@pytest.fixture(scope="session")
def server(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The server that most tests share: each is another customer of it."""
    live = LiveServer(shutil.copytree(trained_home, tmp_path_factory.mktemp("shared") / "home"))
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="module")
def strict_server(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """For tests that stop and start it; takes two messages a minute from a conversation."""
    home = shutil.copytree(trained_home, tmp_path_factory.mktemp("strict") / "home")
    live = LiveServer(home, messages_per_minute="2")
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path(), args=list(QUIET_BROWSER))
        yield chromium
        chromium.close()


@pytest.fixture
def customer(browser: Browser, server: LiveServer) -> Iterator[NewCustomer]:
    """Opens the page as a new customer; afterwards none of them may have seen a foreign request or a script error."""
    opened: list[ChatPage] = []

    def come(url: str | None = None, **options: Any) -> ChatPage:
        opened.append(new_customer(browser, url or server.url, **options))
        return opened[-1].open()

    yield come
    for chat in opened:
        chat.context.close()
        assert chat.external == []
        assert chat.complaints == []
        assert chat.dialogs == []
