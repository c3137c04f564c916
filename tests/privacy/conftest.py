"""A shop in which one customer's words have got everywhere that words can get."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.bot import LiveBot
from chatbot.desk.intake import Intake
from chatbot.erasing import Eraser
from chatbot.redact import Redactor
from chatbot.respond import respond
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.engine import Database
from chatbot.store.exports import ExportFile, exports
from chatbot.store.queue import Filters, Queue
from chatbot.store.reviews import Reviews, Verdict
from chatbot.types import Agent, Exchange, Judgement, Message, Role
from chatbot.types import Verdict as Thumb

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
"""Nobody signs in with it."""
CANARY, CHINESE = "Quokkabel", "鸢尾雀"
QUESTION = f"my name is {CANARY} {CHINESE} and what are the hours of your shop"
COMMENT = f"{CANARY} {CHINESE} says this was no help"
COOKIE = "cookie-of-the-canary-1"


def written(database: Database) -> list[ExportFile]:
    """What was exported since the shop was trained: the report of that stands on the same list."""
    return [file for file in exports(database) if file.kind != "report"]


Ask = Callable[..., Exchange]
Teach = Callable[[], int]


@pytest.fixture
def ask(store: Store, bots: LiveBot, redactor: Redactor) -> Ask:
    """A customer asks in a conversation of their own, is not pleased and says why."""

    def one(text: str, *, visitor: str | None = None, comment: str | None = None) -> Exchange:
        conversation = store.conversations.create(language="en", channel="web", visitor=visitor).id
        exchange = respond(Message(conversation, text), bot=bots.current(), store=store, redactor=redactor)
        store.conversations.give_feedback(
            exchange.replied.id,
            conversation_id=conversation,
            verdict=Thumb.DOWN,
            reason="wrong",
            comment=redactor.redact(comment) if comment else None,
        )
        return exchange

    return one


@pytest.fixture
def agent(store: Store) -> Agent:
    return store.agents.add("Ana", role=Role.ADMIN, password_hash=HASH, by="test")


@pytest.fixture
def teach(store: Store, bots: LiveBot, redactor: Redactor, agent: Agent) -> Teach:
    """Take everything into the queue, and label all of it as a question for the opening hours; how many items."""

    def all_of_them() -> int:
        Intake(store=store, bots=bots, redactor=redactor, audit_share=0.0, second_share=0.0).run()
        items = Queue(store.database).page(agent, Filters()).items
        verdict = Verdict(Judgement.RELABEL, "opening_hours", "opening_hours")
        for item in items:
            Reviews(store.database).decide(agent, item.id, verdict)
        return len(items)

    return all_of_them


@pytest.fixture
def eraser(settings: Settings, store: Store) -> Eraser:
    return Eraser(store=store, folder=settings.exports, reports=settings.reports, backups=settings.backups)


def forms(words: str) -> set[bytes]:
    """As files may hold them: in three encodings, and escaped as JSON does."""
    spelled = {words, words.lower(), words.upper()}
    escaped = {json.dumps(each)[1:-1] for each in spelled}
    return {each.encode(code) for each in spelled | escaped for code in ("utf-8", "utf-16-le", "utf-16-be")}


def files_with(home: Path, *words: str) -> list[str]:
    """Every file below a folder that holds one of these words, byte by byte."""
    wanted = {form for each in words for form in forms(each)}
    found = []
    for file in sorted(home.rglob("*")):
        content = file.read_bytes() if file.is_file() else b""
        if any(form in content for form in wanted):
            found.append(str(file.relative_to(home)))
    return found


def cells(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))
