"""Hostile texts in a real browser: on the customer's page and at the desk they make no element and load nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from chatbot.types import Role
from tests.fuzz.hostile import hostile

from .conftest import NewCustomer
from .desking import AtDesk, ask, hire, posted
from .driving import LiveServer

KINDS = ("markup", "remote image", "direction", "template", "header", "value", "astral", "mask", "terminal", "SQL")
MOST = 1_900
"""Characters of a message."""
ELEMENTS = "root => [...new Set([...root.querySelectorAll('*')].map(one => one.localName))].sort()"
ADDRESSES = """() => [...document.querySelectorAll('[src],[href],[action],[srcset],[onload],[onerror]')]
    .flatMap(one => ['src', 'href', 'action', 'srcset'].map(name => one.getAttribute(name) || ''))
    .filter(address => /evil|javascript:|data:text/.test(address))"""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def messages() -> list[str]:
    """All of these kinds, as many in one message as it may hold."""
    found = [""]
    for text in (text for kind in KINDS for text in hostile()[kind]):
        if len(found[-1]) + len(text) + 1 > MOST:
            found.append("")
        found[-1] += f"{text}\n"
    return found


def untouched(page: Page) -> None:
    assert page.evaluate("() => typeof window.pwned") == "undefined"
    assert page.evaluate(ADDRESSES) == []


def test_the_customers_page(customer: NewCustomer) -> None:
    chat = customer()
    chat.say("hello, where is my order")
    harmless = chat.page.locator("#transcript").evaluate(ELEMENTS)
    for text in messages():
        chat.say(text)
        assert "<script>" not in text or "<script>" in chat.questions.last.inner_text()
    assert chat.page.locator("#transcript").evaluate(ELEMENTS) == harmless
    untouched(chat.page)
    chat.reload()
    assert set(chat.page.locator("#transcript").evaluate(ELEMENTS)) <= set(harmless)
    untouched(chat.page)


@pytest.fixture(scope="module")
def desk_server(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = shutil.copytree(trained_home, tmp_path_factory.mktemp("hostile") / "home")
    hire(home, {"Lea": Role.LEAD})
    live = LiveServer(home)
    live.start()
    yield live
    live.stop()


def test_the_desk(desk_server: LiveServer, browser: Browser) -> None:
    ask(desk_server, "would you sharpen my garden shears for me please")
    lea = AtDesk(browser, desk_server, "Lea")
    requested: list[str] = []

    def heard(request: Request) -> None:
        if not request.url.startswith((desk_server.url, "data:", "blob:")):
            requested.append(request.url)

    lea.page.on("request", heard)
    lea.review()
    harmless = set(lea.page.locator("body").evaluate(ELEMENTS))
    for text in messages():
        conversation = posted(desk_server, "api/v1/conversations", {})["id"]
        said = posted(desk_server, f"api/v1/conversations/{conversation}/messages", {"text": text})
        posted(
            desk_server,
            f"api/v1/conversations/{conversation}/messages/{said['replied']['id']}/feedback",
            {"verdict": "down", "reason": "wrong", "comment": text[:900]},
        )
    ask(desk_server, "is it possible to rent a canoe from you")
    for (item,) in desk_server.rows("SELECT id FROM review_items"):
        lea.review(f"desk?item={item}")
        # A conversation of several lines has parts that one of one line lacks; none of them can do anything.
        new = set(lea.page.locator("body").evaluate(ELEMENTS)) - harmless
        assert not new & {"script", "img", "iframe", "form", "object", "embed", "base", "meta", "style", "a", "svg"}
        untouched(lea.page)
    assert requested == []
    assert lea.complaints == []
    lea.context.close()
