"""From an agent's key to the next customer's answer, through real servers."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from chatbot.passwords import Passwords
from chatbot.store import Store
from chatbot.types import Role

from .driving import LiveServer

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
QUESTION = "could a neighbour take it in for me"
PARAPHRASES = (
    "Could a neighbour take it in for me?",
    "hi, could the neighbour take it in for me",
    "could a neighbour take it in for me please",
)
INTENT, CORRECTED = "missed_delivery", "The courier tries again on the next working day."
OTHERS = ("where is my parcel", "how do I contact you", "do you ship to Ireland", "is there a student discount")


@pytest.fixture(scope="module")
def home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = shutil.copytree(trained_home, tmp_path_factory.mktemp("corrected") / "home")
    store = Store.open(f"sqlite:///{home / 'chatbot.db'}")
    store.agents.add("Ana", role=Role.AGENT, password_hash=Passwords().hash(PASSWORD), by="test")
    store.close()
    return home


@pytest.fixture(scope="module")
def servers(home: Path) -> Iterator[tuple[str, str]]:
    """Two on one database."""
    one, other = LiveServer(home, second_share="0"), LiveServer(home, second_share="0")
    one.start()
    other.start()
    yield one.url, other.url
    one.stop()
    other.stop()


@pytest.fixture
def agent(servers: tuple[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=servers[0], timeout=30) as browser:
        assert browser.post("/desk/login", json={"name": "Ana", "password": PASSWORD}).status_code == 200
        yield browser


class Customer:
    """In one open conversation at one server."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._conversation = self._client.post("/api/v1/conversations").json()["id"]

    def ask(self, text: str) -> str:
        sent = self._client.post(f"/api/v1/conversations/{self._conversation}/messages", json={"text": text})
        assert sent.status_code == 201, sent.text
        return str(sent.json()["replied"]["text"])


@pytest.fixture
def customers(servers: tuple[str, str]) -> Iterator[tuple[Customer, Customer]]:
    """One at each server."""
    with (
        httpx.Client(base_url=servers[0], timeout=30) as one,
        httpx.Client(base_url=servers[1], timeout=30) as other,
    ):
        yield Customer(one), Customer(other)


def item_of(agent: httpx.Client, words: str) -> int:
    """Once the queue has it."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = agent.get("/desk/api/queue", params={"q": words}).json()["items"]
        if found:
            return int(found[0]["id"])
        time.sleep(0.1)
    raise AssertionError("the question never came into the queue")


def test_the_next_customer_gets_the_corrected_answer_and_undo_takes_it_back(
    customers: tuple[Customer, Customer], agent: httpx.Client, record_property: Callable[[str, object], None]
) -> None:
    here, there = customers
    before = {text: here.ask(text) for text in (QUESTION, *OTHERS)}
    number = item_of(agent, QUESTION)
    assert CORRECTED not in " ".join(before.values())

    started = time.perf_counter()
    decided = agent.post(f"/desk/api/items/{number}/decide", json={"verdict": "relabel", "intent": INTENT})
    assert decided.status_code == 200, decided.text
    said = here.ask(QUESTION)
    seconds = time.perf_counter() - started
    assert CORRECTED in said, "the first message after the key gets it"
    assert CORRECTED in there.ask(QUESTION), "from another process on the same database too"
    record_property("seconds from the key to the corrected answer", round(seconds, 2))
    assert [text for text in PARAPHRASES if CORRECTED not in there.ask(text)] == []
    assert {text: here.ask(text) for text in OTHERS} == {text: before[text] for text in OTHERS}

    assert agent.post("/desk/api/undo").status_code == 200
    assert here.ask(QUESTION) == before[QUESTION]
    assert there.ask(QUESTION) == before[QUESTION]
