"""Signing in, as a browser and as a script, and everything that somebody without a password might try."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import uvicorn
from playwright.sync_api import Browser
from sqlalchemy import text
from starlette.testclient import TestClient

from chatbot.passwords import Passwords
from chatbot.store import Store, audit
from chatbot.types import Role
from chatbot.web.auth import PER_ACCOUNT, PER_ACCOUNT_IN_ALL, PER_ADDRESS, place_below_desk

from .desk_app import HERE, PASSWORD, PUBLIC, Desk, cookie_of, open_desk

FORM = {"name": "Ada", "password": PASSWORD}
WRONG = {"name": "Ada", "password": "something else"}


@pytest.fixture
def desk(empty_store: Store) -> Desk:
    desk = open_desk(empty_store)
    desk.add("Ada", Role.ADMIN)
    return desk


def may_work(browser: TestClient) -> bool:
    """Whether the server takes this browser for an admin."""
    return browser.get("/desk/api/agents").status_code == 200


def test_a_form_brings_one_in(desk: Desk) -> None:
    browser = desk.browser()
    assert not may_work(browser)
    answer = browser.post("/desk/login", data=FORM | {"next": "/desk/gaps?days=7"}, headers={"Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "../desk/gaps?days=7")
    assert may_work(browser)


def test_json_brings_one_in(desk: Desk) -> None:
    browser = desk.browser()
    answer = browser.post("/desk/login", json=FORM)
    assert (answer.status_code, answer.json()) == (200, {"name": "Ada", "role": "admin"})
    assert may_work(browser)


@pytest.mark.parametrize("name", ["ada", " ADA ", "Ａda"])
def test_a_name_may_be_typed_in_any_capitals(desk: Desk, name: str) -> None:
    assert desk.browser().post("/desk/login", json=FORM | {"name": name}).json()["name"] == "Ada"


def test_the_cookie_on_this_machine(desk: Desk) -> None:
    cookie = cookie_of(desk.browser().post("/desk/login", json=FORM).headers["set-cookie"])
    assert len(cookie.pop("value")) == 43
    assert cookie == {"name": "desk", "path": "/", "httponly": "True", "samesite": "Strict"}


def test_the_cookie_over_https(empty_store: Store) -> None:
    desk = open_desk(empty_store, public_url=PUBLIC)
    desk.add("Ada", Role.ADMIN)
    for base_url in (PUBLIC, PUBLIC.replace("https", "http")):  # the proxy in front ends TLS
        answer = desk.browser(base_url=base_url).post("/desk/login", json=FORM)
        cookie = cookie_of(answer.headers["set-cookie"])
        token = cookie.pop("value")
        assert cookie == {
            "name": "__Host-desk", "path": "/", "httponly": "True", "samesite": "Strict", "secure": "True",
        }  # fmt: skip
        for name, status in (("__Host-desk", 200), ("desk", 401)):
            found = desk.browser(base_url=base_url).get("/desk/api/agents", headers={"Cookie": f"{name}={token}"})
            assert found.status_code == status


def test_no_password_is_taken_in_the_clear_from_another_machine(empty_store: Store) -> None:
    desk = open_desk(empty_store, host="0.0.0.0")
    desk.add("Ada")
    hashed = desk.passwords.hashed
    browser = desk.browser(base_url="http://192.168.1.5:7860", address="192.168.1.9")
    assert "needs https" in browser.get("/desk/login").text
    answer = browser.post("/desk/login", json=FORM)
    assert (answer.status_code, "needs https" in answer.json()["detail"]) == (403, True)
    page = browser.post("/desk/login", data=FORM)
    assert (page.status_code, "needs https" in page.text, "set-cookie" in page.headers) == (403, True, False)
    assert desk.passwords.hashed == hashed


def test_unknown_wrong_and_disabled_are_told_the_same(desk: Desk) -> None:
    grace = desk.add("Grace")
    desk.store.agents.disable(grace.id, by="Ada")
    answers, pages, hashed = [], [], desk.passwords.hashed
    for name, password in (("Ada", "something else"), ("Nobody", PASSWORD), ("Grace", PASSWORD)):
        given = {"name": name, "password": password}
        answer = desk.browser().post("/desk/login", json=given)
        answers.append((answer.status_code, answer.json() | {"instance": ""}, "set-cookie" in answer.headers))
        page = desk.browser().post("/desk/login", data=given)
        pages.append((page.status_code, page.text.replace(name, "NAME")))
    assert answers[0][0] == 401
    assert answers[0][1]["detail"] == "Name or password is not right."
    assert answers == [answers[0]] * 3
    assert pages == [pages[0]] * 3
    assert desk.passwords.hashed - hashed == 6  # each of them cost a hash


def test_an_unknown_name_takes_as_long_as_a_known_one(empty_store: Store) -> None:
    """With the real price of a hash. Interleaved, and the fastest of each: a busy machine slows both."""
    desk = open_desk(empty_store, Passwords())
    desk.add("Ada")
    times: dict[str, list[float]] = {"Ada": [], "Nobody": []}
    for _ in range(4):
        for name, took in times.items():
            started = time.perf_counter()
            assert desk.browser().post("/desk/login", json=WRONG | {"name": name}).status_code == 401
            took.append(time.perf_counter() - started)
    assert 0.5 < min(times["Ada"]) / min(times["Nobody"]) < 2


@pytest.mark.parametrize("name", ["Ada", "Nobody"])
def test_an_account_is_throttled_before_anything_is_hashed(desk: Desk, name: str) -> None:
    given, hashed = WRONG | {"name": name}, desk.passwords.hashed
    for _ in range(PER_ACCOUNT):
        assert desk.browser().post("/desk/login", json=given).status_code == 401
    assert desk.passwords.hashed - hashed == PER_ACCOUNT
    for _ in range(10):
        spelt = {"name": name.upper(), "password": PASSWORD}  # the right one of Ada: it does not count any more
        answer = desk.browser().post("/desk/login", json=spelt)
        assert (answer.status_code, answer.json()["type"]) == (429, "urn:problem-type:chatbot:too-many-requests")
        assert 1 <= int(answer.headers["retry-after"]) <= 12
    page = desk.browser().post("/desk/login", data=given)
    assert (page.status_code, "Too many attempts" in page.text) == (429, True)
    assert 1 <= int(page.headers["retry-after"]) <= 12
    assert desk.passwords.hashed - hashed == PER_ACCOUNT


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8:0:1::7"])
def test_nobody_elsewhere_keeps_an_agent_out(desk: Desk, address: str) -> None:
    for _ in range(4 * PER_ACCOUNT):
        desk.browser(address=address).post("/desk/login", json=WRONG)
    assert desk.browser(address=address).post("/desk/login", json=FORM).status_code == 429
    assert desk.browser(address="203.0.113.10").post("/desk/login", json=FORM).status_code == 200


@pytest.mark.parametrize("name", ["Ada", "Nobody"])
def test_an_account_is_throttled_over_all_addresses(desk: Desk, name: str) -> None:
    given, hashed = WRONG | {"name": name}, desk.passwords.hashed
    for number in range(PER_ACCOUNT_IN_ALL):
        assert desk.browser(address=f"203.0.113.{number}").post("/desk/login", json=given).status_code == 401
    answers = [desk.browser(address=f"198.51.100.{number}").post("/desk/login", json=given) for number in range(5)]
    assert [answer.status_code for answer in answers][1:] == [429] * 4  # one may have come back meanwhile
    assert desk.passwords.hashed - hashed <= PER_ACCOUNT_IN_ALL + 1


def test_an_address_is_throttled_before_anything_is_hashed(desk: Desk) -> None:
    hashed = desk.passwords.hashed
    for number in range(PER_ADDRESS):
        given = WRONG | {"name": f"agent {number}"}
        assert desk.browser(address="203.0.113.9").post("/desk/login", json=given).status_code == 401
    for number in range(20):
        given = WRONG | {"name": f"other {number}"}
        assert desk.browser(address="203.0.113.9").post("/desk/login", json=given).status_code == 429
    assert desk.passwords.hashed - hashed == PER_ADDRESS
    assert desk.browser(address="203.0.113.10").post("/desk/login", json=FORM).status_code == 200


def test_who_signs_in_is_not_counted(desk: Desk) -> None:
    for _ in range(2 * PER_ADDRESS):
        assert desk.browser().post("/desk/login", json=FORM).status_code == 200


def test_a_session_that_somebody_planted_is_not_taken_over(desk: Desk) -> None:
    """Fixation: the token from before signing in is worth nothing afterwards, be it made up or another agent's."""
    desk.add("Mallory")
    planted = desk.signed_in("Mallory").cookies["desk"]
    for token in ("x" * 43, planted):
        browser = desk.browser()
        browser.cookies.set("desk", token, domain="localhost.local")
        answer = browser.post("/desk/login", json=FORM, headers={"Cookie": f"desk={token}"})
        fresh = cookie_of(answer.headers["set-cookie"])["value"]
        assert fresh != token
        assert desk.browser().get("/desk/api/agents", headers={"Cookie": f"desk={token}"}).status_code == 401
        assert desk.browser().get("/desk/api/agents", headers={"Cookie": f"desk={fresh}"}).status_code == 200


