"""One line an event, under its request's id, and nothing of what anybody typed."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot import logs
from chatbot.heard import Heard

CARD = "4111 1111 1111 1111"
ID = "0123456789abcdef0123456789abcdef"


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, log = Kept(), logging.getLogger("chatbot.trial")
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield handler
    log.removeHandler(handler)


@pytest.fixture
def log(kept: Kept) -> logging.Logger:
    assert kept.records == []
    return logging.getLogger("chatbot.trial")


def as_json(record: logging.LogRecord) -> dict[str, Any]:
    line = logs.JsonForm().format(record)
    assert "\n" not in line
    assert line.isascii()
    found: dict[str, Any] = json.loads(line)
    return found


def as_text(record: logging.LogRecord) -> str:
    return logs.TextForm().format(record)


def fail(words: str) -> None:
    raise ValueError(f"cannot read {words}")


def failed(words: str) -> Exception:
    try:
        try:
            fail(words)
        except ValueError as cause:
            raise RuntimeError(f"gave up on {words}") from cause
    except RuntimeError as error:
        return error
    raise AssertionError


def test_both_forms_of_an_event(kept: Kept, log: logging.Logger) -> None:
    with logs.within_request(ID):
        logs.note(log, logging.INFO, "turn", intent="pay cash", ms={"store": 2.5}, probability=0.5, at=["a", "b"])
        line, text = as_json(kept.records[0]), as_text(kept.records[0])
    at = datetime.fromisoformat(line.pop("time"))
    assert at.utcoffset() == timedelta(0)
    assert line == {
        "level": "info",
        "logger": "chatbot.trial",
        "event": "turn",
        "intent": "pay cash",
        "ms": {"store": 2.5},
        "probability": 0.5,
        "at": ["a", "b"],
        "request": ID,
    }
    assert text.partition(" ")[2] == (
        f'INFO    chatbot.trial: turn intent="pay cash" ms.store=2.5 probability=0.5 at="a > b" request={ID}'
    )


def test_a_plain_message_of_any_logger(kept: Kept, log: logging.Logger) -> None:
    log.warning("version %s goes on: %s", "v1", "damaged")
    log.warning("%d of nothing")
    assert as_json(kept.records[0])["event"] == "version v1 goes on: damaged"
    assert "request" not in as_json(kept.records[0])
    assert as_text(kept.records[1]).endswith("WARNING chatbot.trial: %d of nothing")


def test_of_an_exception_only_type_and_places(kept: Kept, log: logging.Logger) -> None:
    error = failed(CARD)
    logs.note(log, logging.ERROR, "it failed", error=error)
    log.error("task failed: %r\nfuture: %s", error, error, exc_info=error)
    log.error("failed: %s", error, exc_info=error)
    for record in kept.records:
        line = as_json(record)
        assert line["error"]["type"] == "RuntimeError"
        assert line["error"]["cause"] == "ValueError"
        assert line["error"]["at"][-1].startswith(f"{__name__}:")
        assert line["error"]["at"][-1].endswith(" failed")
        assert "4111" not in logs.JsonForm().format(record) + as_text(record)
    assert as_text(kept.records[0]).count("\n") == 0
    assert as_json(kept.records[2])["event"] == "failed: ..."


def test_an_event_that_nobody_wants_costs_nothing(kept: Kept, log: logging.Logger) -> None:
    log.setLevel(logging.ERROR)
    logs.note(log, logging.INFO, "turn", intent="pay")
    assert kept.records == []


@given(st.text(max_size=80))
def test_nothing_ends_a_line_or_moves_a_cursor(words: str) -> None:
    record = logging.LogRecord("chatbot", logging.INFO, "", 0, words.replace("%", "%%"), (), None)
    record.fields = {"value": words, "list": [words]}
    for line in (as_text(record), logs.JsonForm().format(record)):
        assert line.isprintable()
    assert as_json(record)["value"] == words


def test_escapes_can_be_read() -> None:
    record = logging.LogRecord("chatbot", logging.INFO, "", 0, "red \x1b[31m and \u202e back\nnew", (), None)
    assert as_text(record).endswith(r"red \x1b[31m and \u202e back\nnew")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ([ID], ID),
        (["0123ABCD-89ab-4def-8123-456789abcdef"], "0123abcd-89ab-4def-8123-456789abcdef"),
        ([ID[:31]], None),
        ([ID + "0"], None),
        ([ID, ID], None),
        ([f"{ID}\n"], None),
        (["my-card-is-4111-1111-1111-1111"], None),
        (["٠" * 32], None),
        ([""], None),
        ([], None),
    ],
)
def test_which_ids_of_requests_are_taken_over(given: list[str], taken: str | None) -> None:
    found = logs.request_id(given)
    if taken is not None:
        assert found == taken
    else:
        assert found not in given
        assert len(found) == 32
        assert int(found, 16) >= 0


def test_requests_do_not_mix_and_reach_their_threads() -> None:
    def inside(id: str) -> str | None:
        with logs.within_request(id), ThreadPoolExecutor(1) as pool:
            return pool.submit(copy_context().run, logs.current_request).result()

    ids = [f"{n:032x}" for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(inside, ids)) == ids
    assert logs.current_request() is None


PROGRAM = """
import asyncio, logging, sys, threading, warnings
from chatbot import logs
logs.set_up(level="INFO", form=sys.argv[1])
logs.set_up(level="INFO", form=sys.argv[1])
card = "4111 1111 1111 1111"
def fails():
    raise ValueError(card)
