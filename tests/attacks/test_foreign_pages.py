"""What a page of another site can make an agent's or a customer's browser do: nothing that changes anything."""

from __future__ import annotations

import pytest

from benchmarks.torture.place import Serving
from chatbot.web.access import CLOSED, RULES

from .conftest import signed_in
from .knocking import filled, knock

UNSAFE = sorted(key for key, rule in RULES.items() if key[0] not in ("GET", "HEAD", "OPTIONS") and rule is not CLOSED)

FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://127.0.0.1"},  # not the scheme that the page has
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "file://"},
    {"Origin": ""},
)


@pytest.mark.parametrize("headers", FOREIGN, ids=[str(one) for one in FOREIGN])
def test_every_unsafe_route_refuses_a_foreign_page(attacked: Serving, headers: dict[str, str]) -> None:
    before = attacked.rows("SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM audit_log)")
    with signed_in(attacked, "Ada") as admin:
        cookie = {"Cookie": f"desk={admin.cookies['desk']}"}
        assert len(UNSAFE) > 40
        for method, pattern in UNSAFE:
            for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
                answer = knock(
                    attacked, method, filled(pattern), headers={**cookie, **headers, "Content-Type": kind}, body=b"{}"
                )
                assert answer.status == 403, (method, pattern, kind, answer.status)
        assert admin.get("/desk/api/me").status_code == 200  # still signed in
    after = attacked.rows("SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM audit_log)")
    assert after == before


def test_a_form_without_an_origin_is_no_json(attacked: Serving) -> None:
    """Old browsers send neither Origin nor Sec-Fetch-Site. What a form can carry is then refused for its type."""
    with signed_in(attacked, "Ada") as admin:
        cookie = {"Cookie": f"desk={admin.cookies['desk']}"}
        for method, pattern in UNSAFE:
            if pattern in ("/desk/login", "/desk/logout") or pattern.endswith("/end"):
                continue  # these end or begin a session of the browser's own, or take no body
            answer = knock(
                attacked, method, filled(pattern), headers={**cookie, "Content-Type": "text/plain"}, body=b'{"x":"="}'
            )
            assert answer.status in (404, 415, 422), (method, pattern, answer.status)


def test_reading_changes_nothing(attacked: Serving) -> None:
    """No GET writes what anybody would notice: a link or a picture must not be able to."""
    with signed_in(attacked, "Ada") as admin:
        knock(attacked, "GET", "/desk/api/me", headers={"Cookie": f"desk={admin.cookies['desk']}"})
        tables = ("conversations", "messages", "feedback", "templates", "agents", "audit_log", "reviews", "examples")
        counted = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
        before = attacked.rows(counted)
        for method, pattern in sorted(RULES):
            if method == "GET" and not pattern.startswith("/gradio_api/heartbeat"):
                admin.get(filled(pattern))
        assert attacked.rows(counted) == before
        assert admin.get("/desk/api/me").status_code == 200
