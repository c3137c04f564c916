"""The desk's own routes as a lead may use them: schemathesis makes the requests from the schema of their bodies."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import given
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from .conftest import HERE
from .profile import tried

NEVER_OPEN = ("/desk/login", "/desk/logout")
"""These are no JSON; `test_raw` sends them everything."""


def routes_of(router: Any) -> list[APIRoute]:
    """All of them, also those that a router brought along, and shown for once."""
    found: list[APIRoute] = []
    for route in router.routes:
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        if isinstance(route, APIRoute):
            found.append(route)
        elif isinstance(inner, APIRouter):
            found += routes_of(inner)
    return found


@pytest.fixture(scope="module")
def schema(app: FastAPI) -> Any:
    routes = [route for route in routes_of(app) if route.path.startswith("/desk") and route.path not in NEVER_OPEN]
    shown = APIRouter()
    for route in routes:
        shown.add_api_route(route.path, route.endpoint, methods=list(route.methods or ()))
    schema = schemathesis.openapi.from_dict(get_openapi(title="Desk", version="1", routes=shown.routes))
    schema.app = app
    return schema


def test_the_desk_is_found(schema: Any) -> None:
    paths = {found.ok().path for found in schema.get_all_operations()}
    assert {"/desk/api/queue", "/desk/api/items/{item_id}/decide", "/desk/api/template", "/desk/api/exports"} <= paths
    assert len(paths) >= 35


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as told", "otherwise"])
def test_no_request_of_a_lead_fails(mode: GenerationMode, schema: Any, signed_in: TestClient) -> None:
    """Refused with a document, or done: never a status 500. What is done here stays done for the next one."""
    cookies = dict(signed_in.cookies)
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/desk/api/password" or (mode is GenerationMode.NEGATIVE and not list(operation.body)):
            continue

        @tried(4)
        @given(operation.as_strategy(generation_mode=mode))
        def each(case: Any) -> None:
            answer = case.call(base_url=HERE, cookies=cookies)
            assert answer.status_code < 500, (case.as_curl_command(), answer.text)
            assert answer.status_code != 401, case.path

        each()


def test_the_lead_is_still_signed_in(signed_in: TestClient) -> None:
    assert signed_in.get("/desk/api/me").json()["role"] == "lead"
