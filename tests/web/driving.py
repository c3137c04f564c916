"""A real server in a process of its own, and the customer's page as a customer handles it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Request

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first one without the parts that only a window needs: half of the time and a third of the processor's."""
QUIET_BROWSER = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)


def browser_path() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    assert found, "no Chromium or Chrome on this machine; run: sh tests/install_chromium.sh"
    return found


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LiveServer:
    """`chatbot serve` on one home and one port; can be stopped and started again."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str, patience: float = 60.0) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATBOT_")}
        environment |= {
            "CHATBOT_CONFIG": str(ROOT / "data" / "shop" / "chatbot.toml"),
            "CHATBOT_HOME": str(self.home),
            "CHATBOT_PORT": str(self.port),
            # One machine plays all customers here, and each page takes some sixty requests.
            "CHATBOT_REQUESTS_PER_MINUTE": "100000",
            **{f"CHATBOT_{name.upper()}": value for name, value in self._settings.items()},
        }
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chatbot", "serve", *options],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait(patience)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def log(self) -> str:
        return (self.home / "server.log").read_text(encoding="utf-8", errors="replace")

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What stands in the database, read past the application."""
        with closing(sqlite3.connect(self.home / "chatbot.db")) as database:
            return database.execute(query, parameters).fetchall()

    def _wait(self, patience: float) -> None:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended:\n{self.log()[-3000:]}"
            try:
                with urllib.request.urlopen(f"{self.url}readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError(f"the server was not ready within {patience} s:\n{self.log()[-3000:]}")


class ChatPage:
    """One customer's browser at the page. `external` and `complaints` must stay empty."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.context = context
        self.page = context.new_page()
        self.external: list[str] = []
        self.complaints: list[str] = []
        self.dialogs: list[str] = []
        self.page.on("request", self._watch)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dismiss)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.external.append(request.url)

    def open(self) -> ChatPage:
        self.page.goto(self.url)
        return self.ready()

    def reload(self) -> ChatPage:
        self.page.reload()
        return self.ready()

    def ready(self) -> ChatPage:
        self.page.wait_for_selector("body[data-ready]")
        return self

    @property
    def box(self) -> Locator:
        return self.page.locator("#box textarea")

    @property
    def replies(self) -> Locator:
        """The bot's stored replies; the greeting is not one of them."""
        return self.page.locator(".line.bot[data-id]")

    @property
    def questions(self) -> Locator:
        return self.page.locator(".line.customer[data-id]")

    def texts(self) -> list[str]:
        """The transcript as a reader sees it, without names and times."""
        return self.page.locator(".line[data-id] .bubble p").all_inner_texts()

    def expect_replies(self, count: int) -> None:
        self.page.wait_for_function(
            "count => document.querySelectorAll('.line.bot[data-id]').length === count", arg=count
        )

    def say(self, text: str) -> str:
        """Type, press Enter, and read the reply."""
        count = self.replies.count()
        self.box.fill(text)
        self.box.press("Enter")
        self.expect_replies(count + 1)
        return self.replies.last.locator(".bubble p").inner_text()

    def ask_until_choices(self, questions: Sequence[str]) -> Locator:
        """The buttons of the first of these questions that the bot asks back to."""
        for question in questions:
            self.say(question)
            choices = self.replies.last.locator(".offer button")
            if choices.count() > 1:
                return choices
        raise AssertionError("the bot was sure of every one of the vague questions")


def new_customer(browser: Browser, url: str, **options: Any) -> ChatPage:
    """A browser context of its own: another visitor, with nothing in common with the others."""
    context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(15_000)
    return ChatPage(context, url)
