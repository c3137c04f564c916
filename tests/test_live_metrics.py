"""What is counted of each turn, request and refusal."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from chatbot import logs, stages
from chatbot.metrics import MOST_KINDS, Metrics, Watched
from chatbot.redact import Redactor
from chatbot.respond import Context
from chatbot.types import Action, Answer, Decision, Reading, Reason, Turn

CONTEXT = Context("en", date(2026, 11, 22))
VECTOR = np.ones(2, dtype=np.float32)
READING = Reading(VECTOR, ("pay",), np.ones(1), {})


def turn(decision: Decision, reading: Reading | None = None, *, stored: timedelta = timedelta()) -> Turn:
    words = Redactor().redact("do you take shells")
    given = Answer(decision, "Cards.", "en", reading)
    return Turn("t", "c", "m", "r", words, given, words, "v1", 1, 30.0, datetime.now(UTC) - stored)


def values(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_a_turn_by_kind_reading_and_version() -> None:
    metrics = Metrics()
    sure = Decision(Action.ANSWER, Reason.SURE, 0.96, "pay")
    metrics.told(turn(sure, READING), CONTEXT)
    metrics.told(turn(sure, replace(READING, vector=None)), CONTEXT)
    metrics.told(turn(Decision(Action.HANDOFF, Reason.ASKED_FOR_PERSON, 1.0), stored=timedelta(seconds=3)), CONTEXT)
    found = values(metrics)

    def messages(action: str, reason: str, reading: str) -> float:
        labels = {"action": action, "reason": reason, "reading": reading, "version": "v1"}
        return found["chatbot_messages_total", frozenset(labels.items())]

    assert messages("answer", "sure", "encoder") == messages("answer", "sure", "glance") == 1
    assert messages("handoff", "asked_for_person", "none") == 1
    assert found["chatbot_message_seconds_sum", frozenset({("stage", "answer")})] == pytest.approx(0.09)
    assert found["chatbot_message_seconds_sum", frozenset({("stage", "store")})] == pytest.approx(3, abs=0.5)
    assert found["chatbot_message_seconds_sum", frozenset({("stage", "whole")})] == pytest.approx(3.09, abs=0.5)
    assert found["chatbot_message_seconds_sum", frozenset({("stage", "reply")})] == pytest.approx(3.09, abs=0.5)
    assert found["chatbot_answer_probability_count", frozenset()] == 2
    assert found["chatbot_answer_probability_bucket", frozenset({("le", "0.98")})] == 2
    assert found["chatbot_answer_probability_bucket", frozenset({("le", "0.95")})] == 0


def test_busy_is_no_error_and_failing_is_one() -> None:
    metrics = Metrics()
    for status in (201, 404, 503, 500):
        metrics.requested("api", status, 0.02)
    metrics.requested("api", 200, None)
    metrics.refused("busy")
    metrics.refused("unexpected")
    found = values(metrics)
    errors = {dict(labels)["area"]: value for (name, labels), value in found.items() if name == "chatbot_errors_total"}
    assert errors == {"api": 1, "page": 1, "desk": 0, "other": 0}
    assert found["chatbot_http_requests_total", frozenset({("area", "api"), ("status", "503")})] == 1
    assert found["chatbot_http_request_seconds_count", frozenset({("area", "api")})] == 4
    assert found["chatbot_page_refusals_total", frozenset({("name", "busy")})] == 1


def test_of_a_message_that_was_timed_each_stage() -> None:
    metrics = Metrics()

    @stages.stage(stages.SEARCH)
    def search() -> None:
        time.sleep(0.02)

    @stages.timed
    def message() -> None:
        search()
        metrics.told(turn(Decision(Action.ANSWER, Reason.SURE, 0.96, "pay")), CONTEXT)

    def request() -> None:
        stages.arrived(time.perf_counter() - 0.3)
        message()

    thread = threading.Thread(target=request)
    thread.start()
    thread.join()
    found = values(metrics)
    spent = {stage: found["chatbot_stage_seconds_sum", frozenset({("stage", stage)})] for stage in stages.STAGES}
    assert spent["queue"] == pytest.approx(0.3, abs=0.2)
    assert spent["search"] >= 0.02
    assert spent["encode"] == spent["wait"] == spent["store"] == 0
    whole, reply = (found["chatbot_message_seconds_sum", frozenset({("stage", name)})] for name in ("whole", "reply"))
    assert reply == pytest.approx(whole + spent["queue"], abs=1e-6)


def test_an_alarm_sees_the_first_of_everything() -> None:
    found = values(Metrics())
    for name, labels in (
        ("chatbot_http_requests_total", {"area": "page", "status": "503"}),
        ("chatbot_page_refusals_total", {"name": "unavailable"}),
        ("chatbot_errors_total", {"area": "api"}),
        ("chatbot_failures_total", {"kind": "StoreFull"}),
    ):
        assert found[name, frozenset(labels.items())] == 0


def test_what_the_log_says_is_counted() -> None:
    metrics = Metrics()
    log = logging.getLogger("chatbot.web.trial")
    with Watched(metrics):
        logs.note(log, logging.WARNING, "refused", kind="StoreBusy")
        logs.note(log, logging.ERROR, "failed", error=ValueError("words"))
        log.info("fine")
        logging.getLogger("gradio").warning("odd")
    log.error("nobody counts")
    found = values(metrics)
    warned = {
        (labels["part"], labels["level"]): value
        for (name, pairs), value in found.items()
        if name == "chatbot_log_warnings_total" and value and (labels := dict(pairs))
    }
    assert warned == {("web.trial", "warning"): 1, ("web.trial", "error"): 1, ("library", "warning"): 1}
    assert found["chatbot_failures_total", frozenset({("kind", "StoreBusy")})] == 1
    assert found["chatbot_failures_total", frozenset({("kind", "ValueError")})] == 1
    assert found["chatbot_log_warnings_total", frozenset({("part", "bot"), ("level", "error")})] == 0


def test_kinds_of_errors_are_few_whatever_comes() -> None:
    metrics = Metrics()
    for number in range(3 * MOST_KINDS):
        metrics.warned("error", "web", f"Error{number}")
    kinds = {dict(labels)["kind"] for name, labels in values(metrics) if name == "chatbot_failures_total"}
    assert len(kinds) == MOST_KINDS + 1
    assert "other" in kinds


def test_a_queue_is_looked_at_when_somebody_asks() -> None:
    metrics, waiting = Metrics(), [0]
    metrics.waiting("chatbot_trial_waiting", "Trial", lambda: len(waiting))
    waiting.append(1)
    assert values(metrics)["chatbot_trial_waiting", frozenset()] == 2


def test_two_of_them_do_not_mix_and_hold_no_words() -> None:
    one, other = Metrics(), Metrics()
    one.told(turn(Decision(Action.CLARIFY, Reason.UNSURE, 0.3, "pay")), CONTEXT)
    assert "shells" not in one.text().decode()
    assert not any(name == "chatbot_messages_total" for name, _ in values(other))