@pytest.mark.parametrize("cookie", ["desk=", "desk=short", f"desk={'x' * 5000}", "desk=a; desk=b", "desk=\xff", "=;;"])
def test_a_cookie_that_is_none_of_ours(desk: Desk, cookie: str) -> None:
    answer = desk.browser().get("/desk/api/agents", headers={b"Cookie": cookie.encode("latin-1")})
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:problem-type:chatbot:not-signed-in")


def test_signing_out_ends_the_session_on_the_server(desk: Desk) -> None:
    browser = desk.signed_in("Ada")
    token = browser.cookies["desk"]
    answer = browser.post("/desk/logout", headers={"Accept": "text/html,*/*", "Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "login")
    assert cookie_of(answer.headers["set-cookie"]) == {
        "name": "desk", "value": "", "path": "/", "max-age": "0", "httponly": "True", "samesite": "Strict",
    }  # fmt: skip
    assert "desk" not in browser.cookies
    kept = desk.browser().get("/desk/api/agents", headers={"Cookie": f"desk={token}"})
    assert kept.status_code == 401
    assert browser.post("/desk/logout").status_code == 204  # once more is harmless


def test_a_session_ends_after_idle_time(empty_store: Store) -> None:
    desk = open_desk(empty_store, desk_idle_minutes=5)
    desk.add("Ada", Role.ADMIN)
    browser = desk.signed_in("Ada")
    for minutes, status in ((4, 200), (6, 401), (0, 401)):
        seen = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=minutes)
        with empty_store.database.write() as session:
            session.execute(text("UPDATE agent_sessions SET seen_at = :seen"), {"seen": f"{seen:%Y-%m-%d %H:%M:%S.%f}"})
        assert browser.get("/desk/api/agents").status_code == status


def test_somebody_who_is_disabled_is_out_at_once(desk: Desk) -> None:
    grace = desk.add("Grace", Role.ADMIN)
    browser = desk.signed_in("Grace")
    assert may_work(browser)
    desk.store.agents.disable(grace.id, by="Ada")
    assert not may_work(browser)


@pytest.mark.parametrize(
    "wanted",
    ["/desk", "/desk/", "/desk/templates", "/desk/gaps?days=7&q=%E9%80%80", "/desk?status=open", "/desk/a-b_c.d~e"],
)
def test_where_one_may_be_sent_after_signing_in(wanted: str) -> None:
    assert place_below_desk(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "", "/", "https://evil.example", "//evil.example", "/\\evil.example", "evil.example", "/desk.evil.example",
        "/deskevil", "/desk/../../evil", "/desk/%2e%2e/%2e%2e/x", "/desk/%252e%252e/x", "/desk//evil.example",
        "/desk/%2F/evil.example", "/desk\\evil", "/desk/%5Cevil", "/desk\r\nSet-Cookie: a=b", "/desk/%0d%0aX: y",
        "/desk#x", "/desk?a#b", "/desk?a=\"b", "/desk?a\r\nb", "javascript:alert(1)", " /desk", "/DESK", "/desk/@x",
        "/desk/login", "/desk/login?next=/desk/login", "/desk/logout", "/desk/api/agents", "/desk/%6cogin",
        "/desk/%25252e", "/desk/退货",
    ],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(desk: Desk, wanted: str) -> None:
    assert place_below_desk(wanted) == "/desk"
    answer = desk.browser().post("/desk/login", data=FORM | {"next": wanted})
    assert (answer.status_code, answer.headers["location"]) == (303, "../desk")


def test_a_page_of_the_desk_sends_to_the_login_and_back(desk: Desk) -> None:
    answer = desk.browser().get("/desk/gaps?days=7&q=%E9%80%80")
    assert (answer.status_code, answer.headers["location"]) == (
        303, "../desk/login?next=/desk/gaps%3Fdays%3D7%26q%3D%25E9%2580%2580",
    )  # fmt: skip
    page = desk.browser().get("/desk/login?next=/desk/gaps%3Fdays%3D7%26q%3D%25E9%2580%2580").text
    assert '<input type="hidden" name="next" value="/desk/gaps?days=7&amp;q=%E9%80%80">' in page
    assert desk.browser().get("/desk").headers["location"] == "desk/login?next=/desk"


def test_who_is_signed_in_needs_no_login_page(desk: Desk) -> None:
    answer = desk.signed_in("Ada").get("/desk/login?next=/desk/team")
    assert (answer.status_code, answer.headers["location"]) == (303, "../desk/team")


@pytest.mark.parametrize("kind", ["data", "json"])
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_the_page_of_another_site_can_do_nothing(desk: Desk, kind: str, headers: dict[str, str]) -> None:
    browser, hashed = desk.signed_in("Ada"), desk.passwords.hashed
    send: Callable[..., object] = {"data": {"data": FORM}, "json": {"json": FORM}}[kind]  # type: ignore[assignment]
    for path in ("/desk/login", "/desk/logout", "/desk/api/password", "/desk/api/agents"):
        assert browser.post(path, headers=headers, **send).status_code == 403  # type: ignore[arg-type]
    assert may_work(browser)
    assert desk.passwords.hashed == hashed


def test_nothing_of_the_desk_is_kept_by_browsers_or_proxies(desk: Desk) -> None:
    browser = desk.signed_in("Ada")
    for path in ("/desk", "/desk/login", "/desk/api/agents", "/desk/api/nothing"):
        assert browser.get(path).headers.get_list("cache-control") == ["no-store"]
        assert desk.browser().get(path).headers.get_list("cache-control") == ["no-store"]
    assert browser.post("/desk/login", data=WRONG).headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b'{"name": ["Ada"], "password": "x"}', "application/json", 422),
        (b'{"name": "\\ud800", "password": "\\ud800"}', "application/json", 401),
        (b"{}", "application/json", 401),
        (b"", "application/x-www-form-urlencoded", 401),
        (b"name=%FF%00&password=%FF", "application/x-www-form-urlencoded", 401),
        (b"\xff=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=b"] * 50), "application/x-www-form-urlencoded", 400),
        (b"name=Ada", "text/plain", 415),
        (b"name=Ada", "", 415),
        (b"x", "multipart/form-data; boundary=b", 415),
    ],
)
def test_what_is_no_attempt(desk: Desk, body: bytes, content_type: str, status: int) -> None:
    answer = desk.browser().post("/desk/login", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


def test_a_password_hashed_long_ago_is_hashed_anew(desk: Desk) -> None:
    old = Passwords(memory_kib=128, rounds=1).hash(PASSWORD)
    ada = desk.store.agents.by_name("Ada")
    assert ada is not None
    desk.store.agents.rehash(ada.id, old)
    desk.signed_in("Ada")
    stored = desk.store.agents.password_hash("Ada")
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    desk.signed_in("Ada")
    assert desk.store.agents.password_hash("Ada") == stored


def test_a_new_password_ends_all_other_sessions(desk: Desk) -> None:
    browser, elsewhere = desk.signed_in("Ada"), desk.signed_in("Ada")
    before = browser.cookies["desk"]
    answer = browser.post("/desk/api/password", json={"old": PASSWORD, "new": "a much longer one"})
    assert (answer.status_code, answer.json()) == (200, {})
    assert browser.cookies["desk"] != before
    assert may_work(browser)
    assert not may_work(elsewhere)
    assert desk.browser().post("/desk/login", json=FORM).status_code == 401
    assert may_work(desk.signed_in("Ada", "a much longer one"))
    assert audit.read(desk.store.database)[1][0].what == "agent.password"


@pytest.mark.parametrize(
    ("body", "status", "wrong"),
    [
        ({"old": "not it", "new": "a much longer one"}, 422, "old: is not your password"),
        ({"old": PASSWORD, "new": "short"}, 422, "at least 10 characters"),
        ({"old": PASSWORD}, 422, "new: Field required"),
        ({"old": PASSWORD, "new": "x" * 1001}, 422, "new: String should have at most 1000 characters"),
    ],
)
def test_a_new_password_that_is_refused(desk: Desk, body: dict[str, str], status: int, wrong: str) -> None:
    browser = desk.signed_in("Ada")
    answer = browser.post("/desk/api/password", json=body)
    assert (answer.status_code, wrong in answer.json()["detail"]) == (status, True)
    assert may_work(browser)
    assert may_work(desk.signed_in("Ada"))


def test_the_old_password_cannot_be_guessed_through_an_open_session(desk: Desk) -> None:
    browser, hashed = desk.signed_in("Ada"), desk.passwords.hashed
    body = {"old": "not it", "new": "a much longer one"}
    found = [browser.post("/desk/api/password", json=body).status_code for _ in range(PER_ACCOUNT + 3)]
    assert found == [422] * PER_ACCOUNT + [429] * 3
    assert desk.passwords.hashed - hashed == PER_ACCOUNT


def test_without_an_agent_the_page_says_how_to_add_one(empty_store: Store) -> None:
    desk = open_desk(empty_store)
    command = "chatbot agents add NAME --role admin"
    assert command in desk.browser().get("/desk/login").text
    page = desk.browser().post("/desk/login", data=FORM)
    assert (page.status_code, command in page.text) == (401, True)
    assert command in desk.browser().post("/desk/login", json=FORM).json()["detail"]
    desk.add("Ada")
    assert command not in desk.browser().get("/desk/login").text


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    """Of the same doors, for a real browser."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(desk.app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://localhost:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.mark.browser
def test_a_browser_signs_in_and_out(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/desk/gaps?days=7")
    assert page.url == f"{address}/desk/login?next=/desk/gaps%3Fdays%3D7"
    for password, shown in (("not the one", "Name or password is not right."), (PASSWORD, "The desk of Ada")):
        page.get_by_label("Name").fill("Ada")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text(shown).wait_for()
    assert page.url == f"{address}/desk/gaps?days=7"
    assert page.evaluate("document.cookie") == ""
    cookies = page.context.cookies()
    assert sorted(cookie["name"] for cookie in cookies) == ["desk", "desk-known"]
    assert {(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies} == {(True, "Strict")}
    page.goto(f"{address}/desk/login")
    assert page.url == f"{address}/desk"
    page.evaluate("fetch('/desk/logout', {method: 'POST'})")
    page.goto(f"{address}/desk/gaps")
    assert page.url == f"{address}/desk/login?next=/desk/gaps"
    page.close()


@pytest.mark.browser
def test_a_link_from_elsewhere_finds_the_session(browser: Browser, address: str) -> None:
    """Browsers send no strict cookie with it. Whoever is not signed in still comes to the login page."""
    page = browser.new_page()
    link = f'<a href="{address}/desk/gaps?days=7">look</a>'
    page.route("http://mail.example/", lambda route: route.fulfill(content_type="text/html", body=link))
    page.goto("http://mail.example/")
    page.get_by_text("look").click()
    page.wait_for_url(f"{address}/desk/login?next=/desk/gaps%3Fdays%3D7")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("The desk of Ada").wait_for()
    page.goto("http://mail.example/")
    page.get_by_text("look").click()
    page.get_by_text("The desk of Ada").wait_for()
    assert page.url == f"{address}/desk/gaps?days=7"
    page.close()
