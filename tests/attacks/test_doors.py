"""Other people's conversations, paths that lead elsewhere, what every answer carries: walked from the route table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from benchmarks.torture.place import Serving
from chatbot.web.access import CLOSED, PUBLIC, RULES
from tests.web.driving import ROOT
from tests.web.test_guard import HEADERS

from .conftest import signed_in
from .knocking import Answer, doors, filled, knock, variables

OPEN_TO_ALL = """
GET /  GET /api  GET /api/{rest:path}  GET /api/v1/openapi.json  GET /healthz  GET /readyz  GET /metrics
POST /api/v1/conversations  POST /api/v1/conversations/{conversation_id}/end
GET /api/v1/conversations/{conversation_id}/messages  POST /api/v1/conversations/{conversation_id}/messages
POST /api/v1/conversations/{conversation_id}/messages/{message_id}/feedback
PUT /api/v1/conversations/{conversation_id}/messages/{message_id}/feedback
GET /assets/{path:path}  GET /chat-assets/{file:path}  GET /static/{path:path}  GET /svelte/{path:path}
GET /favicon.ico  GET /robots.txt  GET /theme.css  GET /desk/login  POST /desk/login  POST /desk/logout
GET /gradio_api/heartbeat/{session_hash}  GET /gradio_api/startup-events  GET /gradio_api/theme.css
POST /gradio_api/run/open  POST /gradio_api/run/rate  POST /gradio_api/run/renew  POST /gradio_api/run/send
"""
"""What anybody may ask for. Whoever opens another door writes it here, too, and says why it has to be open."""

JSON = {"Content-Type": "application/json"}
BODIES = {"messages": {"text": "hi"}, "feedback": {"verdict": "up"}}


def test_the_open_doors_are_these() -> None:
    found = {f"{method} {path}" for (method, path), rule in RULES.items() if rule is PUBLIC}
    refusing = {f"{method} {path}" for method, path in RULES if path in ("/api", "/api/{rest:path}")}
    listed = set(re.findall(r"[A-Z]+ \S+", OPEN_TO_ALL))
    assert found - refusing == listed - refusing


def test_what_is_closed_is_not_there(attacked: Serving) -> None:
    closed = [key for key, rule in RULES.items() if rule is CLOSED]
    assert len(closed) > 60
    with httpx.Client(base_url=attacked.url) as client:
        for method, pattern in closed:
            path = filled(pattern, url_path="https://evil.example/x", path_or_url="/etc/passwd", path="/etc/passwd")
            assert client.request(method, path).status_code == 404, path


# --- Theft -------------------------------------------------------------------------------------------------------


@pytest.fixture
def owner(attacked: Serving) -> Iterator[httpx.Client]:
    """A customer with the page's cookie."""
    with httpx.Client(base_url=attacked.url, timeout=30) as client:
        client.get("/")
        yield client


def begun(client: httpx.Client) -> tuple[str, str]:
    """A conversation of this customer and the reply in it."""
    conversation = client.post("/api/v1/conversations", json={}).json()["id"]
    said = client.post(f"/api/v1/conversations/{conversation}/messages", json={"text": "where is my parcel"})
    return conversation, said.json()["replied"]["id"]


def test_somebody_elses_conversation_is_nowhere(attacked: Serving, owner: httpx.Client) -> None:
    """For another visitor, for one who leaves the cookie out, and for an agent who saw the id at the desk."""
    conversation, reply = begun(owner)
    taking = [(method, path) for method, path in doors() if "{conversation_id}" in path or "{message_id}" in path]
    assert len(taking) == 5
    with (
        httpx.Client(base_url=attacked.url) as nobody,
        httpx.Client(base_url=attacked.url) as visitor,
        signed_in(attacked, "Ada") as agent,
    ):
        visitor.get("/")
        assert visitor.cookies["visitor"] != owner.cookies["visitor"]
        for thief in (nobody, visitor, agent):
            mine, _ = begun(thief)
            for method, pattern in taking:
                for ids in ((conversation, reply), *([(mine, reply)] if "{message_id}" in pattern else [])):
                    path = filled(pattern, conversation_id=ids[0], message_id=ids[1])
                    body = BODIES.get(path.rsplit("/", 1)[-1]) if method != "GET" else None
                    answer = thief.request(method, path, json=body)
                    assert answer.status_code == 404, (method, path)
                    assert "parcel" not in answer.text
    lines = owner.get(f"/api/v1/conversations/{conversation}/messages").json()["messages"]
    assert [line["text"] for line in lines if line["role"] == "customer"] == ["where is my parcel"]
    assert [line.get("feedback") for line in lines] == [None, None]


