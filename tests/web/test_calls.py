"""What reaches Gradio of a call, in front of an application that says it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from chatbot.web.calls import PlainCalls
from chatbot.web.problems import Problem


async def _echo(request: Request) -> JSONResponse:
    told = {name: request.headers.get(name) for name in ("content-type", "content-length", "cookie")}
    return JSONResponse({"body": (await request.body()).decode(), "query": request.url.query, **told})


@pytest.fixture
def client() -> TestClient:
    routes = [Route("/{rest:path}", _echo, methods=["GET", "POST"])]
    return TestClient(PlainCalls(Starlette(routes=routes)))


def test_only_the_call_comes_through(client: TestClient) -> None:
    more = {"fn_index": 3, "session_hash": "x", "event_data": {}, "batched": True, "trigger_id": 1, "oauth_token": "t"}
    sent = {"data": [{"text": "hi"}], **more}
    answer = client.post("/gradio_api/run/send?fn_index=2", json=sent, headers={"Cookie": "visitor=v"}).json()
    assert answer["body"] == '{"data": [{"text": "hi"}]}'
    assert answer["content-length"] == str(len(answer["body"]))
    assert (answer["content-type"], answer["cookie"], answer["query"]) == ("application/json", "visitor=v", "")


@pytest.mark.parametrize("call", [None, 7, "x", [], {"a": [1, {"b": None}]}, float("inf"), "\ud800", "订单"])
def test_a_call_may_be_any_value(client: TestClient, call: Any) -> None:
    """The endpoint itself says what is wrong with it, in a sentence for customers."""
    assert client.post("/gradio_api/run/open", content=json.dumps({"data": [call]})).is_success


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 60_000, 400), (b'{"data": [' + b"9" * 10_000 + b"]}", 400),
        (b"[]", 422), (b"null", 422), (b"7", 422), (b'"data"', 422), (b"{}", 422), (b'{"data": null}', 422),
        (b'{"data": {}}', 422), (b'{"data": []}', 422), (b'{"data": [1, 2]}', 422), (b'{"data": "x"}', 422),
    ],
)  # fmt: skip
def test_what_is_no_call(client: TestClient, body: bytes, status: int) -> None:
    with pytest.raises(Problem) as refused:
        client.post("/gradio_api/run/send", content=body)
    assert refused.value.kind.status == status


def test_other_requests_pass_untouched(client: TestClient) -> None:
    assert client.post("/api/v1/conversations?a=b", content=b"{").json()["body"] == "{"
    assert client.get("/gradio_api/run/send?a=b").json()["query"] == "a=b"
