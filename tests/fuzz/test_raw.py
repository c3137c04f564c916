"""Requests that no client library sends, at every address: each gets an answer below 500, and soon."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from chatbot.redact import Redactor, cleaned
from chatbot.web.api import is_json

from .calls import HOST, JSON, Answered, Calls, Header
from .hostile import hostile, short
from .profile import PATIENCE, tried
from .strategies import FIELDS, VALUES

BEGIN = b"/api/v1/conversations"
EVENTS = [f"/gradio_api/run/{name}".encode() for name in ("open", "send", "rate", "renew")]
VISITOR: Header = (b"cookie", b"visitor=AAAAAAAAAAAAAAAAAAAAAA")
PLACES = (
    *(b"/", b"/healthz", b"/readyz", b"/metrics", b"/api", b"/api/v1/openapi.json", BEGIN, BEGIN + b"/x/messages"),
    *(BEGIN + b"/x/messages/y/feedback", BEGIN + b"/x/end", b"/desk", b"/desk/login", b"/desk/logout", b"/desk/api/me"),
    *(b"/desk/api/queue", b"/desk/api/template/check", b"/robots.txt", b"/theme.css", b"/assets/x", *EVENTS),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "post")
MEDIA_TYPES = (
    *(b"", b"application/json", b"text/plain", b"application/json; charset=utf-16", b"application/json;charset=\xff"),
    *(b"application/json; charset*" + b"1" * 5000 + b"=x", b"application/json; charset*=a; charset*0=b"),
    *(
        b"application/json; charset*=utf-8''x%ff",
        b"application/json" + b";" * 60_000,
        b'application/json; a="' + b";" * 60_000,
    ),
    *(b"multipart/form-data", b"multipart/form-data; boundary=" + b"x" * 5000, b"application/x-www-form-urlencoded"),
    *(b"application/xml", b"/", b"a/b/c", b"\x00", b"application/json\r\nx: y", b"application/problem+json", b"*/*"),
)
BODIES = (
    *(
        b"",
        b"{",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"\xff\xfe\x00",
        b"\x00",
        b"{}" * 10,
        b'{"text":"\xff"}',
        b'{"text":"\\ud800"}',
    ),
    *(b"[" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'{"text":' + b"9" * 5000 + b"}", b'{"text":NaN}'),
    *(b'{"text":"a","text":"b"}', b'{"text":1e400}', b'{"text":"' + b"a" * 70_000 + b'"}', b'\xef\xbb\xbf{"text":"a"}'),
    *('{"text":"a"}'.encode("utf-16"), b"name=a&password=b", b"name=%ff&password=%00", b"&" * 60_000, b"a=" * 30_000),
    *(b'{"name":"\\ud800","password":"\\u0000"}', b'{"name":"' + b"x" * 60_000 + b'","password":""}', b'{"data":[]}'),
    *(
        b'{"data":[{}]}',
        b'{"data":[null,1,2]}',
        b'{"data":[{"path":"/etc/passwd","meta":{"_type":"gradio.FileData"}}]}',
    ),
    *(b'{"data":[{"key":"aaaaaaaaaaaaaaaaaaaa","text":"\\u0000 hi"}]}', b'{"data":{"a":1}}', b'{"data":"x"}'),
    *(b'{"data":[{}],"fn_index":99}', b'{"data":[{}],"fn_index":"x"}', b'{"data":[{}],"session_hash":{"a":1}}'),
    *(b'{"data":[{}],"event_data":{"a":[1]}}', b'{"data":[{}],"trigger_id":-1,"batched":true}', b'{"fn_index":0}'),
    b'{"data":[{}],"batched":true,"session_hash":"x","event_id":"y","request":{"a":1},"simple_format":true}',
)


REDACTOR = Redactor(r"JP-\d{6}")


def sound(answered: Answered, what: object) -> None:
    assert answered.status < 500, (what, answered.body)
    assert answered.seconds < PATIENCE, (what, answered.seconds)
    if answered.status:
        assert answered.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in answered.headers
        assert "x-request-id" in answered.headers


@pytest.mark.parametrize("place", PLACES)
def test_every_method_with_every_body(place: bytes, calls: Calls) -> None:
    for method in METHODS:
        for body in BODIES if method in ("POST", "PUT") else BODIES[:2]:
            length = (b"content-length", str(len(body)).encode())
            sound(calls(method, place, headers=[JSON, VISITOR, length], chunks=[body]), (method, place, body[:60]))


@pytest.mark.parametrize(
    "place", [BEGIN, BEGIN + b"/x/messages", b"/desk/login", b"/desk/api/template/check", EVENTS[1]]
)
def test_every_media_type(place: bytes, calls: Calls) -> None:
    for media_type in MEDIA_TYPES:
        headers = [(b"content-type", media_type), (b"content-length", b"2"), VISITOR]
        sound(calls("POST", place, headers=headers, chunks=[b"{}"]), (place, media_type[:60]))


@pytest.mark.parametrize(
    ("media_type", "is_so"),
    [
        ("application/json", True),
        (' Application/JSON ; charset="UTF-8"', True),
        ("application/json; profile=x; charset=utf8", True),
        ("application/json; charset=latin-1", False),
        ("application/json; charset*=utf-8''x", False),
        ("application/jsonp", False),
        ("", False),
    ],
)
def test_what_is_json(media_type: str, is_so: bool) -> None:
    assert is_json(media_type) is is_so


def test_bodies_in_pieces(calls: Calls) -> None:
    chunked = (b"transfer-encoding", b"chunked")
    good = b'{"language":"en"}'
    for pieces in ([good], [good[:1], good[1:]], [b"", good, b""], [bytes([byte]) for byte in good]):
        answered = calls("POST", BEGIN, headers=[JSON, chunked], chunks=pieces)
        assert answered.status == 201, pieces
    for pieces in ([b"[" * 1000] * 100, [b""] * 1000, [b"\xff"] * 1000, [b"x" * 65_537]):
        sound(calls("POST", BEGIN, headers=[JSON, chunked], chunks=pieces), pieces[0][:10])
    assert calls("POST", BEGIN, headers=[JSON, chunked], chunks=[good], hangs_up=True).status == 0
    for declared in (b"-1", b"0x10", b"9" * 5000, b"1e3", b"\xb2", b"17, 17", b""):
        sound(calls("POST", BEGIN, headers=[JSON, (b"content-length", declared)], chunks=[good]), declared)


def test_hostile_paths_queries_and_headers(calls: Calls) -> None:
    names = (b"accept-language", b"cookie", b"origin", b"idempotency-key", b"accept", b"range", b"authorization")
    more = (
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"forwarded",
        b"if-none-match",
        b"referer",
        b"sec-fetch-site",
        b"x-a",
    )
    for text in short():
        raw = text.encode("utf-8", "surrogatepass")[:2000]
        quoted = "".join(f"%{byte:02x}" for byte in raw[:600]).encode()
        for target in (
            b"/" + quoted,
            BEGIN + b"/" + quoted + b"/messages",
            b"/assets/" + quoted,
            b"/desk/reports/" + quoted,
        ):
            sound(calls("GET", target), text)
        for target in (b"/?a=" + quoted, b"/desk/login?next=" + quoted, b"/?" + raw.replace(b"#", b"")):
            sound(calls("GET", target), text)
        if not set(raw) & set(b"\r\n\0"):
            sound(calls("GET", b"/healthz", headers=[(name, raw) for name in (*names, *more)]), text)
    for target in (
        b"/?" + b"a" * 70_000,
        b"/?\x7f",
        b"/%",
        b"/%ff%fe",
        b"/%00",
        b"/%c0%ae%c0%ae/",
        b"/" + b"a" * 60_000,
        b"/" + b"%2f" * 5000,
        b"//",
        b"/\xff",
    ):
        sound(calls("GET", target), target[:20])
        sound(calls("POST", target, headers=[JSON]), target[:20])


@pytest.mark.parametrize(
    "name", [b"accept-language", b"cookie", b"accept", b"range", b"x-forwarded-for", b"if-none-match"]
)
@pytest.mark.parametrize(
    "unit", [b" ", b";", b",", b"en ", b"en;q=", b'"', b"a=b;", b"visitor=;", b"1-", b"bytes=0-0,"]
)
def test_a_header_that_repeats_one_thing(name: bytes, unit: bytes, calls: Calls) -> None:
    value = unit * (60_000 // len(unit)) + b"x"
    for place in (b"/", b"/desk/login", b"/robots.txt"):
        sound(calls("GET", place, headers=[(name, value)]), (name, unit))


def test_hosts_that_are_none(calls: Calls) -> None:
    for host in (
        b"",
        b"evil.example",
        b"localhost:99999",
        b"[::1",
        b"a@b",
        b"\xff",
        b"localhost\x00",
        b"x" * 60_000,
        b"[" * 999,
    ):
        answered = calls("GET", b"/healthz", headers=[(b"host", host)])
        assert answered.status == 400, host[:20]
    assert calls("GET", b"/healthz").status == 200
    assert HOST[1] == b"localhost:7860"


def test_any_message(client: TestClient) -> None:
    conversation = client.post(BEGIN.decode()).json()["id"]

    @tried(60)
    @given(st.dictionaries(st.sampled_from(["text", "choice", "wants_person", *FIELDS[:3]]), VALUES, max_size=3))
    def each(body: object) -> None:
        data = json.dumps(body).encode()
        answer = client.post(
            f"{BEGIN.decode()}/{conversation}/messages", content=data, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code < 500, (body, answer.text)

    each()


@pytest.mark.parametrize("kind", [kind for kind in hostile() if kind != "long"])
def test_hostile_texts_to_the_page(kind: str, calls: Calls) -> None:
    """Through Gradio's own endpoint, as the page does it: what comes back is what was stored, as plain values."""
    for number, text in enumerate(hostile()[kind]):
        call = {"key": f"hostile-{kind.replace(' ', '-')}-{number:04d}-x", "text": text}
        data = json.dumps({"data": [call]}).encode()
        headers = [JSON, VISITOR, (b"content-length", str(len(data)).encode())]
        answered = calls("POST", EVENTS[1], headers=headers, chunks=[data])
        sound(answered, text)
        assert answered.status == 200
        (said,) = json.loads(answered.body)["data"]
        if cleaned(text):
            assert [line["role"] for line in said["lines"]] == ["customer", "bot"]
            assert said["lines"][0]["parts"] == [{"text": REDACTOR.redact(text).text}]
        else:
            assert said["error"]["name"] == "empty"
