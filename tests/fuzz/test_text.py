"""Hostile texts all the way: chat, feedback, desk, exports, report, logs, terminal. They stay text everywhere."""

from __future__ import annotations

import csv
import io
import json
import logging
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from starlette.testclient import TestClient

from chatbot import commands
from chatbot.commands.terminal import escape, plain
from chatbot.export import export_examples_csv, export_jsonl, export_templates_csv, write_export
from chatbot.importers import make_plan, parse
from chatbot.importers.body import literal
from chatbot.redact import Redactor, cleaned
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Template
from tests.training.page.test_page import told, versions
from training.page import write_page

from .hostile import hostile, short
from .profile import TIMES

V1 = "/api/v1/conversations"
TRIGGERS = tuple("=+-@\t\r＝＋－＠")
JSON = {"Content-Type": "application/json"}
FORGED = ("forged", "evil.example", "\x1b", "DROP TABLE", "pwned")


def unseen(text: str) -> set[str]:
    """What a terminal or an editor would obey."""
    return {each for each in text if unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t"}


# --- Chat, feedback, desk --------------------------------------------------------------------------------------------


def test_what_customers_write_comes_back_as_they_wrote_it(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    redactor = Redactor(r"JP-\d{6}")
    conversation = client.post(V1, json={}).json()["id"]
    expected = []
    for text in short():
        said = client.post(f"{V1}/{conversation}/messages", json={"text": text})
        if not cleaned(text):
            assert said.status_code == 422
            continue
        assert said.status_code == 201, (text, said.text)
        reply = said.json()["replied"]["id"]
        expected.append(redactor.redact(text).text)
        verdict = {"verdict": "down", "reason": "wrong", "comment": text}
        opinion = client.put(f"{V1}/{conversation}/messages/{reply}/feedback", json=verdict)
        assert (opinion.status_code, opinion.json()["comment"]) == (200, expected[-1])
    lines = client.get(f"{V1}/{conversation}/messages").json()["messages"]
    assert [line["text"] for line in lines if line["role"] == "customer"] == expected
    assert [line["feedback"]["comment"] for line in lines if line["role"] == "bot"] == expected
    assert [record for record in caplog.records if any(word in record.getMessage() for word in FORGED)] == []
    assert [record for record in caplog.records if unseen(record.getMessage())] == []


def test_a_million_characters_are_refused(client: TestClient) -> None:
    conversation = client.post(V1, json={}).json()["id"]
    for text in hostile()["long"]:
        assert client.post(f"{V1}/{conversation}/messages", json={"text": text}).status_code == 413
        assert client.post(f"{V1}/{conversation}/messages", json={"text": text[:5_000]}).status_code == 422


def test_what_agents_write_is_refused_or_kept_as_it_is(signed_in: TestClient) -> None:
    for number, text in enumerate(short()):
        body = {"key": f"hostile_{number}", "intent": "track_order", "language": "en", "body": text}
        found = signed_in.post("/desk/api/template/check", content=json.dumps(body), headers=JSON)
        assert found.status_code in (200, 422), (text, found.text)
        saved = signed_in.post("/desk/api/template", content=json.dumps(body), headers=JSON)
        assert saved.status_code in (200, 422), (text, saved.text)
        if saved.status_code == 200:
            kept = signed_in.get("/desk/api/template", params={"key": f"hostile_{number}"}).json()["body"]
            assert kept == text.strip()
            assert unseen(kept) <= {"\r"}  # of Windows' line breaks
        if number % 5 and TIMES == 1:
            continue
        for name in ("key", "intent", "owner"):
            named = signed_in.post("/desk/api/template", content=json.dumps({**body, name: text}), headers=JSON)
            assert named.status_code in (200, 404, 409, 422), (name, text, named.text)
        for address in ("queue", "templates", "intents"):
            assert signed_in.get(f"/desk/api/{address}", params={"q": text[:200]}).status_code in (200, 422), text


# --- Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["conversations", "reviews"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_files_that_leads_take_away(kind: str, form: str, client: TestClient, signed_in: TestClient) -> None:
    conversation = client.post(V1, json={}).json()["id"]
    for text in (*hostile()["formula"], *hostile()["log"]):
        client.post(f"{V1}/{conversation}/messages", json={"text": text})
    answer = signed_in.post("/desk/api/exports", json={"what": kind, "format": form, "filters": {}})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    if form == "jsonl":
        assert all(isinstance(json.loads(line), dict) for line in answer.text.splitlines() if line)
        return
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [cell for row in rows for cell in row if cell.startswith(TRIGGERS)] == []


def test_knowledge_goes_out_and_comes_back(empty_store: Store, tmp_path: Path) -> None:
    texts = [text for text in short() if text.strip() and "\0" not in text]
    redactor = Redactor()
    asked = list(dict.fromkeys(clean for text in texts if (clean := redactor.redact(text).text)))
    empty_store.knowledge.apply(
        Changes(
            templates=tuple(Template(f"key_{n}", "greet", literal(text.strip())) for n, text in enumerate(texts)),
            examples=tuple(Example(text, "greet") for text in asked),
        )
    )
    snapshot = empty_store.knowledge.snapshot()
    lines = list(export_jsonl(snapshot))
    assert all(line.count("\n") == 1 and len(line.splitlines()) == 1 for line in lines)
    for name, table in (("t.csv", export_templates_csv(snapshot)), ("e.csv", export_examples_csv(snapshot))):
        write_export(table, tmp_path / name)
        rows = list(csv.reader(io.StringIO((tmp_path / name).read_text(encoding="utf-8-sig"), newline="")))
        assert [cell for row in rows for cell in row if cell.startswith(TRIGGERS)] == []
    write_export(lines, tmp_path / "all.jsonl")
    for name in ("all.jsonl", "t.csv", "e.csv"):
        again = make_plan(parse([tmp_path / name], redactor=redactor, language="en"), snapshot)
        assert not again.changes, (name, again.summary())


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        loading = ("src", "href", "action")
        self.addresses |= {f"{name}={value}" for name, value in attrs if name in loading or name.startswith("on")}


def test_the_report_of_a_run(tmp_path: Path) -> None:
    candidate, active = versions()
    plain_page, hostile_page = Tags(), Tags()
    texts = [*short(), *(text[:100_000] for text in hostile()["long"])]
    reported = told(candidate, active)
    plain_page.feed(write_page(reported, tmp_path / "plain").read_text(encoding="utf-8"))
    pairs = [(text, text) for text in texts]
    data = replace(reported.data, conflicts=pairs, suspicions=pairs)
    page = write_page(
        replace(reported, data=data, label_next=pairs, inherited={"x": texts[0]}),
        tmp_path / "hostile",
    ).read_text(encoding="utf-8")
    hostile_page.feed(page)
    assert hostile_page.found <= plain_page.found
    assert hostile_page.addresses == plain_page.addresses
    assert unseen(page) == set()
    assert not {"\u202e", "\u2066", "\u2028"} & set(page)


# --- Terminal --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", hostile())
def test_a_terminal_shows_texts_and_obeys_none(kind: str) -> None:
    for text in hostile()[kind]:
        said = text[:5_000]
        file = io.StringIO()
        Console(file=file, force_terminal=True, highlight=False, soft_wrap=True, emoji=False).print(escape(said))
        shown = file.getvalue()
        assert unseen(shown) == set(), said
        assert shown.rstrip("\n").replace("\t", " ").split() == plain(said).replace("\t", " ").split()


def test_a_command_says_an_answer_as_it_stands(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    body = " | ".join(text for text in short(200) if text.strip() and "\0" not in text)
    old = next(each for each in store.knowledge.snapshot().templates if each.key == "opening_hours")
    store.knowledge.apply(Changes(templates=(Template(old.key, old.intent, literal(body)),)))
    commands.ask(settings, "what are your opening hours", explain=True)
    said = capsys.readouterr().out
    assert unseen(said) == set()
    assert "[bold red]rich[/bold red]" in said
    assert ":warning: :heart: :smile:" in said
    assert "\u202e" not in said
