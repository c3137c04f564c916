from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from chatbot.web.visitor import COOKIE, HTTPS_COOKIE, MAX_AGE, VisitorCookie, new_token, visitor_of


def client(*, secure: bool = False, base_url: str = "http://testserver") -> TestClient:
    app = FastAPI()
    app.add_api_route("/", lambda: PlainTextResponse("page"))
    app.add_api_route("/other", lambda: PlainTextResponse("other"))
    app.add_api_route("/api", lambda: PlainTextResponse("api"), methods=["POST"])
    app.add_middleware(VisitorCookie, secure=secure)
    return TestClient(app, base_url=base_url)


def set_cookie(header: str) -> dict[str, str]:
    (morsel,) = SimpleCookie(header).values()
    return {"name": morsel.key, "value": morsel.value} | {name: str(value) for name, value in morsel.items() if value}


def test_a_token_is_128_random_bits() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {22}
    assert all(visitor_of({COOKIE: token}, secure=False) == token for token in tokens)


@pytest.mark.parametrize("value", ["", "short", "x" * 23, "x" * 21 + ";", "ä" * 22, "x" * 21 + "\n"])
def test_what_we_cannot_have_made_is_nobody(value: str) -> None:
    assert visitor_of({COOKIE: value}, secure=False) is None
    assert visitor_of({}, secure=False) is None


def test_the_page_sets_a_cookie_that_scripts_and_other_sites_cannot_use() -> None:
    header = client().get("/").headers["set-cookie"]
    cookie = set_cookie(header)
    assert visitor_of({cookie.pop("name"): cookie.pop("value")}, secure=False)
    assert cookie == {"path": "/", "max-age": str(MAX_AGE), "httponly": "True", "samesite": "Lax"}


def test_a_known_visitor_stays_the_same_and_a_forged_one_becomes_a_new_one() -> None:
    token = new_token()
    kept = client().get("/", headers={"cookie": f"other=1; {COOKIE}={token}"})
    assert set_cookie(kept.headers["set-cookie"])["value"] == token
    forged = client().get("/", headers={"cookie": f"{COOKIE}=../../etc"})
    assert visitor_of({COOKIE: set_cookie(forged.headers["set-cookie"])["value"]}, secure=False)


def test_two_visitors_are_two() -> None:
    values = {set_cookie(client().get("/").headers["set-cookie"])["value"] for _ in range(2)}
    assert len(values) == 2


@pytest.mark.parametrize(
    ("secure", "base_url", "expected"),
    [(False, "http://testserver", False), (False, "https://testserver", True), (True, "http://testserver", True)],
)
def test_over_https_the_cookie_is_for_https_only(secure: bool, base_url: str, expected: bool) -> None:
    header = client(secure=secure, base_url=base_url).get("/").headers["set-cookie"]
    cookie = set_cookie(header)
    assert ("secure" in cookie) is expected
    assert cookie["name"] == ("__Host-visitor" if expected else "visitor")
    assert cookie["path"] == "/"
    assert "domain" not in cookie


def test_over_https_a_cookie_that_another_site_could_have_set_is_nobodys() -> None:
    mine, theirs = new_token(), new_token()
    assert visitor_of({COOKIE: theirs}, secure=True) is None
    assert visitor_of({COOKIE: theirs, HTTPS_COOKIE: mine}, secure=True) == mine
    assert visitor_of({HTTPS_COOKIE: mine}, secure=False) is None
    page = client(secure=True).get("/", headers={"cookie": f"{COOKIE}={theirs}"})
    assert set_cookie(page.headers["set-cookie"])["value"] != theirs


def test_nothing_but_the_page_sets_it() -> None:
    browser = client()
    assert "set-cookie" not in browser.get("/other").headers
    assert "set-cookie" not in browser.get("/missing").headers
    assert "set-cookie" not in browser.post("/api").headers
    assert "set-cookie" not in browser.post("/").headers
