"""Gradio's page with the shop's head on it: language, title, look, script and words are there with the first byte.

Gradio inserts its own `head=` and `css=` only once its script has run, a second later, and its template calls every
page "Gradio" in link previews and `lang="en"`. So the one HTML document is rewritten on its way out.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LANG = re.compile(r'<html\s+lang="en"')
_META = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*?/>', re.DOTALL)
_MANIFEST = re.compile(r'\s*<link rel="manifest"[^>]*>')


@dataclass(frozen=True, slots=True)
class Dress:
    """What one visitor's page is dressed with. `assets` is the path of the static files, relative to the page."""

    language_tag: str
    title: str
    description: str
    assets: str
    noscript: str
    start: Mapping[str, object] = field(default_factory=dict)
    """What the script finds at once, as JSON in the page."""

    def put_on(self, page: str) -> str:
        page = _LANG.sub(f'<html lang="{html.escape(self.language_tag)}"', page, count=1)
        page = _MANIFEST.sub("", _META.sub("", page), count=1)
        return page.replace("</head>", f"{self._head()}\n\t</head>", 1).replace(
            "</body>", f"{self._body()}\n</body>", 1
        )

    def _head(self) -> str:
        title, about = html.escape(self.title), html.escape(self.description)
        assets = html.escape(self.assets)
        return f"""
        <title>{title}</title>
        <meta name="description" content="{about}">
        <meta name="robots" content="noindex">
        <meta name="color-scheme" content="light dark">
        <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f5f4f0">
        <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#111514">
        <link rel="icon" type="image/svg+xml" href="{assets}/icon.svg">
        <link rel="stylesheet" href="{assets}/chat.css">
        <script type="application/json" id="chat-start">{_script_json(self.start)}</script>
        <script type="module" src="{assets}/chat.js"></script>"""

    def _body(self) -> str:
        return f'<noscript><p class="noscript">{html.escape(self.noscript)}</p></noscript>'


def _script_json(value: Mapping[str, object]) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


class DressedPage:
    """ASGI middleware: dresses the HTML document at `path`; everything else passes untouched."""

    def __init__(self, app: ASGIApp, *, dress: Callable[[Headers], Dress], path: str = "/") -> None:
        self._app = app
        self._dress = dress
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        dress = await anyio.to_thread.run_sync(self._dress, Headers(scope=scope))
        # Compressed bytes could not be rewritten; nothing on the way to here has compressed them then.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": plain}, receive, _Rewriting(send, dress))


class _Rewriting:
    """Holds back the start of the response until the whole document is there and its new length is known."""

    def __init__(self, send: Send, dress: Dress) -> None:
        self._send = send
        self._dress = dress
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
            return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = self._dress.put_on(self._body.decode("utf-8")).encode("utf-8")
        headers = MutableHeaders(scope=self._start)
        headers["Content-Length"] = str(len(body))
        headers["Cache-Control"] = "private, no-cache"
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body})


def _is_page(message: Message) -> bool:
    return message["status"] == 200 and Headers(raw=message["headers"]).get("content-type", "").startswith("text/html")
