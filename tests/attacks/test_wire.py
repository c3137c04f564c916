"""What only a hand-written request says: foreign hosts, claims about proxies, two requests in one."""

from __future__ import annotations

import json

import pytest

from benchmarks.torture.place import Serving

from .knocking import answer_of, knock, said

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example", "evil.example#localhost",
     "localhost/evil.example", "localhost evil.example", "[::1]evil.example", "0x7f000001", "2130706433", "",
     "a" * 3000],
)  # fmt: skip
def test_foreign_names_are_refused(attacked: Serving, host: str) -> None:
    answer = knock(attacked, "GET", "/", headers=[("Host", host)])
    assert answer.status == 400
    assert b"evil" not in answer.raw


def test_one_name_and_no_other(attacked: Serving) -> None:
    own = f"127.0.0.1:{attacked.port}"
    assert knock(attacked, "GET", "/", headers=[("Host", own), ("Host", "evil.example")]).status == 400
    assert answer_of(said(attacked, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")).status == 400
    assert answer_of(said(attacked, b"GET / HTTP/1.0\r\n\r\n")).status == 400
    whole = f"GET http://evil.example/ HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n"
    answer = answer_of(said(attacked, whole.encode()))
    assert answer.status in (200, 400, 404)
    assert b"evil" not in answer.raw


def test_claims_about_proxies_change_nothing(attacked: Serving) -> None:
    """No proxy is configured here, so that nobody is believed."""
    forged = {
        "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Prefix": "/evil", "X-Forwarded-Port": "1", "Forwarded": "host=evil.example;proto=https",
        "X-Real-IP": "203.0.113.7", "X-Original-URL": "/desk/agents", "X-Rewrite-URL": "/desk/agents",
        "X-HTTP-Method-Override": "DELETE", "X-Host": "evil.example", "X-Forwarded-Server": "evil.example",
    }  # fmt: skip
    page = knock(attacked, "GET", "/", headers=forged)
    assert page.status == 200
    assert b"evil" not in page.raw
    assert "__Host-" not in page.one("set-cookie")  # it did not come by https
    moved = knock(attacked, "GET", "/desk/templates", headers=forged)
    assert (moved.status, moved.one("location")) == (303, "../desk/login?next=/desk/templates")


def test_an_invented_address_brings_no_new_attempts(attacked: Serving) -> None:
    body = json.dumps({"name": "Grace", "password": "wrong"}).encode()
    found = []
    for number in range(8):
        claims = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}", **JSON}
        found.append(knock(attacked, "POST", "/desk/login", headers=claims, body=body).status)
    assert found.count(401) <= 5
    assert found[-1] == 429


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 60",
        "Content-Length: 4, 60",
        "Content-Length: +4",
        "Content-Length: -1",
        "Content-Length: 4\x0b",
        "Content-Length: 0x04",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\x0bchunked",
        "X: y\n\rTransfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
    ],
)
def test_one_request_is_not_read_as_two(attacked: Serving, headers: str) -> None:
    """What follows a body of doubtful length is never answered as a request of its own."""
    hidden = f"GET /robots.txt HTTP/1.1\r\nHost: 127.0.0.1:{attacked.port}\r\n\r\n"
    request = (
        f"POST /api/v1/conversations HTTP/1.1\r\nHost: 127.0.0.1:{attacked.port}\r\n"
        f"Content-Type: application/json\r\n{headers}\r\n\r\n0\r\n\r\n{hidden}"
    )
    found = said(attacked, request.encode("latin-1"), seconds=2)
    assert b"User-agent" not in found


def test_no_header_is_written_by_what_was_asked(attacked: Serving) -> None:
    for path in ("/desk/x%0d%0aSet-Cookie:%20a=b", "/desk/login?next=/desk%0d%0aX-Evil:%20y", "/%0d%0aX-Evil:y"):
        answer = knock(attacked, "GET", path)
        assert not answer.all("x-evil")
        assert "a=b" not in answer.all("set-cookie")


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/desk/..//evil.example", "/desk@evil.example",
     "https:evil.example", "/desk%2f%2fevil.example", "javascript:alert(1)", "/desk/%09/evil.example", "\x01//evil"],
)  # fmt: skip
def test_signing_in_leads_to_the_desk_only(attacked: Serving, wanted: str) -> None:
    form = json.dumps({"name": "Lea", "password": "a long enough password", "next": wanted}).encode()
    answer = knock(attacked, "POST", "/desk/login", headers=JSON, body=form)
    assert answer.status == 200
    cookie = {"Cookie": answer.all("set-cookie")[0].split(";")[0]}
    moved = knock(attacked, "GET", f"/desk/login?next={wanted.encode().hex(' ').replace(' ', '%')}", headers=cookie)
    assert moved.status in (200, 303)
    assert moved.one("location") in ("", "../desk")
    asked = "%" + wanted.encode().hex("%")
    moved = knock(attacked, "GET", f"/desk/login?next={asked}", headers=cookie)
    assert (moved.status, moved.one("location")) == (303, "../desk")