logging.getLogger("chatbot.one").info("ready")
logging.getLogger("library").info("chatter")
logging.getLogger("library").warning("trouble")
thread = threading.Thread(target=fails, name="heaps")
thread.start()
thread.join()
async def forgets():
    asyncio.get_running_loop().create_task(gone())
    await asyncio.sleep(0.01)
async def gone():
    fails()
asyncio.run(forgets())
import gc
gc.collect()
warnings.warn("old")
fails()
"""


def run(form: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_whole_program_in_json() -> None:
    lines = [json.loads(line) for line in run("json")]
    told = {(line["logger"], line["event"].partition(":")[0]) for line in lines}
    assert told == {
        ("chatbot.one", "ready"),
        ("library", "trouble"),
        ("chatbot.logs", "a thread failed"),
        ("asyncio", "Task exception was never retrieved"),
        ("py.warnings", "<string>"),
        ("chatbot.logs", "the program failed"),
    }
    assert len(lines) == 6, "each once, although it was set up twice"
    (thread,) = (line for line in lines if line["event"] == "a thread failed")
    assert (thread["thread"], thread["error"]["type"]) == ("heaps", "ValueError")
    assert "4111" not in json.dumps(lines)


def test_a_person_at_a_terminal_reads_lines() -> None:
    lines = run("text")
    assert lines[0].endswith("Z INFO    chatbot.one: ready")
    assert "4111" not in "\n".join(lines[:5]), "what ends the program is for whoever started it"


class Full:
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device", text)

    def flush(self) -> None: ...


@pytest.mark.parametrize("stream", [Full(), Heard(Full())], ids=["raises", "drops"])  # type: ignore[arg-type]
def test_a_line_that_cannot_be_written_is_counted(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = logs.Lines()
    handler.setFormatter(logs.TextForm())
    log = logging.getLogger("chatbot.full")
    log.addHandler(handler)
    monkeypatch.setattr(sys, "stderr", stream)
    log.warning("one")
    log.warning("two")
    monkeypatch.undo()
    log.removeHandler(handler)
    assert handler.lost == 2


def test_what_somebody_has_set_up_stays() -> None:
    before = list(logging.getLogger().handlers)
    assert before, "pytest has its own"
    level = logging.getLogger("chatbot").level
    hook = threading.excepthook
    logs.set_up(level="INFO", form="json")
    assert logging.getLogger().handlers == before
    assert threading.excepthook is hook
    logging.getLogger("chatbot").setLevel(level)
    logging.getLogger("training").setLevel(level)
