"""The REST API over a real bot and a real database, as a program meets it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from chatbot.bot import POLICY_FILE, LiveBot, save_policy
from chatbot.phrases import phrase
from chatbot.redact import Redactor
from chatbot.registry import MANIFEST, Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.explanations import Explanation
from chatbot.types import Action, Exchange, Passage, Reason
from chatbot.web.app import create_app
from chatbot.web.bodies import ExchangeOut

QUESTION = "Where is my order JP-123456?"
UNSURE = "is the jacket here today"
V1 = "/api/v1/conversations"

Open = Callable[..., TestClient]


@pytest.fixture(scope="module")
def settings(tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One home for all tests of this file: each has conversations of its own, which is all that they share."""
    home = shutil.copytree(tiny_shop, tmp_path_factory.mktemp("api") / "home")
    return Settings(home=home, order_number=r"JP-\d{6}", threads=1)


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[Store]:
    store = Store.open(settings.url)
    yield store
    store.close()


@pytest.fixture(scope="module")
def bots(settings: Settings, store: Store) -> LiveBot:
    """The small shop's bot with a stricter policy, so that it asks back where it is unsure."""
    registry = Registry(settings.models, store.versions)
    bots = LiveBot(registry, store.knowledge, threads=1)
    with registry.new_version() as building:
        shutil.copytree(registry.active(), building, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        (building / POLICY_FILE).unlink()
        save_policy(replace(bots.current().policy, answer_at=0.9, clarify_at=0.2), building / POLICY_FILE)
        name = registry.register(building, about={}, metrics={}, by="test")
    registry.promote(name, by="test")
    assert bots.current().version == name
    return bots


@pytest.fixture(scope="module")
def open_client(settings: Settings, store: Store, bots: LiveBot, redactor: Redactor) -> Open:
    """A client of an application with other settings than the usual ones."""

    def open_it(*, bots: LiveBot = bots, **changes: Any) -> TestClient:
        async def build() -> FastAPI:  # without a running loop Gradio leaves one behind
            changed = settings.model_copy(update=changes)
            return create_app(settings=changed, store=store, bots=bots, redactor=redactor)

        return TestClient(asyncio.run(build()), base_url="http://localhost:7860", client=("127.0.0.1", 50_000))

    return open_it


@pytest.fixture(scope="module")
def client(open_client: Open) -> TestClient:
    return open_client(messages_per_minute=100_000, requests_per_minute=100_000)


@pytest.fixture(scope="module")
def conversation(client: TestClient) -> str:
    return _begin(client)


def _begin(client: TestClient) -> str:
    response = client.post(V1, json={})
    assert response.status_code == 201
    return str(response.json()["id"])


def _say(client: TestClient, conversation: str, text: str = QUESTION, key: str | None = None, **more: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{V1}/{conversation}/messages", json={"text": text, **more}, headers=headers)


def _problem(response: Any, status: int, *fields: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert set(document) == {"type", "title", "status", "detail", "instance", "errors"}
    assert document["status"] == status
    assert document["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert tuple(error["field"] for error in document["errors"]) == fields
    return document


def _offered(client: TestClient, conversation: str) -> dict[str, str]:
    """A choice that the bot really offered."""
    said = _say(client, conversation, UNSURE).json()
    assert (said["action"], said["explanation"]["reason"]) == ("clarify", "unsure")
    choice: dict[str, str] = said["choices"][0]
    return choice


def test_a_conversation_begins(client: TestClient, settings: Settings) -> None:
    response = client.post(V1)
    assert response.status_code == 201
    begun = response.json()
    assert set(begun) == {"id", "language", "created_at", "ended_at"}
    assert (begun["language"], begun["ended_at"]) == (settings.language, None)
    assert len(begun["id"]) == 22
    assert client.post(V1, json={"language": "zh"}).json()["language"] == "zh"
    assert client.post(V1, json={"language": None}).json()["language"] == settings.language


@pytest.mark.parametrize("language", ["", "english", "EN", "en_GB", "e", "en-" + "x" * 20, 5, ["en"], "en\u0000"])
def test_a_language_that_is_none(client: TestClient, language: object) -> None:
    _problem(client.post(V1, json={"language": language}), 422, "language")


def test_an_answer_with_its_explanation(client: TestClient, bots: LiveBot) -> None:
    response = _say(client, _begin(client))
    assert response.status_code == 201
    said = response.json()
    assert set(said) == {"asked", "replied", "action", "choices", "explanation", "source"}
    assert said["source"] is None
    assert (said["asked"]["role"], said["replied"]["role"]) == ("customer", "bot")
    assert said["asked"]["text"] == "Where is my order [order]?"
    assert "JP-123456" in said["replied"]["text"]
    assert (said["action"], said["replied"]["action"], said["choices"]) == ("answer", "answer", [])
    why = said["explanation"]
    assert set(why) == {"intent", "probability", "reason", "template", "model_version", "parts", "follows_up"}
    assert (why["parts"], why["follows_up"]) == ([], False)
    assert (why["intent"], why["reason"]) == ("track_order", "sure")
    assert bots.current().policy.answer_at <= why["probability"] <= 1
    assert why["template"] == {"key": "track_order", "revision": 1}
    assert why["model_version"] == bots.current().version


def test_several_questions_are_explained_one_by_one(client: TestClient) -> None:
    said = _say(client, _begin(client), "Where is my order JP-123456? Which cards do you take?").json()
    assert "JP-123456 is on its way" in said["replied"]["text"]
    why = said["explanation"]
    assert (said["action"], why["reason"], why["intent"], why["template"]) == ("answer", "several", None, None)
    told = [(part["action"], part["reason"], part["intent"], part["template"]) for part in why["parts"]]
    assert told == [
        ("answer", "sure", "track_order", {"key": "track_order", "revision": 1}),
        ("answer", "sure", "payment_methods", {"key": "payment_methods", "revision": 1}),
    ]
    assert why["probability"] == pytest.approx(min(part["probability"] for part in why["parts"]), abs=1e-6)


def test_a_quoted_answer_names_its_source(client: TestClient, store: Store) -> None:
    conversation = _begin(client)
    _say(client, conversation)
    asked, replied = store.conversations.transcript(conversation)
    exchange = Exchange(asked, replied)
    why = Explanation(Reason.DOCUMENT, 0.1, None, None, None, "v1", 1)
    passage = Passage("stores.md", "Our stores > Keswick", "Words.", "https://tinyshop.example/stores")
    source = ExchangeOut.of(exchange, replace(why, passage=passage)).model_dump()["source"]
    assert source == {
        "document": "stores.md",
        "title": "Our stores > Keswick",
        "link": "https://tinyshop.example/stores",
    }
    without = ExchangeOut.of(exchange, replace(why, passage=replace(passage, link="")))
    assert without.model_dump()["source"]["link"] is None


def test_asking_for_a_person_needs_no_words(client: TestClient) -> None:
    said = _say(client, _begin(client), "", wants_person=True).json()
    assert said["asked"]["text"] == phrase("person", "en")
    assert said["replied"]["text"] == phrase("handoff.person", "en")
    assert (said["action"], said["explanation"]["reason"]) == (Action.HANDOFF, "asked_for_person")
    assert said["explanation"]["template"] is None


def test_a_choice_says_what_stands_on_its_button(client: TestClient) -> None:
    conversation = _begin(client)
    choice = _offered(client, conversation)
    assert set(choice) == {"intent", "title"}
    response = _say(client, conversation, "", choice=choice["intent"])
    assert response.status_code == 201
    said = response.json()
    assert said["asked"]["text"] == choice["title"]
    assert said["explanation"]["intent"] == choice["intent"]
    assert said["explanation"]["reason"] in ("chosen", "needs_variable")


def test_a_choice_that_was_never_offered(client: TestClient) -> None:
    conversation = _begin(client)
    document = _problem(_say(client, conversation, "x", choice="track_order"), 422, "choice")
    assert document["detail"] == "choice: was not offered in this conversation"
    assert client.get(f"{V1}/{conversation}/messages").json() == {"messages": []}


def test_a_choice_of_another_conversation_is_none_here(client: TestClient) -> None:
    choice = _offered(client, _begin(client))
    _problem(_say(client, _begin(client), "", choice=choice["intent"]), 422, "choice")


def test_a_key_that_comes_again_gives_the_first_answer(client: TestClient) -> None:
    conversation = _begin(client)
    first = _say(client, conversation, "where is my parcel", "key-1")
    again = _say(client, conversation, "where is my parcel", "key-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = _say(client, conversation, "where is my parcel", "key-2")
    assert other.status_code == 201
    assert other.json()["asked"]["id"] != first.json()["asked"]["id"]
    assert len(client.get(f"{V1}/{conversation}/messages").json()["messages"]) == 4


def test_a_key_is_of_one_conversation(client: TestClient) -> None:
    statuses = [_say(client, _begin(client), QUESTION, "key-1").status_code for _ in range(2)]
    assert statuses == [201, 201]


def test_a_key_for_another_message(client: TestClient) -> None:
    conversation = _begin(client)
    _say(client, conversation, "where is my parcel", "key-1")
    document = _problem(_say(client, conversation, "something else", "key-1"), 422, "Idempotency-Key")
    assert "already used" in document["detail"]


def test_the_same_key_from_many_at_once_is_one_message(client: TestClient) -> None:
    conversation = _begin(client)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: _say(client, conversation, "where is my parcel", "key-1"), range(16)))
    assert sorted(response.status_code for response in said) == [200] * 15 + [201]
    assert len({response.json()["replied"]["id"] for response in said}) == 1


@pytest.mark.parametrize("key", ["x" * 129, "with blank", "ümlaut", "tab\t"])
def test_a_key_that_is_none(client: TestClient, key: str) -> None:
    response = client.post(
        f"{V1}/{_begin(client)}/messages", json={"text": "hi"}, headers={b"Idempotency-Key": key.encode("latin-1")}
    )
    _problem(response, 422, "Idempotency-Key")


def test_the_transcript_is_what_was_said_with_personal_data_masked(client: TestClient) -> None:
    conversation = _begin(client)
    said = [_say(client, conversation, text).json() for text in (QUESTION, "my mail is ann@example.org")]
    messages = client.get(f"{V1}/{conversation}/messages").json()["messages"]
    assert [message["id"] for message in messages] == [
        said[n][side]["id"] for n in (0, 1) for side in ("asked", "replied")
    ]
    assert [message["text"] for message in messages[::2]] == ["Where is my order [order]?", "my mail is [email]"]
    assert "JP-123456" not in json.dumps(messages)


def test_feedback_can_be_changed(client: TestClient) -> None:
    conversation = _begin(client)
    said = _say(client, conversation).json()
    url = f"{V1}/{conversation}/messages/{said['replied']['id']}/feedback"
    given_ = {"verdict": "down", "reason": "wrong", "comment": "Call me: ann@example.org"}
    assert client.post(url, json=given_).json() == given_ | {"comment": "Call me: [email]"}
    line = client.get(f"{V1}/{conversation}/messages").json()["messages"][1]
    assert line["feedback"] == given_ | {"comment": "Call me: [email]"}
    changed = client.put(url, json={"verdict": "up"})
    assert (changed.status_code, changed.json()) == (200, {"verdict": "up", "reason": None, "comment": None})
    line = client.get(f"{V1}/{conversation}/messages").json()["messages"][1]
    assert line["feedback"] == {"verdict": "up", "reason": None, "comment": None}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "verdict"),
        ({"verdict": "sideways"}, "verdict"),
        ({"verdict": "up", "reason": "wrong"}, "reason"),
        ({"verdict": "down", "reason": "my number is 555"}, "reason"),
        ({"verdict": "up", "comment": "x" * 2001}, "comment"),
        ({"verdict": "up", "comment": 5}, "comment"),
        ({"verdict": "up", "stars": 5}, "stars"),
    ],
)
def test_feedback_that_is_none(client: TestClient, body: dict[str, Any], field: str) -> None:
    conversation = _begin(client)
    replied = _say(client, conversation).json()["replied"]["id"]
    _problem(client.post(f"{V1}/{conversation}/messages/{replied}/feedback", json=body), 422, field)


