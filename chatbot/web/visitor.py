"""Who is at the page: a random cookie that keeps a visitor's conversation theirs, and nothing else about them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "visitor"
HTTPS_COOKIE = "__Host-visitor"
"""Browsers take a cookie of such a name from this very host and over https only, so that no other site below the same
domain can put a token of its own into a customer's browser. Over http they refuse it.
"""
MAX_AGE = 180 * 24 * 60 * 60
"""Seconds; counted anew with each visit of the page."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def new_token() -> str:
    """128 random bits in 22 characters."""
    return secrets.token_urlsafe(16)


def visitor_of(cookies: Mapping[str, str], *, secure: bool) -> str | None:
    """The visitor's token; None without one, and alike for one that we cannot have made."""
    token = cookies.get(HTTPS_COOKIE if secure else COOKIE, "")
    return token if _TOKEN.fullmatch(token) else None


class VisitorCookie:
    """ASGI middleware: whoever opens the page at `path` has a cookie afterwards, the one they had if it was ours.

    Every request finds the visitor in its `state.visitor`; None for one who brought no cookie of ours.

    `secure` is for a service that customers reach by https even where this process is asked by http (a proxy).
    """

    def __init__(self, app: ASGIApp, *, secure: bool = False, path: str = "/") -> None:
        self._app = app
        self._secure = secure
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = self._secure or scope["scheme"] == "https"
        visitor = visitor_of(cookie_parser(Headers(scope=scope).get("cookie", "")), secure=secure)
        scope.setdefault("state", {})["visitor"] = visitor
        if scope["path"] != self._path or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        header = self._header(visitor or new_token(), secure=secure)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = MutableHeaders(scope=message)
                headers.append("Set-Cookie", header)
                headers.setdefault("Cache-Control", "private, no-cache")  # no proxy may hand it to the next one
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    @staticmethod
    def _header(token: str, *, secure: bool) -> str:
        parts = [
            f"{HTTPS_COOKIE if secure else COOKIE}={token}",
            "Path=/",
            f"Max-Age={MAX_AGE}",
            "HttpOnly",
            "SameSite=Lax",
        ]
        return "; ".join([*parts, "Secure"] if secure else parts)
