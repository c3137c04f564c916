"""One running application, looked at through everything that watches it: the figures that the alarms, the dashboard and
the docs name are those that it tells, and a turn is found from the id of its request.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from chatbot import jobs, logs, standing
from chatbot.bot import LiveBot
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.conversations import Conversations
from chatbot.web.app import create_app
from chatbot.web.talk import number_of

ROOT = Path(__file__).parents[2]
CARD = "4111 1111 1111 1111"
FUNCTIONS = {"sum", "avg", "min", "max", "time", "rate", "increase", "changes", "histogram_quantile", "avg_over_time"}
OPERATORS = {"by", "offset", "and", "on", "or", "ignoring", "group_left"}
LABELS = {"le", "area", "status", "name", "action", "stage", "level", "part", "kind", "instance"}
"""What stands in expressions besides metrics."""

Samples = dict[str, list[dict[str, str]]]


class Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(logs.JsonForm().format(record)))


@pytest.fixture
def client(
    settings: Settings,
    store: Store,
    bots: LiveBot,
    redactor: Redactor,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TestClient]:
    monkeypatch.setattr(standing, "KEPT_SECONDS", 0.0)

    async def build() -> FastAPI:  # without a running loop Gradio leaves one behind
        return create_app(settings=settings, store=store, bots=bots, redactor=redactor, registry=registry)

    with TestClient(asyncio.run(build()), base_url="http://localhost:7860", client=("127.0.0.1", 50_000)) as client:
        yield client


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, log = Heard(), logging.getLogger("chatbot")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)


def scrape(client: TestClient) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def settled(client: TestClient) -> Samples:
    """Drift is found beside whoever looks."""
    scrape(client)
    for thread in threading.enumerate():
        if thread.name in ("drift", "figures"):
            thread.join(20)
    scrape(client)
    for thread in threading.enumerate():
        if thread.name == "figures":
            thread.join(20)
    return scrape(client)


def expressions() -> dict[str, str]:
    """Of all rules and panels, by where they stand."""
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "chatbot.rules.yml").read_text(encoding="utf-8"))
    board = json.loads((ROOT / "deploy" / "grafana" / "chatbot.json").read_text(encoding="utf-8"))
    found = {rule["alert"]: rule["expr"] for group in rules["groups"] for rule in group["rules"]}
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    for note in board["annotations"]["list"]:
        found[note["name"]] = note["expr"]
    return found


def wanted(expression: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Each metric of an expression with its matchers: the values that a label is asked for."""
    for name, matchers in re.findall(r"\b([a-z_]\w*)\b(?:\{([^}]*)\})?", re.sub(r'"[^"]*"(?![^{]*\})', "", expression)):
        if name.startswith("chatbot_"):
            pairs = re.findall(r'(\w+)=~?"([^"]*)"', matchers)
            yield name, {label: value.split("|") for label, value in pairs if label not in ("instance", "job")}


def identifiers(expression: str) -> set[str]:
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b\d[\w.]*", " ", expression)
    return set(re.findall(r"[A-Za-z_]\w*", bare))


