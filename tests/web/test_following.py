"""A real server takes over what other processes promote, with no message coming."""

from __future__ import annotations

import json
import time
import urllib.request

from chatbot.registry import Registry
from chatbot.settings import Settings
from tests.trying import another_version

from .driving import LiveServer

SECONDS = 2.0
"""That a promotion may take; on a machine that does ten other things as well this test allows it more."""


def answers_within(server: LiveServer, name: str, times: int) -> float:
    """Told by the log: asking the server would make it look."""
    began = time.monotonic()
    while server.log().count(f"version {name} answers") < times and time.monotonic() - began < 10 * SECONDS:
        time.sleep(0.02)
    assert server.log().count(f"version {name} answers") == times
    return time.monotonic() - began


def test_a_running_server_follows_promotion_and_rollback(settings: Settings, registry: Registry) -> None:
    first, other = registry.active_name(), another_version(registry, answer_at=0.99)
    server = LiveServer(settings.home)
    server.start()
    try:
        time.sleep(1.5)  # the last question whether it is ready was answered, and nothing more is asked
        registry.promote(other, by="test")
        took = [answers_within(server, other, 1)]
        assert registry.rollback(by="test") == first
        took.append(answers_within(server, first, 1))
        registry.promote(other, by="test")
        took.append(answers_within(server, other, 2))
        with urllib.request.urlopen(f"{server.url}readyz", timeout=10) as answer:
            ready = json.loads(answer.read())
        assert (ready["model_version"], ready["degraded"]) == (other, False)
    finally:
        server.stop()
    assert min(took) < SECONDS, took
    assert "Stopped." in server.log(), "no thread keeps the process alive"
