"""The headers that every response carries, and those that neither go out nor come in."""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[bytes, bytes]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'self'",
        "object-src 'none'",
        "worker-src 'self' blob:",
    )
)
"""Measured to work unchanged with Gradio 6, which writes scripts and styles into its page, hence the inline ones."""

REPORT_POLICY = (
    b"default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'self'; sandbox"
)
"""Of a report on a model version, which is one file with pictures and styles inside: nothing runs, nothing is loaded.
The only policy that an answer may bring along, as it is stricter than the usual one."""

_ALWAYS: tuple[Header, ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HTTPS_ONLY: Header = (b"strict-transport-security", b"max-age=31536000")
_NEVER_STORED: Header = (b"cache-control", b"no-store")
_NEVER_OUT = frozenset({b"server", b"x-powered-by", b"x-request-id"})
_PROXY_CLAIMS = frozenset({b"forwarded", b"x-real-ip", b"x-client-ip", b"x-original-url", b"x-rewrite-url"})


def outgoing(headers: Iterable[Header], *, request_id: str, https: bool, private: bool) -> list[Header]:
    """Replaces what the application said about itself; `private` answers may not be kept by browsers or proxies."""
    headers = list(headers)
    own = [*_ALWAYS, (b"x-request-id", request_id.encode())]
    if any(name.lower() == b"content-security-policy" and value == REPORT_POLICY for name, value in headers):
        own[0] = (b"content-security-policy", REPORT_POLICY)
    if https:
        own.append(_HTTPS_ONLY)
    if private:
        own.append(_NEVER_STORED)
    replaced = {name for name, _ in own} | _NEVER_OUT
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in replaced and not name.lower().startswith(b"access-control-")
    ]
    return kept + own


def incoming(headers: Iterable[Header]) -> list[Header]:
    """Without what only a proxy may say: Gradio would build its addresses from these."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in _PROXY_CLAIMS and not name.lower().startswith(b"x-forwarded-")
    ]