def test_feedback_on_what_the_bot_did_not_say_here(client: TestClient) -> None:
    conversation, other = _begin(client), _begin(client)
    said = _say(client, conversation).json()
    for where, message in (
        (conversation, said["asked"]["id"]),
        (conversation, "x" * 22),
        (conversation, "%00"),
        (other, said["replied"]["id"]),
    ):
        _problem(client.post(f"{V1}/{where}/messages/{message}/feedback", json={"verdict": "up"}), 404)


def test_an_ended_conversation_can_be_read_and_not_gone_on_with(client: TestClient) -> None:
    conversation = _begin(client)
    first = _say(client, conversation, "where is my parcel", "key-1")
    ended = client.post(f"{V1}/{conversation}/end")
    assert ended.status_code == 200
    assert ended.json()["ended_at"] is not None
    assert client.post(f"{V1}/{conversation}/end").json() == ended.json()
    assert _problem(_say(client, conversation), 409)["detail"] == "This conversation was ended; start a new one."
    assert len(client.get(f"{V1}/{conversation}/messages").json()["messages"]) == 2
    assert _say(client, conversation, "where is my parcel", "key-1").json() == first.json()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "messages"),
        ("GET", "messages"),
        ("POST", "end"),
        ("POST", "messages/x/feedback"),
        ("PUT", "messages/x/feedback"),
    ],
)
@pytest.mark.parametrize("conversation", ["x" * 22, "nobody", "x" * 500, "%00", "..%2f..", "%ff", "' or 1=1 --"])
def test_a_conversation_that_is_not_there(client: TestClient, conversation: str, method: str, path: str) -> None:
    bodies = {"messages": {"text": "hi"}, "messages/x/feedback": {"verdict": "up"}}
    body = bodies.get(path) if method != "GET" else None
    _problem(client.request(method, f"{V1}/{conversation}/{path}", json=body), 404)


