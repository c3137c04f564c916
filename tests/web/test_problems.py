from __future__ import annotations

import errno
import json
import os
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from chatbot.errors import ChatbotError, ModelDamaged, NoActiveModel, NotFound, Overloaded, StoreBusy, StoreError
from chatbot.web.problems import (
    CONFLICT,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    TOO_LARGE,
    TOO_MANY,
    UNAVAILABLE,
    UNEXPECTED,
    Kind,
    Problem,
    documented,
    field_problem,
    install,
    problem_of,
)


def _document(problem: Problem) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bytes(problem.response("0" * 32).body))
    return document


def test_the_document() -> None:
    response = field_problem("text", "is empty").response("ab" * 16)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(bytes(response.body)) == {
        "type": "urn:problem-type:chatbot:invalid",
        "title": "A field is not as it should be",
        "status": 422,
        "detail": "text: is empty",
        "instance": f"urn:uuid:{'ab' * 16}",
        "errors": [{"field": "text", "message": "is empty"}],
    }


def test_when_to_try_again() -> None:
    assert field_problem("address", "no", kind=TOO_MANY, retry_after=1.5).response("x").headers["retry-after"] == "2"
    assert "retry-after" not in field_problem("text", "no").response("x").headers


@pytest.mark.parametrize(
    ("error", "kind", "retry_after"),
    [
        (NotFound("no conversation"), NOT_FOUND, None),
        (StoreBusy("busy"), UNAVAILABLE, "1"),
        (StoreError("disk is full"), UNAVAILABLE, "5"),
        (Overloaded("too many"), UNAVAILABLE, "1"),
        (NoActiveModel("train first"), UNAVAILABLE, "10"),
        (ModelDamaged("/home/x/model.bin"), UNAVAILABLE, "10"),
        (ChatbotError("something"), UNAVAILABLE, "10"),
        (HTTPException(413), TOO_LARGE, None),
        (HTTPException(400, "customer's words"), MALFORMED, None),
        (Problem(CONFLICT, "ended"), CONFLICT, None),
        (ValueError("customer's words"), UNEXPECTED, None),
        (HTTPException(418, "customer's words"), UNEXPECTED, None),
    ],
)
def test_which_error_is_which_problem(error: Exception, kind: Kind, retry_after: str | None) -> None:
    problem = problem_of(error)
    assert problem.kind == kind
    assert problem.headers.get("Retry-After") == retry_after
    assert "customer" not in json.dumps(_document(problem))


def test_a_strangers_files_and_causes_stay_inside() -> None:
    assert "/home" not in json.dumps(_document(problem_of(ModelDamaged("/home/x/model.bin is damaged"))))


def test_fields_are_named_and_what_was_sent_is_not_repeated() -> None:
    error = RequestValidationError(
        [
            {
                "type": "extra_forbidden",
                "loc": ("body", "extra"),
                "msg": "Extra inputs are not permitted",
                "input": "s3",
            },
            {"type": "missing", "loc": ("header", "Idempotency-Key"), "msg": "Field required", "input": "s3"},
            {"type": "list_type", "loc": ("body",), "msg": "Input should be a list", "input": "s3"},
            {"type": "int_type", "loc": ("body", "a", 0, "b"), "msg": "Input should be an integer", "input": "s3"},
        ]
    )
    document = _document(problem_of(error))
    assert [found["field"] for found in document["errors"]] == ["extra", "Idempotency-Key", "body", "a.0.b"]
    assert "s3" not in json.dumps(document)


def test_no_json_at_all() -> None:
    error = RequestValidationError([{"type": "json_invalid", "loc": ("body", 3), "msg": "JSON decode error"}])
    assert problem_of(error).kind is MALFORMED
    assert _document(problem_of(error))["errors"] == [{"field": "body", "message": "is no valid JSON"}]


@given(name=st.text(st.characters(), max_size=300), count=st.integers(1, 200))
def test_any_name_of_a_field_can_be_written(name: str, count: int) -> None:
    found = [{"type": "x", "loc": ("body", f"{name}{n}\ud800"), "msg": "no", "input": name} for n in range(count)]
    response = problem_of(RequestValidationError(found)).response("0" * 32)
    errors = json.loads(bytes(response.body))["errors"]
    assert response.status_code == INVALID.status
    assert len(errors) == min(count, 20)
    assert all(len(error["field"]) <= 100 and error["field"].encode() for error in errors)


def test_routes_document_their_problems() -> None:
    responses = documented(NOT_FOUND, TOO_MANY)
    assert list(responses) == [404, 429]
    properties = responses[404]["content"]["application/problem+json"]["schema"]["properties"]
    assert list(properties) == ["type", "title", "status", "detail", "instance", "errors"]


def test_a_disk_that_takes_nothing_is_not_our_mistake() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/home/x/exports/reviews.csv")
    problem = problem_of(full)
    assert (problem.kind, problem.headers["Retry-After"]) == (UNAVAILABLE, "5")
    assert problem.detail == "The server can write no file now. Nothing was changed; try again soon."
    assert problem_of(FileNotFoundError(errno.ENOENT, "gone", "/home/x")).kind == UNEXPECTED


def test_other_errors_of_the_system_are_left_to_the_guard() -> None:
    app = FastAPI()
    install(app)

    @app.get("/{number}")
    def fail(number: int) -> None:
        raise OSError(number, os.strerror(number), "/home/x")

    client = TestClient(app)
    response = client.get(f"/{errno.ENOSPC}")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert "/home" not in response.text
    with pytest.raises(OSError, match="No such file"):
        client.get(f"/{errno.ENOENT}")
