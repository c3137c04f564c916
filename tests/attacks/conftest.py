"""One real server that all attacks are made on. It is watched: see `watched/watching.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.torture.place import Place, Serving
from chatbot.types import Role
from tests.web.desking import PASSWORD, hire

WATCHED = Path(__file__).parent / "watched"
TEAM = {"Ana": Role.AGENT, "Lea": Role.LEAD, "Ada": Role.ADMIN}


def watched(log: Path) -> dict[str, str]:
    """The environment of a process that writes into `log` what it should not do."""
    return {"PYTHONPATH": str(WATCHED), "WATCHED_LOG": str(log)}


def told(log: Path) -> list[tuple[str, str, str]]:
    return [tuple(json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def attacked(tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("attacked")
    place = Place(folder / "home", tiny_shop)
    hire(place.settle(), TEAM)
    with place.serve(environment=watched(folder / "home" / "watched.log"), metrics_token=TOKEN) as server:
        yield server


TOKEN = "d0b1c3f5e7a94862b8d1c0ffee123456"


@pytest.fixture
def stranger(attacked: Serving) -> Iterator[httpx.Client]:
    """Without any cookie, and keeps none."""
    with httpx.Client(base_url=attacked.url, timeout=30) as client:
        yield client


@contextmanager
def signed_in(server: Serving, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        answer = client.post("/desk/login", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        yield client