def test_the_page_gives_nobody_what_another_one_said(owner: httpx.Client, stranger: httpx.Client) -> None:
    call = {"text": "my boots are too small", "key": "a" * 32}
    answered = owner.post("/gradio_api/run/send", json={"data": [call]}).json()["data"][0]
    reply = answered["lines"][1]["id"]
    stranger.get("/")
    for name, wanted in (
        ("open", {"conversation": answered["conversation"], "visitor": owner.cookies["visitor"]}),
        ("rate", {"message": reply, "verdict": "down"}),
        ("send", {"choice": "size_guide", "key": "b" * 32}),
        ("send", {"text": "hello", "key": "a" * 32}),  # the owner's key
        ("renew", {"conversation": answered["conversation"]}),
    ):
        assert "boots" not in stranger.post(f"/gradio_api/run/{name}", json={"data": [wanted]}).text
    kept = owner.post("/gradio_api/run/open", json={"data": [{}]}).json()["data"][0]
    assert kept["conversation"] == answered["conversation"]
    assert "boots" in json.dumps(kept["lines"][0])
    assert kept["lines"][1].get("verdict") is None


def test_a_session_that_was_planted_is_not_taken_over(attacked: Serving) -> None:
    planted = {"Cookie": "desk=" + "A" * 43}
    body = json.dumps({"name": "Ana", "password": "a long enough password"}).encode()
    answer = knock(attacked, "POST", "/desk/login", headers={**planted, **JSON}, body=body)
    assert answer.status == 200
    assert "desk=" + "A" * 43 not in answer.raw.decode()
    assert knock(attacked, "GET", "/desk/api/me", headers=planted).status == 401


# --- Paths -------------------------------------------------------------------------------------------------------

ELSEWHERE = (
    "../../../../../../etc/passwd", "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", "..%252f..%252f..%252fetc%252fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd", "..\\..\\..\\etc\\passwd", "..%5c..%5c..%5cetc%5cpasswd", "/etc/passwd",
    "%2fetc%2fpasswd", "%00", "x%00.js", "../chat.db%00.css", "....//....//etc/passwd", "..;/..;/etc/passwd",
    "file:///etc/passwd", "~root/.bashrc", "%c0%ae%c0%ae%c0%afetc%c0%afpasswd", "%ff%fe", "C:\\boot.ini", "." * 3000,
    "a" * 5000, "a%0d%0aSet-Cookie:%20x=y", "%e2%80%ae", "../home/chatbot.db", "..%2f..%2fchatbot.db", "-1", "1e9",
    "99999999999999999999", "0x1", "1%20or%201=1", "{0}", "*", "%",
)  # fmt: skip


def test_no_path_leads_elsewhere(attacked: Serving) -> None:
    """Every variable of every path, as an admin: whatever is refused is refused before it is looked up."""
    with signed_in(attacked, "Ada") as admin:
        cookie = {"Cookie": f"desk={admin.cookies['desk']}", **JSON}
        for method, pattern in doors():
            if pattern.startswith("/gradio_api/heartbeat"):
                continue  # an open stream by any name, below
            for name in variables(pattern):
                for strange in ELSEWHERE:
                    answer = knock(
                        attacked,
                        method,
                        filled(pattern, **{name: strange}),
                        headers=cookie,
                        body=b"{}" * (method != "GET"),
                    )
                    place = (method, pattern, strange)
                    assert answer.status in (303, 307, 400, 403, 404, 405, 413, 415, 422), (place, answer.status)
                    assert b"root:x:" not in answer.body, place
                    assert b"SQLite format" not in answer.body, place
                    assert not answer.all("set-cookie"), place
    assert not [line for line in attacked.said().splitlines() if " ERROR " in line]


