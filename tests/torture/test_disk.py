"""A disk that takes nothing, under a running server: one server for all, and a limit that any user may set and lift."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.torture.asking import Reply, Visitor, begin, request, say, seconds_until
from benchmarks.torture.customers import DESK, PASSWORD, hire
from benchmarks.torture.place import ROOT, Place, Serving
from benchmarks.torture.small_disk import NOTHING, files_limited

FULL = "database: cannot be written: its disk is full"
GONE = "database: cannot be used: its file was deleted or replaced"
CANNOT_ANSWER = "Our assistant cannot answer right now. Nothing is lost: your words are still here."
CANNOT_ANSWER_ZH = "助手暂时无法回答。您输入的内容仍在这里，不会丢失。"
NOT_SAVED = "We could not save that just now. Please try again in a minute."
RECOVERED_WITHIN = 20.0
"""Generous for a busy machine; the long form holds it to five seconds."""


class Agent:
    """Signed in at the desk."""

    def __init__(self, server: Serving) -> None:
        self._url = server.url
        signed_in = request(f"{server.url}/desk/login", {"name": "Ana", "password": PASSWORD})
        self._headers = {"Cookie": signed_in.cookies}

    def post(self, path: str, body: Any) -> Reply:
        return request(f"{self._url}{DESK}/{path}", body, headers=self._headers)

    def next_item(self) -> int:
        """New turns come into the queue beside whoever asks for one."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = self.post("queue/next", {}).body["item"]
            if found is not None:
                return int(found["id"])
            time.sleep(0.1)
        raise AssertionError("nothing came into the queue")


@pytest.fixture
def server(place: Place) -> Iterator[Serving]:
    hire(place.settle(), ("Ana",))
    with place.serve(audit_share="1.0", second_share="0") as server:
        yield server


def test_nothing_is_half_stored_and_everybody_is_told(server: Serving) -> None:
    conversation = begin(server.url)
    first = say(server.url, conversation, "where is my parcel", key="first-xxxxxxxxxxxxx")
    assert first.status == 201
    agent, english, chinese = Agent(server), Visitor(server.url, "en"), Visitor(server.url, "zh-CN")
    reply = english.call("send", key="k" * 20, text="when do you open")["lines"][1]["id"]
    item = agent.next_item()
    before = standing(server)
    with files_limited(NOTHING, pid=server.pid):
        assert seconds_until(lambda: reason(server) == FULL, patience=10) < 10, reason(server)
        the_api_is_told(server, conversation, first.body["replied"]["id"])
        for visitor, sentence in (
            (english, CANNOT_ANSWER),
            (chinese, "助手暂时无法回答。您输入的内容仍在这里，不会丢失。"),
        ):
            assert visitor.call("send", key="s" * 20, text="and on sunday")["error"]["sentence"] == sentence
        assert english.call("rate", message=reply, verdict="up")["error"]["sentence"] == NOT_SAVED
        assert agent.post(f"items/{item}/decide", {"verdict": "relabel", "intent": "track_order"}).status == 503
        assert request(f"{server.url}/healthz").status == 200
        # What was stored can still be read.
        assert [line["role"] for line in english.call("open")["lines"]] == ["customer", "bot"]
        assert standing(server) == before, "nothing is taught that is not stored"
    assert seconds_until(lambda: reason(server) == "ready", patience=RECOVERED_WITHIN) < RECOVERED_WITHIN
    again = [say(server.url, conversation, "and until when", key="full-xxxxxxxxxxxxxx") for _ in range(2)]
    assert [each.status for each in again] == [201, 200], "the same request counts now, and once"
    assert again[0].body["replied"]["id"] == again[1].body["replied"]["id"]
    assert english.call("rate", message=reply, verdict="up")["verdict"] == "up"
    assert agent.post(f"items/{item}/decide", {"verdict": "relabel", "intent": "track_order"}).status == 200
    assert standing(server) == (before[0] + 2, before[1] + 1, before[2] + 1)
    its_files_may_not_go(server, conversation)


def the_api_is_told(server: Serving, conversation: str, reply: str) -> None:
    refused = [
        say(server.url, conversation, "and until when", key="full-xxxxxxxxxxxxxx"),
        request(f"{server.url}/api/v1/conversations", {}),
        request(
            f"{server.url}/api/v1/conversations/{conversation}/messages/{reply}/feedback",
            {"verdict": "up"},
            method="PUT",
        ),
    ]
    for answer in refused:
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.body["detail"] == "The database cannot be used. Nothing was stored; try again soon."


def its_files_may_not_go(server: Serving, conversation: str) -> None:
    """A commit into a file without a name would be acknowledged and lost."""
    for name in ("chatbot.db", "chatbot.db-wal"):
        file, elsewhere = server.home / name, server.home / "elsewhere"
        file.rename(elsewhere)
        assert say(server.url, conversation, "hello", key=f"gone-{name}-xxxxxxxxx").status == 503
        assert seconds_until(lambda: reason(server) == GONE, patience=10) < 10, reason(server)
        assert not file.exists()
        elsewhere.rename(file)
        assert say(server.url, conversation, "hello", key=f"gone-{name}-xxxxxxxxx").status == 201
    assert "was deleted while it was open, so nothing more is stored" in server.said()


def reason(server: Serving) -> str:
    answer = request(f"{server.url}/readyz")
    return "ready" if answer.status == 200 else str(answer.body["detail"])


def standing(server: Serving) -> tuple[int, int, int]:
    """Messages, reviews, and the revision of the knowledge."""
    (found,) = server.rows(
        "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM reviews), "
        "(SELECT revision FROM knowledge_revision)"
    )
    return found


def test_the_log_may_be_on_a_full_disk(tmp_path: Path) -> None:
    """What nobody can hear ends no work, and the scheduler is told what came of it."""
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "chatbot", "retrain", "--home", str(tmp_path / "new")]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=full, check=False)
    assert done.returncode == 5, "too little data"
