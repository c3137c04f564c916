from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from chatbot.web.caching import FOR_GOOD, KeptAssets


def test_only_files_with_a_hash_in_their_address_are_kept_for_good() -> None:
    app = FastAPI()
    app.add_api_route("/assets/a-1f2e.js", lambda: PlainTextResponse("script"))
    app.add_api_route("/other", lambda: PlainTextResponse("other"))
    app.add_middleware(KeptAssets, prefixes=("/assets/",))
    browser = TestClient(app)
    assert browser.get("/assets/a-1f2e.js").headers["cache-control"] == FOR_GOOD
    assert "cache-control" not in browser.get("/assets/missing.js").headers
    assert "cache-control" not in browser.get("/other").headers
