"""One request at a time, as a browser or a program sends it, and the answer as it came."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

API = "/api/v1/conversations"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """`headers` by name in small letters, and `cookies` as they are sent back; status 0 where nobody answered."""

    status: int
    headers: Mapping[str, str]
    body: Any
    cookies: str = ""


def request(
    url: str, body: Any = None, *, method: str | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    content = None if body is None else json.dumps(body).encode()
    given = dict(headers or {}) | ({"Content-Type": "application/json"} if content is not None else {})
    asked = urllib.request.Request(url, content, given, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
            return _reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return _reply(error.code, error.headers, error.read())
    except (urllib.error.URLError, OSError):
        return Reply(0, {}, None)


def say(url: str, conversation: str, text: str, *, key: str) -> Reply:
    """A message by the REST API."""
    return request(f"{url}{API}/{conversation}/messages", {"text": text}, headers={"Idempotency-Key": key})


def begin(url: str) -> str:
    return str(request(f"{url}{API}", {}).body["id"])


class Visitor:
    """A customer at the page, without a browser."""

    def __init__(self, url: str, language: str) -> None:
        self._url = url
        self._headers = {"Accept-Language": language}
        self._headers["Cookie"] = request(f"{url}/", headers=self._headers).cookies

    def call(self, name: str, **payload: Any) -> Any:
        """What an endpoint of the page gives back: plain values, or {"error": {"sentence": ...}}."""
        found = request(f"{self._url}/gradio_api/run/{name}", {"data": [payload]}, headers=self._headers)
        return found.body["data"][0] if found.status == 200 else {"error": {"sentence": "", "status": found.status}}


def seconds_until(what: Callable[[], bool], *, patience: float) -> float:
    """How long it took to come true; `patience` where it did not."""
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if what():
            return time.monotonic() - began
        time.sleep(0.05)
    return patience


def _reply(status: int, headers: Any, content: bytes) -> Reply:
    named = {name.lower(): value for name, value in headers.items()}
    is_json = "json" in named.get("content-type", "")
    cookies = "; ".join(cookie.partition(";")[0] for cookie in headers.get_all("set-cookie", []))
    return Reply(status, named, json.loads(content) if is_json else content.decode("utf-8", "replace"), cookies)