# --- What every answer carries -----------------------------------------------------------------------------------


def test_every_answer_carries_the_headers(attacked: Serving) -> None:
    with signed_in(attacked, "Ada") as admin:
        cookie = {"Cookie": f"desk={admin.cookies['desk']}"}
        for method, pattern in doors():
            if pattern.startswith("/gradio_api/heartbeat") or pattern in ("/desk/logout", "/desk/api/erase"):
                continue
            for asked in (method, "HEAD", "OPTIONS", "TRACE", "PATCH"):
                for headers in (cookie, {}):
                    check(knock(attacked, asked, filled(pattern), headers=headers), f"{asked} {pattern}")


def test_also_what_is_refused_moved_unchanged_or_broken(attacked: Serving) -> None:
    css = re.search(r"chat-assets/\w+/chat\.css", httpx.get(attacked.url).text)
    assert css is not None
    file = knock(attacked, "GET", f"/{css[0]}")
    same = {"If-None-Match": file.one("etag"), "If-Modified-Since": file.one("last-modified")}
    long = json.dumps({"text": "x" * 70_000}).encode()
    cases = [
        (knock(attacked, "GET", f"/{css[0]}", headers=same), 304),
        (knock(attacked, "GET", f"/{css[0]}", headers={"Range": "bytes=0-9"}), 206),
        (knock(attacked, "GET", f"/{css[0]}", headers={"Range": "bytes=9999999-"}), 416),
        (knock(attacked, "GET", "/desk/templates"), 303),
        (knock(attacked, "GET", "/nothing"), 404),
        (knock(attacked, "GET", "/", headers={"Host": "evil.example"}), 400),
        (knock(attacked, "GET", "/?deep_link=x"), 400),
        (knock(attacked, "POST", "/desk/login", headers={"Origin": "https://evil.example"}, body=b"{}"), 403),
        (knock(attacked, "DELETE", "/api/v1/conversations"), 405),
        (knock(attacked, "POST", "/api/v1/conversations", headers=JSON, body=long), 413),
        (knock(attacked, "POST", "/api/v1/conversations", headers={"Content-Type": "text/plain"}, body=b"{}"), 415),
        (knock(attacked, "POST", "/api/v1/conversations", headers=JSON, body=b'{"x": 1}'), 422),
        (knock(attacked, "POST", "/gradio_api/run/send", headers=JSON, body=b"{"), 400),
    ]
    for answer, status in cases:
        assert answer.status == status
        check(answer, str(status))


def check(answer: Answer, what: str) -> None:
    for name, value in HEADERS.items():
        found = answer.all(name)
        assert found == [value] or (name == "content-security-policy" and "sandbox" in found[0]), (what, name, found)
    assert len(answer.one("x-request-id")) == 32, what
    for name, value in answer.headers:
        assert name not in ("server", "x-powered-by"), what
        assert not name.startswith("access-control-"), what
        assert not re.search(r"site-packages|Traceback", value), (what, name, value)
        assert str(ROOT) not in value, (what, name, value)
    for cookie in answer.all("set-cookie"):
        assert "HttpOnly" in cookie, what
        assert re.search("SameSite=(Strict|Lax)", cookie), what
        assert re.search("no-store|private", answer.one("cache-control")), (what, "a cookie that others may be handed")
    if answer.status >= 400:
        assert "public" not in answer.one("cache-control"), what
        assert not re.search(rb"Traceback|site-packages|\.py\b", answer.body), what
    if answer.one("location"):
        assert not re.match(r"(?i)(?:[a-z]+:)?//", answer.one("location")), (what, answer.one("location"))


def test_nothing_may_frame_the_page_or_the_desk(attacked: Serving) -> None:
    for path in ("/", "/desk/login"):
        answer = knock(attacked, "GET", path)
        assert answer.one("x-frame-options") == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in answer.one("content-security-policy")