def test_what_a_browser_began_is_its_own(client: TestClient) -> None:
    mine, yours = {"Cookie": f"visitor={'a' * 22}"}, {"Cookie": f"visitor={'b' * 22}"}
    conversation = client.post(V1, headers=mine).json()["id"]
    url = f"{V1}/{conversation}/messages"
    said = client.post(url, json={"text": "where is my parcel"}, headers=mine)
    assert said.status_code == 201
    for method, path, body in (
        ("POST", url, {"text": "hi"}),
        ("GET", url, None),
        ("POST", f"{V1}/{conversation}/end", None),
        ("PUT", f"{url}/{said.json()['replied']['id']}/feedback", {"verdict": "up"}),
    ):
        _problem(client.request(method, path, json=body, headers=yours), 404)
        _problem(client.request(method, path, json=body), 404)  # nor with no cookie at all
    assert client.get(url, headers=mine).status_code == 200


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u200b\u200b", "\u0000", "\u00a0"])
def test_nothing_said(client: TestClient, text: str) -> None:
    assert "is empty" in _problem(_say(client, _begin(client), text), 422, "text")["detail"]


def test_the_longest_text(open_client: Open) -> None:
    client = open_client(max_message_chars=40)
    conversation = _begin(client)
    assert _say(client, conversation, "  " + "ü" * 40 + "  ").status_code == 201
    document = _problem(_say(client, conversation, "ü" * 41), 422, "text")
    assert document["errors"] == [{"field": "text", "message": "has 41 characters; at most 40 are accepted"}]


