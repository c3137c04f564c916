"""Takes canaries everywhere that customers' words can get, in the real program, with its log at its most talkative."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from benchmarks.canaries.corpus import Canary
from benchmarks.canaries.leaks import leaked
from benchmarks.canaries.searching import Found, files_with
from chatbot.commands.backing_up import back_up
from chatbot.commands.knowing import export, import_into
from chatbot.desk.intake import Intake
from chatbot.desk.wordings import check
from chatbot.logs import JsonForm
from chatbot.redact import Redactor
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.drafts import Drafts
from chatbot.store.must_pass import MustPass
from chatbot.store.queue import Filters, Queue
from chatbot.store.reviews import Reviews, Verdict
from chatbot.types import Agent, Judgement, Role, Template
from chatbot.wiring import House, build_app, open_house
from training.progress import Lines
from training.retrain import retrain

V1 = "/api/v1/conversations"
CRASH = f"{V1}/crash"
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
"""Nobody signs in with it."""


def travel(settings: Settings, canaries: Sequence[Canary], place: Path) -> None:
    """All stops. `settings.home` has a trained shop; everything else that is written goes below `place`, where the
    folder `given` holds what went in."""
    given = place / "given"
    given.mkdir()
    with _talkative(place / "program.log"), _temporary(place / "temporary"), open_house(settings) as house:
        agent = house.store.agents.add("Ana", role=Role.ADMIN, password_hash=HASH, by="test")
        app = asyncio.run(_application(house))
        with TestClient(app, base_url="http://localhost:7860", raise_server_exceptions=False) as client:
            intent = house.store.knowledge.snapshot().intents[0].name
            said = _chat(client, canaries)
            _rate(client, said, canaries)
            _write_on_the_page(client, canaries)
            _crash(client, canaries)
            _crash_in_the_store(client, settings, canaries)
        _import(house, canaries, intent, given)
        _review(house, agent, canaries, intent)
        retrain(settings, store=house.store, registry=house.registry, steps=Lines())
    _export(settings, place)
    _back_up(settings, place)


def masked(redactor: Redactor, canaries: Sequence[Canary]) -> list[Canary]:
    """Those that redaction knows: what it misses is published as such, and stays in the text."""
    return [canary for canary in canaries if not leaked(canary, redactor.redact(canary.text).text)]


def found_below(place: Path, canaries: Sequence[Canary], *, but: set[Path]) -> list[Found]:
    """In every file below a folder, but what went in and `but`, which were there before."""
    files = [file for file in sorted(place.rglob("*")) if file.is_file() and place / "given" not in file.parents]
    return files_with(canaries, [file for file in files if file not in but])


def unwarned(redactor: Redactor, canaries: Sequence[Canary]) -> list[Canary]:
    """Answers are the shop's own words and stay as they are. Links belong there; of the rest the desk has to warn."""
    templates = (
        (canary, Template("draft", "intent", canary.text)) for canary in canaries if "shop.example" not in canary.value
    )
    return [canary for canary, template in templates if not check(template, facts={}, redactor=redactor).warnings]


async def _application(house: House) -> FastAPI:
    """With one more route, which fails and tells all it knows. Without a running loop Gradio leaves one behind."""
    app = build_app(house)
    trap = APIRouter()

    def fail(body: dict[str, str]) -> None:
        raise ValueError(f"cannot read {body['text']}")

    trap.add_api_route(CRASH, fail, methods=["POST"])
    app.router.routes.insert(0, trap.routes[0])
    return app


def _chat(client: TestClient, canaries: Sequence[Canary]) -> list[tuple[str, str]]:
    """Through the REST API, some in each conversation; the conversation and the message of each reply."""
    said = []
    for number, canary in enumerate(canaries):
        if number % 10 == 0:
            conversation = client.post(V1, json={"language": canary.language}).json()["id"]
        answer = client.post(f"{V1}/{conversation}/messages", json={"text": canary.text})
        assert answer.status_code == 201, answer.text
        said.append((conversation, answer.json()["replied"]["id"]))
    return said


