"""The review desk as agents handle it, in a browser against a real server."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Dialog, Page

from chatbot.passwords import Passwords
from chatbot.store import Store
from chatbot.types import Role

from .driving import ROOT, LiveServer

PASSWORD = "a long enough password"
BELL = "the bell"
"""An agent who only comes so that the new turns are looked at."""


def hire(home: Path, agents: Mapping[str, Role]) -> None:
    """Agents of a server that does not run yet. Their passwords are cheap to hash."""
    store = Store.open(f"sqlite:///{home / 'chatbot.db'}", migrate=True)
    hashed = Passwords(memory_kib=64, rounds=1).hash(PASSWORD)
    for name, role in {**agents, BELL: Role.AGENT}.items():
        store.agents.add(name, role=role, password_hash=hashed, by="Root")
    store.close()


def shop_questions(count: int) -> list[str]:
    """From all over the sample shop's examples."""
    lines = (ROOT / "data" / "shop" / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    return texts[:: len(texts) // count][:count]


def ask(server: LiveServer, *texts: str) -> None:
    """Each by a customer of its own, and wait until the queue has them all."""
    for text in texts:
        conversation = posted(server, "api/v1/conversations", {})["id"]
        posted(server, f"api/v1/conversations/{conversation}/messages", {"text": text})
    taken_in(server)


def taken_in(server: LiveServer) -> None:
    """Whoever comes to the desk has the new turns looked at, beside the server."""
    session = requested(server, "desk/login", {"name": BELL, "password": PASSWORD}).headers["Set-Cookie"]
    end = time.monotonic() + 60
    while server.rows("SELECT 1 FROM turns WHERE NOT taken_in LIMIT 1"):
        assert time.monotonic() < end, server.log()[-3000:]
        requested(server, "desk/api/me", None, Cookie=session.split(";")[0])
        time.sleep(0.1)


def posted(server: LiveServer, path: str, body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.load(requested(server, path, body))
    return found


def requested(server: LiveServer, path: str, body: dict[str, Any] | None, **headers: str) -> HTTPResponse:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json", **headers})
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=20)
    return answer


class AtDesk:
    """An agent's browser, signed in unless the name is empty. `complaints` must stay empty."""

    def __init__(self, browser: Browser, server: LiveServer, name: str, **options: Any) -> None:
        self.server = server
        self.context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **options})
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dismiss)
        if name:
            self._sign_in(name)

    def _sign_in(self, name: str) -> None:
        url, who = self.server.url, {"name": name, "password": PASSWORD}
        answer = self.context.request.post(f"{url}desk/login", data=who, headers={"Origin": url[:-1]})
        assert answer.ok, answer.text()

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def open(self, path: str = "desk") -> AtDesk:
        self.page.goto(f"{self.server.url}{path}")
        self.page.wait_for_selector("body[data-ready]")
        return self

    def review(self, path: str = "desk") -> AtDesk:
        """The review with a question in the middle."""
        self.open(path)
        self.page.wait_for_selector(".asked")
        return self

    @property
    def question(self) -> str:
        return self.page.locator(".asked bdi").inner_text()

    @property
    def item(self) -> str:
        found = re.search(r"[?&]item=(\d+)", self.page.url)
        assert found is not None
        return found[1]

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def decide(self, key: str) -> None:
        """Press, and wait for another question."""
        before = self.item
        self.press(key)
        self.settled(before)

    def settled(self, before: str) -> None:
        """The next question stands there, and the server has said that it is this agent's."""
        self.page.wait_for_function(
            "before => !location.search.includes(`item=${before}`) && !document.querySelector('.work.busy')", arg=before
        )

    def heard(self) -> str:
        return self.page.locator("#voice").inner_text()

    def count(self) -> int:
        return int(re.sub(r"\D", "", self.page.locator(".queue footer p").inner_text()))
