"""Erasing and exporting at the desk, and an erasure from the terminal beside a running server."""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from chatbot.bot import LiveBot
from chatbot.cli import app as commands
from chatbot.redact import Redactor
from chatbot.respond import respond
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Message, Role
from chatbot.web.desk_privacy import DeskPrivacy

from .desk_app import Desk, open_desk
from .driving import LiveServer

CANARY = "Quokkabel"
QUESTION = f"my name is {CANARY} and what are the opening hours"
FORMULA = "+1 opening hours please"
ERASE, PREVIEW, EXPORTS = "/desk/api/erase", "/desk/api/erase/preview", "/desk/api/exports"
NOTHING: dict[str, Any] = {
    "examples": [],
    "imported": [],
    "kept": [],
    "versions": [],
    "files": [],
    "unreadable": [],
    "missing": [],
    "backups": [],
    "elsewhere": [],
    "backups_deleted": False,
    "troubles": [],
}


@pytest.fixture
def desk(settings: Settings, store: Store) -> Desk:
    desk = open_desk(store)
    desk.app.include_router(DeskPrivacy(settings=settings, store=store).router())
    for name, role in (("Ada", Role.ADMIN), ("Lea", Role.LEAD), ("Ben", Role.AGENT)):
        desk.add(name, role)
    return desk


@pytest.fixture
def conversation(store: Store, bots: LiveBot, redactor: Redactor) -> str:
    """In which a customer asked twice."""
    made = store.conversations.create(language="en", channel="web").id
    for words in (QUESTION, FORMULA):
        respond(Message(made, words), bot=bots.current(), store=store, redactor=redactor)
    return made


@pytest.mark.parametrize(
    ("path", "body", "allowed"),
    [
        (PREVIEW, {"matching": CANARY}, {"Ada"}),
        (ERASE, {"matching": CANARY}, {"Ada"}),
        (EXPORTS, {"what": "reviews", "format": "csv"}, {"Ada", "Lea"}),
    ],
)
def test_who_may(desk: Desk, path: str, body: dict[str, str], allowed: set[str]) -> None:
    assert desk.browser().post(path, json=body).status_code == 401
    answered = {name: desk.signed_in(name).post(path, json=body).status_code for name in ("Ada", "Lea", "Ben")}
    assert answered == {name: 200 if name in allowed else 403 for name in answered}