def _rate(client: TestClient, said: Sequence[tuple[str, str]], canaries: Sequence[Canary]) -> None:
    for (conversation, message), canary in zip(said, reversed(canaries), strict=True):
        opinion = {"verdict": "down", "reason": "wrong", "comment": canary.text}
        answer = client.put(f"{V1}/{conversation}/messages/{message}/feedback", json=opinion)
        assert answer.status_code == 200, answer.text


def _write_on_the_page(client: TestClient, canaries: Sequence[Canary]) -> None:
    """As the browser does; every fifth, since the way behind the route is that of the API."""
    client.get("/")
    for number, canary in enumerate(canaries[::5]):
        call = {"text": canary.text, "key": f"canary-on-the-page-{number:04}"}
        answer = client.post("/gradio_api/run/send", json={"data": [call]})
        assert answer.status_code == 200, answer.text


def _crash(client: TestClient, canaries: Sequence[Canary]) -> None:
    for canary in canaries[::10]:
        assert client.post(CRASH, json={"text": canary.text}).status_code == 500


def _crash_in_the_store(client: TestClient, settings: Settings, canaries: Sequence[Canary]) -> None:
    """The database refuses, and its driver's message has every value of the statement at hand."""
    conversation = client.post(V1, json={}).json()["id"]
    with closing(sqlite3.connect(settings.home / "chatbot.db", isolation_level=None)) as database:
        database.execute("CREATE TRIGGER refuse BEFORE INSERT ON messages BEGIN SELECT * FROM not_there; END")
        for canary in canaries[::10]:
            answer = client.post(f"{V1}/{conversation}/messages", json={"text": canary.text})
            assert answer.status_code in (500, 503), answer.text
        database.execute("DROP TRIGGER refuse")


def _import(house: House, canaries: Sequence[Canary], intent: str, given: Path) -> None:
    """As labelled examples, and as what a customer says in old dialogues."""
    examples = given / "examples.jsonl"
    rows = [{"type": "example", "text": canary.text, "intent": intent} for canary in canaries]
    examples.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    import_into(house, [examples])


def _review(house: House, agent: Agent, canaries: Sequence[Canary], intent: str) -> None:
    """An agent labels what was asked, asks some as questions that must pass, and drafts an answer."""
    Intake(store=house.store, bots=house.bots, redactor=house.redactor, audit_share=1.0, second_share=0.0).run()
    for item in Queue(house.store.database).page(agent, Filters()).items:
        Reviews(house.store.database).decide(agent, item.id, Verdict(Judgement.RELABEL, intent))
    must_pass = MustPass(house.store.database)
    for canary in canaries[::20]:
        must_pass.add(house.redactor.redact(canary.text).text, intent, language=canary.language, by=agent)
    Drafts(house.store.database).save(Template("canary.draft", intent, "Thank you, we will see to it."), by=agent)


def _export(settings: Settings, place: Path) -> None:
    exports = place / "exports"
    exports.mkdir()
    for form in ("jsonl", "csv"):
        export(settings, exports / f"knowledge.{form}")
        export(settings, exports / f"reviews.{form}", reviews=True)
        export(settings, exports / f"conversations.{form}", conversations=True)


def _back_up(settings: Settings, place: Path) -> None:
    """With the command; and as a migration does, with SQLite's own copying, page by page, free ones too."""
    back_up(settings, place / "whole.tar", all_versions=False, keep=None, quiet=True, as_json=False)
    with (
        closing(sqlite3.connect(settings.home / "chatbot.db")) as source,
        closing(sqlite3.connect(place / "copy.db")) as copy,
    ):
        source.backup(copy)
    Store.open(settings.url, migrate=True).close()


@contextmanager
def _talkative(file: Path) -> Iterator[None]:
    """Everything that any library says, down to the least, as the program writes it."""
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(JsonForm())
    handler.setLevel(logging.DEBUG)
    before = logging.root.level
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logging.root.removeHandler(handler)
        logging.root.setLevel(before)
        handler.close()


@contextmanager
def _temporary(folder: Path) -> Iterator[None]:
    folder.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