def test_the_largest_body(open_client: Open) -> None:
    client = open_client(max_body_bytes=1024)
    document = _problem(_say(client, _begin(client), "x" * 1100), 413, "body")
    assert document["errors"] == [{"field": "body", "message": "at most 1024 bytes are accepted"}]


def test_too_many_messages_in_one_conversation(open_client: Open) -> None:
    client = open_client(messages_per_minute=2)
    conversation = _begin(client)
    assert [_say(client, conversation).status_code for _ in range(2)] == [201, 201]
    response = _say(client, conversation)
    document = _problem(response, 429, "conversation_id")
    assert "at most 2 messages a minute" in document["detail"]
    assert response.headers["retry-after"] == "30"
    assert _say(client, _begin(client)).status_code == 201


def test_too_many_verdicts_in_one_conversation(open_client: Open) -> None:
    client = open_client(messages_per_minute=2)
    conversation = _begin(client)
    reply = _say(client, conversation).json()["replied"]["id"]
    path = f"{V1}/{conversation}/messages/{reply}/feedback"
    assert [client.put(path, json={"verdict": verdict}).status_code for verdict in ("up", "down")] == [200, 200]
    response = client.put(path, json={"verdict": "up"})
    assert "at most 2 verdicts a minute" in _problem(response, 429, "conversation_id")["detail"]
    assert _say(client, conversation).status_code == 201, "words have their own measure"


