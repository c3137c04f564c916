"""The REST API against its own OpenAPI document: schemathesis makes the requests, and applies all its checks."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import given
from schemathesis import GenerationMode
from schemathesis.python.asgi import get_client
from starlette.testclient import TestClient

from .conftest import HERE
from .profile import PATIENCE, tried

SENDING = "/api/v1/conversations/{conversation_id}/messages"
OPERATIONS = (
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/api/v1/conversations"),
    ("GET", "/api/v1/conversations/{conversation_id}/messages"),
    ("POST", "/api/v1/conversations/{conversation_id}/messages"),
    ("PUT", "/api/v1/conversations/{conversation_id}/messages/{message_id}/feedback"),
    ("POST", "/api/v1/conversations/{conversation_id}/messages/{message_id}/feedback"),
    ("POST", "/api/v1/conversations/{conversation_id}/end"),
)


@pytest.fixture(scope="module")
def schema(app: FastAPI, client: TestClient) -> Any:
    schema = schemathesis.openapi.from_dict(client.get("/api/v1/openapi.json").json())
    schema.app = app
    return schema


def test_these_are_all_operations(schema: Any) -> None:
    listed = {(found.ok().method.upper(), found.ok().path) for found in schema.get_all_operations()}
    assert listed == set(OPERATIONS)


MODES = [
    *((method, path, GenerationMode.POSITIVE) for method, path in OPERATIONS),
    # Of the others no parameter can be wrong: any text may be an id.
    *((method, path, GenerationMode.NEGATIVE) for method, path in OPERATIONS if method != "GET" and "end" not in path),
]


@pytest.mark.parametrize(("method", "path", "mode"), MODES)
def test_every_operation_keeps_its_word(method: str, path: str, mode: GenerationMode, schema: Any) -> None:
    with get_client(schema.app) as session:

        @tried(12)
        @given(schema[path][method].as_strategy(generation_mode=mode))
        def each(case: Any) -> None:
            answer = case.call_and_validate(base_url=HERE, session=session)
            assert answer.elapsed < 5 * PATIENCE  # by the clock, on a machine that does other things too

        each()


def test_what_follows_from_what(schema: Any) -> None:
    """Ids of one answer go into the next requests: a conversation, its messages, their feedback, its end."""
    with get_client(schema.app) as session:

        class Conversations(schema.as_state_machine()):  # type: ignore[misc] # made at run time
            def get_call_kwargs(self, case: Any) -> dict[str, Any]:
                del case
                return {"base_url": HERE, "session": session}

            def validate_response(self, response: Any, case: Any, **more: Any) -> None:
                # Which choices were offered stands in the conversation and not in the schema; nor can the schema say
                # that a text holds something that can be seen.
                del more
                left_out = [acceptance()] if case.method == "POST" and case.path == SENDING else []
                case.validate_response(response, excluded_checks=left_out)

        Conversations.run(settings=tried(15))


def acceptance() -> Any:
    return next(check for check in schemathesis.checks.CHECKS.get_all() if check.__name__ == "positive_data_acceptance")


def test_the_checks_are_all_there() -> None:
    """None was switched off: a new release that renames one shows here."""
    names = {check.__name__ for check in schemathesis.checks.CHECKS.get_all()}
    assert {"not_a_server_error", "status_code_conformance", "response_schema_conformance"} <= names
    assert {"content_type_conformance", "negative_data_rejection", "unsupported_method", "use_after_free"} <= names
