"""Errors as JSON documents that programs can read (RFC 9457, `application/problem+json`).

Raise a `Problem` for a refusal. `install` turns it, FastAPI's own refusals and the errors of `chatbot.errors` into
documents; what nobody expected is caught by the guard, which answers with `unexpected`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from chatbot import logs
from chatbot.disk import refusal
from chatbot.errors import (
    AgentRefused,
    ChatbotError,
    ErasureRefused,
    ExportRefused,
    NotFound,
    NotNow,
    Overloaded,
    StoreBusy,
    StoreError,
)
from chatbot.web.limits import whole_seconds

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of problem. `name` is stable: clients may decide by the `type` that is made of it."""

    status: int
    name: str
    title: str

    @property
    def type(self) -> str:
        return f"urn:problem-type:chatbot:{self.name}"


MALFORMED = Kind(400, "malformed", "The request cannot be read")
NOT_SIGNED_IN = Kind(401, "not-signed-in", "Sign in first")
FORBIDDEN = Kind(403, "forbidden", "Not allowed from there")
NOT_FOUND = Kind(404, "not-found", "Not found")
METHOD_NOT_ALLOWED = Kind(405, "method-not-allowed", "Method not allowed")
TOO_SLOW = Kind(408, "too-slow", "The request took too long to arrive")
CONFLICT = Kind(409, "conflict", "Not possible in this state")
TOO_LARGE = Kind(413, "too-large", "The request is too large")
WRONG_MEDIA_TYPE = Kind(415, "wrong-media-type", "Only JSON is understood")
INVALID = Kind(422, "invalid", "A field is not as it should be")
TOO_MANY = Kind(429, "too-many-requests", "Too many requests")
UNEXPECTED = Kind(500, "unexpected", "Something went wrong here")
UNAVAILABLE = Kind(503, "unavailable", "Not ready at the moment")

_BY_STATUS = {
    kind.status: (kind, detail)
    for kind, detail in (
        (MALFORMED, "The body is no JSON document in UTF-8, or one that nests too deeply or holds too large a number."),
        (FORBIDDEN, "This request is not allowed."),
        (NOT_FOUND, "There is nothing at this address; /api/v1/openapi.json lists what there is."),
        (METHOD_NOT_ALLOWED, 'This address does not take that method; the "Allow" header lists those that it takes.'),
        (TOO_LARGE, "The request is too large."),
        (WRONG_MEDIA_TYPE, 'Send the body as JSON with "Content-Type: application/json".'),
    )
}

_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "A problem document after RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "errors"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong with this request."},
        "instance": {"type": "string", "description": "The request's id, as in the log and in X-Request-Id."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field, header or limit of a request."""

    field: str
    message: str


class Problem(Exception):
    """A refusal that its reader can act on. `retry_after` is in seconds."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(whole_seconds(retry_after))

    def response(self, request_id: str) -> Response:
        """`request_id` becomes the document's `instance`: it is the one in the log and in `X-Request-Id`."""
        document: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": _storable(self.detail),
            "instance": f"urn:uuid:{request_id}",
            "errors": [asdict(error) for error in self.errors],
        }
        return Response(json.dumps(document), self.kind.status, media_type=MEDIA_TYPE, headers=self.headers)


def field_problem(field: str, message: str, *, kind: Kind = INVALID, retry_after: float | None = None) -> Problem:
    """The frequent case: one field is to blame, and its sentence is the whole story."""
    return Problem(kind, f"{field}: {message}", errors=[FieldError(field, message)], retry_after=retry_after)


def unexpected() -> Problem:
    """Says nothing about the cause: that stands in the log, under the request's id."""
    return Problem(UNEXPECTED, "The request could not be answered. It was logged under the id in `instance`.")


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem that a bare HTTP status stands for."""
    kind, detail = _BY_STATUS[status]
    return Problem(kind, detail, headers=headers)


def documented(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": _SCHEMA}}
    return {kind.status: {"description": kind.title, "content": content} for kind in kinds}


def install(app: FastAPI) -> None:
    for expected in (Problem, HTTPException, RequestValidationError, ChatbotError, OSError):
        app.add_exception_handler(expected, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    if isinstance(error, OSError) and not refusal(error):
        raise error  # the guard logs where it was
    return problem_of(error).response(request.scope.get("state", {}).get("request_id", ""))


def problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        return of_status(error.status_code, error.headers)
    if isinstance(error, NotFound):
        return Problem(NOT_FOUND, str(error))
    if isinstance(error, NotNow):
        return Problem(CONFLICT, str(error))
    if isinstance(error, AgentRefused | ErasureRefused | ExportRefused):
        return Problem(INVALID, str(error))
    if isinstance(error, OSError) and refusal(error):
        _log.warning("refused with 503: %s", refusal(error))
        return Problem(
            UNAVAILABLE, "The server can write no file now. Nothing was changed; try again soon.", retry_after=5
        )
    if isinstance(error, ChatbotError):
        # These messages are for the operator and may name files, so they go to the log and not to a stranger.
        logs.note(_log, logging.WARNING, "refused with 503", kind=type(error).__name__, why=str(error))
        return _unavailable(error)
    return unexpected()


def _unavailable(error: ChatbotError) -> Problem:
    if isinstance(error, StoreBusy):
        return Problem(UNAVAILABLE, "The database is busy. Send the same request again in a moment.", retry_after=1)
    if isinstance(error, Overloaded):
        return Problem(UNAVAILABLE, "Too many ask at once. Send the same request again in a moment.", retry_after=1)
    if isinstance(error, StoreError):
        return Problem(UNAVAILABLE, "The database cannot be used. Nothing was stored; try again soon.", retry_after=5)
    return Problem(UNAVAILABLE, "The bot has no model to answer with yet. Try again soon.", retry_after=10)


def _invalid(error: RequestValidationError) -> Problem:
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        kind, detail = _BY_STATUS[400]
        return Problem(kind, detail, errors=[FieldError("body", "is no valid JSON")])
    # Pydantic's sentence says what was expected; what was sent (`input`) must never come back or reach a log.
    errors = [FieldError(_field(one["loc"]), str(one["msg"])) for one in found[:20]]
    return Problem(INVALID, "; ".join(f"{one.field}: {one.message}" for one in errors), errors=errors)


def _field(location: Sequence[str | int]) -> str:
    """("body", "text") is `text`; the body as a whole is `body`."""
    named = location[1:] or location
    return _storable(".".join(str(part) for part in named))[:100]


def _storable(text: str) -> str:
    """Names and ids come from strangers: lone surrogates cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