def test_too_many_requests_from_one_address(open_client: Open) -> None:
    client = open_client(requests_per_minute=1)
    _begin(client)
    response = client.post(V1)
    _problem(response, 429, "address")
    assert response.headers["retry-after"] == "60"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, ("body",)),
        (b"not json", 400, ("body",)),
        (b"\xff\xfe", 400, ("body",)),
        (b'{"text": "\xff"}', 400, ()),
        (b"[" * 60_000, 400, ()),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, ()),
        (b'{"text": ' + b"9" * 5000 + b"}", 400, ()),
        (b'{"text": 1e999}', 422, ("text",)),
        (b'{"text": NaN}', 422, ("text",)),
        (b'{"text": null}', 422, ("text",)),
        (b'{"text": ["hi"]}', 422, ("text",)),
        (b'{"text": true}', 422, ("text",)),
        (b'{"text": "hi", "\\ud800": 1}', 422, ("body",)),
        (b'{"text": "hi", "other": 1}', 422, ("other",)),
        (b'{"text": "hi", "wants_person": "yes"}', 422, ("wants_person",)),
        (b'{"text": "hi", "wants_person": 1}', 422, ("wants_person",)),
        (b'{"text": "hi", "choice": ""}', 422, ("choice",)),
        (b'{"text": "hi", "choice": 5, "x": 1}', 422, ("choice", "x")),
        (b'{"text": "hi", "choice": "\\u0000"}', 422, ("choice",)),
        (b'{"text": "hi", "choice": "' + b"x" * 201 + b'"}', 422, ("choice",)),
        (b'"hi"', 422, ("body",)),
        (b"[]", 422, ("body",)),
        (b"null", 422, ("body",)),
        (b"", 422, ("body",)),
    ],
)
def test_bodies_that_are_none(client: TestClient, body: bytes, status: int, field: tuple[str, ...]) -> None:
    response = client.post(
        f"{V1}/{_begin(client)}/messages", content=body, headers={"Content-Type": "application/json"}
    )
    _problem(response, status, *field)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
     "application/json; charset=utf-16", "application", "", None],
)  # fmt: skip
def test_only_json_is_read(client: TestClient, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = client.post(f"{V1}/{_begin(client)}/messages", content=b'{"text": "hi"}', headers=headers)
    _problem(response, 415, "Content-Type")
    _problem(client.post(V1, content=b'{"language": "en"}', headers=headers), 415, "Content-Type")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=UTF-8"])
def test_json_by_any_spelling(client: TestClient, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = client.post(f"{V1}/{_begin(client)}/messages", content=b'{"text": "hi"}', headers=headers)
    assert response.status_code == 201


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v2/conversations", "/api/v1/conversations/", "/api/%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_addresses_that_are_none(client: TestClient, path: str, method: str) -> None:
    _problem(client.request(method, path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", V1, "POST"),
        ("DELETE", f"{V1}/x/messages", "GET, POST"),
        ("GET", f"{V1}/x/end", "POST"),
        ("PATCH", f"{V1}/x/messages/y/feedback", "POST, PUT"),
        ("OPTIONS", f"{V1}/x/messages", "GET, POST"),
        ("POST", "/api/v1/openapi.json", "GET, HEAD"),
    ],
)
def test_methods_that_are_none(client: TestClient, method: str, path: str, allowed: str) -> None:
    response = client.request(method, path)
    _problem(response, 405)
    assert response.headers["allow"] == allowed


@pytest.mark.slow
def test_a_database_that_is_busy(client: TestClient, settings: Settings) -> None:
    """Another process holds the write lock for longer than a customer would wait."""
    conversation = _begin(client)
    with contextlib.closing(sqlite3.connect(settings.home / "chatbot.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        response = _say(client, conversation)
    assert "busy" in _problem(response, 503)["detail"]
    assert response.headers["retry-after"] == "1"
    assert _say(client, conversation).status_code == 201


def test_no_model_yet(open_client: Open, store: Store, tmp_path: Path) -> None:
    client = open_client(bots=LiveBot(Registry(tmp_path / "no-models", store.versions), store.knowledge))
    response = _say(client, _begin(client))
    assert "no model" in _problem(response, 503)["detail"]
    assert response.headers["retry-after"] == "10"


def test_half_a_character_is_shown_as_such(client: TestClient) -> None:
    """A lone surrogate: what a broken client makes of an emoji. It cannot be stored, but answered."""
    response = client.post(
        f"{V1}/{_begin(client)}/messages",
        content=b'{"text": "where is my parcel \\ud83d"}',
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 201
    assert response.json()["asked"]["text"] == "where is my parcel \ufffd"


@pytest.mark.parametrize(("method", "path"), [("POST", V1), ("GET", f"{V1}/x/messages"), ("POST", f"{V1}/x/end")])
def test_answers_are_not_kept_by_browsers(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path).headers["cache-control"] == "no-store"


def test_the_openapi_document(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    paths = {path: sorted(methods) for path, methods in document["paths"].items()}
    assert paths == {
        "/healthz": ["get"],
        "/readyz": ["get"],
        "/api/v1/conversations": ["post"],
        "/api/v1/conversations/{conversation_id}/messages": ["get", "post"],
        "/api/v1/conversations/{conversation_id}/messages/{message_id}/feedback": ["post", "put"],
        "/api/v1/conversations/{conversation_id}/end": ["post"],
    }
    send = document["paths"]["/api/v1/conversations/{conversation_id}/messages"]["post"]
    assert sorted(send["responses"]) == ["200", "201", "400", "404", "409", "413", "415", "422", "429", "503"]
    for status, response in send["responses"].items():
        expected = "application/json" if status in ("200", "201") else "application/problem+json"
        assert list(response["content"]) == [expected]
    header = next(entry for entry in send["parameters"] if entry["in"] == "header")
    assert header["name"] == "Idempotency-Key"
    schemas = document["components"]["schemas"]
    for name in ("NewConversation", "NewMessage", "NewFeedback"):
        assert schemas[name]["additionalProperties"] is False
        assert all("examples" in field or "description" in field for field in schemas[name]["properties"].values())
    assert "http" not in json.dumps(document)  # nothing is fetched from elsewhere
    operations = [entry["operationId"] for methods in document["paths"].values() for entry in methods.values()]
    assert len(set(operations)) == len(operations)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(st.characters(), max_size=60) | JSON_VALUES,
        "choice": st.text(st.characters(), max_size=20) | JSON_VALUES,
        "wants_person": st.booleans() | JSON_VALUES,
        "extra": JSON_VALUES,
    },
)
EXPECTED = {200, 201, 400, 404, 409, 413, 415, 422, 429}


@hypothesis_settings(
    max_examples=150,
    deadline=None,  # the machine is shared; what counts here is the status
)
@given(body=MESSAGES | JSON_VALUES, key=st.none() | st.text(st.characters(max_codepoint=255), max_size=140))
@example(body={"text": "a\ud800b"}, key=None)
@example(body={"text": "\u0000 \u202e 1e400"}, key="\xff")
def test_no_message_breaks_it(client: TestClient, conversation: str, body: Any, key: str | None) -> None:
    headers = {b"Content-Type": b"application/json"}
    if key is not None and not set(key) & set("\r\n\0"):
        headers[b"Idempotency-Key"] = key.encode("latin-1")
    response = client.post(f"{V1}/{conversation}/messages", content=json.dumps(body).encode(), headers=headers)
    assert response.status_code in EXPECTED
    if response.status_code >= 400:
        _problem(response, response.status_code, *[error["field"] for error in response.json()["errors"]])
    else:
        assert response.json()["replied"]["text"]


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    body=st.binary(max_size=200),
    content_type=st.sampled_from(["application/json", "text/plain", "application/json; charset=latin-1", "x"]),
    path=st.sampled_from(["", "/x/messages", "/x/end", "/x/messages/y/feedback", "/%00/messages", "/x/y"]),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
)
def test_no_bytes_break_it(client: TestClient, body: bytes, content_type: str, path: str, method: str) -> None:
    response = client.request(method, V1 + path, content=body, headers={"Content-Type": content_type})
    assert response.status_code in EXPECTED | {405}
