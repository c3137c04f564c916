"""Calls of the customer's page: only what the page itself would send reaches Gradio.

Gradio takes more from a caller than a value: which function, which session, whether it is a batch. Each of these led
somewhere (a failure that anybody could cause, a session kept for each invented name, an input quoted in a traceback),
and none of them is used here.
"""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.web import problems
from chatbot.web.access import EVENT
from chatbot.web.problems import field_problem


class PlainCalls:
    """ASGI middleware: the body of a call becomes `{"data": [call]}` with one object, or a Problem is raised.

    It stands inside the guard, which has read the body, bounded its length, and answers a Problem.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(EVENT):
            await self._app(scope, receive, send)
            return
        waiting = [json.dumps({"data": [_call(await _whole(receive))]}).encode()]
        length = (b"content-length", str(len(waiting[0])).encode())
        left_out = {b"content-length", b"content-type", b"content-encoding", b"transfer-encoding"}
        headers = [(name, value) for name, value in scope["headers"] if name not in left_out]

        async def plain() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            return await receive()

        scope = {**scope, "headers": [*headers, length, (b"content-type", b"application/json")]}
        await self._app({**scope, "query_string": b""}, plain, send)


async def _whole(receive: Receive) -> bytes:
    chunks = bytearray()
    while True:
        message = await receive()
        chunks += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(chunks)


def _call(body: bytes) -> object:
    try:
        found = json.loads(body)
        data = found["data"]
    except (ValueError, RecursionError) as error:
        raise problems.of_status(400) from error
    except (KeyError, TypeError, IndexError) as error:
        raise field_problem("data", "is missing") from error
    if not isinstance(data, list) or len(data) != 1:
        raise field_problem("data", "has to be a list of one call")
    return data[0]
