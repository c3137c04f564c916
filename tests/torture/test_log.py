"""A whole server with its log for programs: from the first line to the last, whatever is asked of it, objects."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from benchmarks.torture.place import Place

SECRET = "canary-4111-1111-1111-1111"
BROUGHT = "00112233445566778899aabbccddeeff"
MALFORMED: tuple[tuple[str, dict[str, object]], ...] = (
    ("/gradio_api/run/send", {"data": []}),
    ("/gradio_api/run/send", {"data": [SECRET]}),
    ("/gradio_api/run/send", {"data": [{"text": SECRET}, SECRET]}),
    ("/gradio_api/run/rate", {"data": [[SECRET]], "session_hash": SECRET}),
    ("/api/v1/conversations", {"language": SECRET}),
    (f"/api/v1/conversations/{SECRET}/messages", {"text": SECRET}),
)


def post(url: str, body: object) -> tuple[int, str]:
    """The status, and the id of the request."""
    headers = {"Content-Type": "application/json", "X-Request-Id": BROUGHT, "Cookie": f"visitor={SECRET}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["X-Request-Id"]
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, error.headers["X-Request-Id"]


def test_every_line_is_an_object_and_holds_nobodys_words(place: Place) -> None:
    with place.serve(log_format="json") as server:
        answers = [post(f"{server.url}{path}", body) for path, body in MALFORMED]
        assert {request for _, request in answers} == {BROUGHT}
        server.stop()
    said = server.said()
    lines = [json.loads(line) for line in said.splitlines()]
    assert all({"time", "level", "logger", "event"} <= line.keys() for line in lines)
    events = [line["event"] for line in lines]
    assert events[0].startswith("State is kept in")
    assert any(event.startswith("Ready after") for event in events)
    assert events[-1] == "Stopped."
    requests = [line for line in lines if line["event"] == "request" and line["request"] == BROUGHT]
    assert [line["status"] for line in requests] == [status for status, _ in answers]
    assert SECRET not in said