def test_preview_and_erase(desk: Desk, conversation: str, store: Store, settings: Settings) -> None:
    ada = desk.signed_in("Ada")
    file = Path(settings.exports) / download(desk, "conversations", "jsonl")[0]
    counts = {"conversations": 1, "messages": 4, "turns": 2, "feedback": 0, "review_items": 0, "examples": 0}
    found = NOTHING | {"counts": counts | {"versions": 0}, "files": [str(file)]}
    assert ada.post(PREVIEW, json={"conversation": conversation}).json() == found
    assert store.conversations.get(conversation).id == conversation
    assert ada.post(ERASE, json={"conversation": conversation}).json() == found
    assert not file.exists()
    with store.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM messages")) == 0
    again = ada.post(ERASE, json={"conversation": conversation}).json()
    assert again == NOTHING | {"counts": dict.fromkeys([*counts, "versions"], 0)}
    total, (newest, *_) = audit.read(store.database, what="data.erased")
    assert (total, newest.who) == (2, "Ada")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "give exactly one of conversation, customer and matching"),
        ({"matching": "abc", "customer": "a"}, "give exactly one of conversation, customer and matching"),
        ({"matching": "ab"}, "matching: give at least 3 letters"),
        ({"matching": "abc", "everything": True}, "everything: Extra inputs are not permitted"),
        ({"matching": "abc", "backups": "yes"}, "backups: Input should be a valid boolean"),
        ({"customer": "ab\ud800c"}, "customer: Input should be a valid string"),
        ({"matching": "x" * 2001}, "matching: String should have at most 2000 characters"),
    ],
)
def test_wishes_that_cannot_be(desk: Desk, body: dict[str, Any], told: str) -> None:
    content = json.dumps(body).encode("ascii")  # half a sign stays escaped
    answer = desk.signed_in("Ada").post(ERASE, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert told in answer.json()["detail"]


def download(desk: Desk, what: str, form: str, **filters: str) -> tuple[str, str, dict[str, str]]:
    answer = desk.signed_in("Lea").post(EXPORTS, json={"what": what, "format": form, "filters": filters})
    assert answer.status_code == 200, answer.text
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith(f'attachment; filename="{what}-')
    return disposition.split('"')[1], answer.text, dict(answer.headers)


@pytest.mark.usefixtures("conversation")
def test_downloads(desk: Desk, settings: Settings) -> None:
    name, content, headers = download(desk, "conversations", "csv", language="en", since="2020-01-01", source="")
    assert headers["content-type"] == "text/csv; charset=utf-8"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    rows = list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff"), newline="")))
    assert [row["question"] for row in rows] == [QUESTION, f"'{FORMULA}"]
    assert (settings.exports / name).read_text(encoding="utf-8-sig") == content.removeprefix("\ufeff").replace(
        "\r\n", "\n"
    )
    _, lines, headers = download(desk, "conversations", "jsonl")
    assert headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line)["question"] for line in lines.splitlines()] == [QUESTION, FORMULA]
    listed = desk.signed_in("Lea").get(EXPORTS).json()["exports"]
    assert [(file["kind"], file["by"], file["rows"], file["deleted_at"]) for file in listed] == [
        ("conversations", "Lea", 2, None),
        ("conversations", "Lea", 2, None),
    ]
    assert listed[1]["path"] == str((settings.exports / name).absolute())
    assert desk.signed_in("Ben").get(EXPORTS).status_code == 403


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"what": "agents", "format": "csv"}, "what: Input should be 'reviews' or 'conversations'"),
        ({"what": "reviews", "format": "xlsx"}, "format: Input should be 'jsonl' or 'csv'"),
        ({"what": "reviews", "format": "csv", "filters": {"since": "soon"}}, "filters.since: "),
        ({"what": "reviews", "format": "csv", "filters": {"verdict": "up"}}, 'verdict: there is no "up"'),
        ({"what": "conversations", "format": "csv", "filters": {"agent": "Ada"}}, "agent: conversations have no"),
        ({"what": "reviews", "format": "csv", "filters": {"path": "/etc"}}, "filters.path: Extra inputs"),
    ],
)
def test_exports_that_cannot_be(desk: Desk, body: dict[str, Any], told: str) -> None:
    answer = desk.signed_in("Lea").post(EXPORTS, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert told in answer.json()["detail"]


@pytest.fixture
def live(settings: Settings) -> Iterator[LiveServer]:
    server = LiveServer(settings.home)
    server.start()
    yield server
    server.stop()


def call(server: LiveServer, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{server.url}api/v1/conversations{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def files_with(home: Path, words: str) -> list[str]:
    forms = [form.encode(code) for form in (words, words.lower()) for code in ("utf-8", "utf-16-le")]
    files = [file for file in sorted(home.rglob("*")) if file.is_file()]
    return [str(file.relative_to(home)) for file in files if any(form in file.read_bytes() for form in forms)]


@pytest.mark.slow
def test_an_erasure_from_the_terminal_reaches_a_running_server(
    live: LiveServer, store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes on one database: the server has it open, with its write-ahead log, while the other one erases."""
    odd = f"{CANARY} frobs the wibble"  # which means nothing until an agent says so
    _, begun = call(live, "", {})
    status, first = call(live, f"/{begun['id']}/messages", {"text": odd})
    assert (status, first["explanation"]["intent"] == "size_guide" and first["action"] == "answer") == (201, False)
    with store.database.write() as session:
        session.execute(text("UPDATE turns SET taken_in = 1"))
    store.knowledge.apply(Changes(examples=(Example(odd, "size_guide", source="review"),)))
    _, taught = call(live, f"/{begun['id']}/messages", {"text": odd})
    assert (taught["action"], taught["explanation"]["intent"]) == ("answer", "size_guide")
    assert files_with(settings.home, CANARY) == ["chatbot.db-wal"]

    monkeypatch.chdir(tmp_path)
    erased = CliRunner().invoke(
        commands, ["erase", "--matching", CANARY, "--yes", "--home", str(settings.home)], catch_exceptions=False
    )
    assert (erased.exit_code, erased.stderr) == (0, "")
    assert files_with(settings.home, CANARY) == []
    assert call(live, f"/{begun['id']}/messages")[0] == 404
    _, anew = call(live, "", {})
    _, after = call(live, f"/{anew['id']}/messages", {"text": odd})
    for answered in (first, after):
        del answered["explanation"]["model_version"]
    assert after["explanation"] == first["explanation"]
    assert after["replied"]["text"] == first["replied"]["text"]