def test_alarms_dashboard_and_docs_name_what_a_server_tells(client: TestClient, settings: Settings) -> None:
    jobs.note(settings.home, "backup", "error", seconds=1)
    conversation = client.post("/api/v1/conversations").json()["id"]
    for text in ("do you take visa", "where is my parcel", "what are the rings of saturn made of"):
        answer = client.post(f"/api/v1/conversations/{conversation}/messages", json={"text": text})
    reply = answer.json()["replied"]["id"]
    client.put(f"/api/v1/conversations/{conversation}/messages/{reply}/feedback", json={"verdict": "down"})
    told = settled(client)
    known = {label: set(values) for label, values in _labels(told).items()}
    for place, expression in expressions().items():
        assert identifiers(expression) <= FUNCTIONS | OPERATORS | LABELS | set(told) | {"up"}, place
        for name, matchers in wanted(expression):
            assert name in told, f"{place}: {name}"
            for label, values in matchers.items():
                assert any(label in labels for labels in told[name]), f"{place}: {name} has no label {label}"
                if label in ("stage", "area", "status", "reading") and name != "chatbot_messages_total":
                    assert set(values) <= known[label], f"{place}: {name}"
    docs = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(chatbot_\w+)`", docs))
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in told}
    assert families - named == set(), "docs/monitoring.md tells of each"
    trying = {name for name in named if re.match(r"chatbot_(experiment|shadow|arm)_", name)}
    assert named - families - trying == {"chatbot_reviews"}, "nobody has reviewed anything yet"


def _labels(told: Samples) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for samples in told.values():
        for labels in samples:
            for label, value in labels.items():
                found.setdefault(label, set()).add(value)
    return found


def test_each_panel_stands_in_its_place() -> None:
    board = json.loads((ROOT / "deploy" / "grafana" / "chatbot.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert all(target["datasource"]["uid"] == "${source}" for target in panel.get("targets", ()))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    alarms = re.findall(r"Chatbot\w+", json.dumps(board))
    rules = (ROOT / "deploy" / "prometheus" / "chatbot.rules.yml").read_text(encoding="utf-8")
    assert set(alarms) <= set(re.findall(r"alert: (\w+)", rules))


def test_a_turn_is_found_from_the_id_of_its_request(client: TestClient, heard: Heard, store: Store) -> None:
    brought = "00112233445566778899aabbccddeeff"
    conversation = client.post("/api/v1/conversations").json()["id"]
    answer = client.post(
        f"/api/v1/conversations/{conversation}/messages",
        json={"text": f"do you take visa, mine is {CARD}"},
        headers={"X-Request-Id": brought},
    )
    assert answer.headers["x-request-id"] == brought
    lines = [line for line in heard.lines if line.get("request") == brought]
    turn, request = lines
    assert (turn["event"], request["event"]) == ("turn", "request")
    assert request["route"] == "/api/v1/conversations/{conversation_id}/messages"
    stored, _ = store.conversations.around(turn["turn"])
    assert stored[-1].text == answer.json()["replied"]["text"]
    assert turn["version"]
    assert sum(turn["milliseconds"].values()) <= request["milliseconds"] + 1
    assert turn["milliseconds"]["store"] > 0
    everything = json.dumps(heard.lines)
    assert not any(secret in everything for secret in (conversation, "visa", "4111"))


def test_the_page_quotes_the_number_of_what_went_wrong(
    client: TestClient, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError(f"cannot keep {CARD}")

    def call(name: str, payload: dict[str, object]) -> tuple[dict[str, Any], str]:
        answer = client.post(f"/gradio_api/run/{name}", json={"data": [payload]})
        assert answer.status_code == 200
        return answer.json()["data"][0], answer.headers["x-request-id"]

    client.get("/")
    empty, _ = call("send", {"key": "k" * 16, "text": " "})
    assert "number" not in empty["error"], "that is no fault of ours"
    monkeypatch.setattr(Conversations, "latest_open", fails)
    answer, request = call("send", {"key": "k" * 16, "text": CARD})
    assert answer["error"]["number"] == number_of(request)
    assert answer["error"]["number"].replace(" ", "") == request[-8:]
    (line,) = (line for line in heard.lines if line["event"] == "the page failed")
    assert line["request"] == request
    assert line["error"]["type"] == "ValueError"
    assert "4111" not in json.dumps(heard.lines)
    (access,) = (line for line in heard.lines if line["event"] == "request" and line["request"] == request)
    assert access["route"] == "/gradio_api/run/send"


def test_somebody_can_look_while_all_threads_of_the_customers_wait(client: TestClient, store: Store) -> None:
    """A scrape that waits with the customers tells nothing when it is wanted most, and calls the server dead."""
    scrape(client)
    with store.database.write():
        threads = [threading.Thread(target=client.post, args=("/api/v1/conversations",)) for _ in range(44)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 10
        waiting = 0.0
        while waiting < 20 and time.monotonic() < until:
            began = time.monotonic()
            (line,) = (
                line for line in client.get("/metrics").text.splitlines() if line.startswith("chatbot_writers_waiting ")
            )
            assert time.monotonic() - began < 4
            waiting = float(line.split()[1])
        assert waiting >= 20
    for thread in threads:
        thread.join()
