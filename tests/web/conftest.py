"""Fixtures of the browser tests: one trained sample shop a session, one browser, a fresh customer for each test."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from chatbot.durable import ALONE, held
from chatbot.registry import CURRENT

from .driving import QUIET_BROWSER, ROOT, ChatPage, LiveServer, browser_path, new_customer

NewCustomer = Callable[..., ChatPage]


SEVERAL = "PYTEST_XDIST_WORKER" in os.environ
"""Processes that test at once."""


def prepare_shop(home: Path) -> None:
    """Once a run: it takes a minute of a processor. Whoever comes while another prepares it waits."""
    home.mkdir(exist_ok=True)
    with held(home.parent, ALONE):
        if not (home / "models" / CURRENT).exists():
            server = LiveServer(home)
            server.start("--prepare", str(ROOT / "data" / "shop"), patience=600)
            server.stop()


@pytest.fixture(scope="session")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    return (base.parent if SEVERAL else base) / "trained-shop"


@pytest.fixture(scope="session", autouse=True)
def prepared_early(request: pytest.FixtureRequest, shop_home: Path) -> Iterator[None]:
    """Beside the tests that do not need the shop yet: else all processes come to wait for it at once."""
    if not SEVERAL or not any("trained_home" in getattr(item, "fixturenames", ()) for item in request.session.items):
        yield
        return
    early = threading.Thread(target=prepare_shop, args=[shop_home])
    early.start()
    yield
    early.join()


@pytest.fixture(scope="session")
def trained_home(shop_home: Path) -> Path:
    """A home folder with the sample shop in the database and a trained, active model; copy it before writing to it."""
    prepare_shop(shop_home)
    return shop_home


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
