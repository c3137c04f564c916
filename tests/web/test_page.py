from __future__ import annotations

import json
import re
from importlib import resources

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.testclient import TestClient

from chatbot.web.page import Dress, DressedPage

TEMPLATE = resources.files("gradio").joinpath("templates/frontend/index.html").read_text(encoding="utf-8")
NASTY = '</script><script>alert("x")</script> & "quoted"'


def dress(headers: Headers) -> Dress:
    return Dress(
        language_tag=headers.get("accept-language", "en"),
        title="Juniper & Pine",
        description=NASTY,
        assets="chat-assets/0123",
        noscript="No script",
        start={"name": NASTY, "words": {"send": "发送"}},
    )


def client(response: Response) -> TestClient:
    app = FastAPI()
    app.add_api_route("/", lambda: response)
    app.add_api_route("/other", lambda: HTMLResponse(TEMPLATE))
    app.add_middleware(DressedPage, dress=dress)
    return TestClient(app)


def test_gradios_template_of_this_version_takes_the_dress() -> None:
    page = dress(Headers({"accept-language": "zh-Hans"})).put_on(TEMPLATE)
    assert '<html lang="zh-Hans"' in page
    assert "<title>Juniper &amp; Pine</title>" in page
    assert page.index("chat-assets/0123/chat.css") < page.index("</head>")
    assert page.index("<noscript>") < page.index("</body>")
    assert "og:" not in page
    assert "twitter:" not in page
    assert "manifest.json" not in page
    assert 'name="viewport"' in page


def test_values_cannot_leave_the_place_where_they_stand() -> None:
    page = dress(Headers({})).put_on(TEMPLATE)
    assert "<script>alert" not in page
    found = re.search(r'<script type="application/json" id="chat-start">(.*?)</script>', page, re.DOTALL)
    assert found
    assert json.loads(found[1]) == {"name": NASTY, "words": {"send": "发送"}}


def test_the_document_is_complete_and_private() -> None:
    answer = client(HTMLResponse(TEMPLATE)).get(
        "/", headers={"accept-encoding": "br, gzip", "accept-language": "zh-Hans"}
    )
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.text.rstrip().endswith("</html>")
    assert "chat-assets/0123/chat.js" in answer.text


def test_everything_else_passes_untouched() -> None:
    assert client(HTMLResponse(TEMPLATE)).get("/other").text == TEMPLATE
    assert client(JSONResponse({"a": 1})).get("/").json() == {"a": 1}
    assert client(HTMLResponse("</head>", status_code=503)).get("/").text == "</head>"
