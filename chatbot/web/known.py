"""Browsers from which an agent has signed in before. Whoever guesses at the agent's name from a thousand addresses uses
up what the name has in attempts, and must not thereby keep its owner out.

The cookie says nothing and opens nothing: it is a random number and its seal under the agent's stored password hash, so
that nothing is kept on the server, nobody can make one, and a new password ends all of them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

COOKIE = "desk-known"
SECURE_COOKIE = "__Host-desk-known"
MAX_AGE = 180 * 24 * 60 * 60
"""Seconds since the last sign-in."""

_FORM = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")


def seal(password_hash: str) -> str:
    """A new value for the cookie."""
    number = secrets.token_urlsafe(16)
    return f"{number}.{_seal(number, password_hash)}"


def is_sealed(value: str, password_hash: str) -> bool:
    found = _FORM.fullmatch(value)
    return found is not None and hmac.compare_digest(found[2], _seal(found[1], password_hash))


def brought(scope: Scope) -> str:
    """What the browser sent of the form that ours has; empty without it."""
    value = cookie_parser(Headers(scope=scope).get("cookie", "")).get(_name(scope), "")
    return value if _FORM.fullmatch(value) else ""


def header(scope: Scope, value: str) -> str:
    """The `Set-Cookie` that keeps it."""
    secure = ["Secure"] if scope["scheme"] == "https" else []
    named = f"{_name(scope)}={value}"
    return "; ".join([named, "Path=/", f"Max-Age={MAX_AGE}", "HttpOnly", "SameSite=Strict", *secure])


def _name(scope: Scope) -> str:
    return SECURE_COOKIE if scope["scheme"] == "https" else COOKIE


def _seal(number: str, password_hash: str) -> str:
    return hmac.new(password_hash.encode(), f"{COOKIE}\0{number}".encode(), hashlib.sha256).hexdigest()
