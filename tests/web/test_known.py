"""The cookie of a browser that an agent has signed in with."""

from __future__ import annotations

from typing import Any

import pytest

from chatbot.web import known

HASH = "$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


def scope(cookie: str = "", scheme: str = "http") -> dict[str, Any]:
    return {"type": "http", "scheme": scheme, "headers": [(b"cookie", cookie.encode("latin-1"))]}


def test_it_fits_the_hash_that_it_was_made_with() -> None:
    value = known.seal(HASH)
    assert known.is_sealed(value, HASH)
    assert not known.is_sealed(value, HASH + "x")  # another password, or another agent
    assert value != known.seal(HASH)
    assert HASH not in value


@pytest.mark.parametrize("value", ["", ".", "x", "a" * 22 + "." + "0" * 64, "a" * 22 + "." + "é" * 64, "a" * 5000])
def test_nobody_makes_one(value: str) -> None:
    assert not known.is_sealed(value, HASH)


def test_it_is_brought_back_under_the_name_of_the_scheme() -> None:
    value = known.seal(HASH)
    assert known.brought(scope(f"desk-known={value}")) == value
    assert known.brought(scope(f"__Host-desk-known={value}", "https")) == value
    assert known.brought(scope(f"desk-known={value}", "https")) == ""  # anybody on the way could have planted it
    assert known.brought(scope("desk-known=made up")) == ""


def test_how_it_is_kept() -> None:
    assert known.header(scope(), "v") == "desk-known=v; Path=/; Max-Age=15552000; HttpOnly; SameSite=Strict"
    assert known.header(scope(scheme="https"), "v").startswith("__Host-desk-known=v; Path=/;")
    assert known.header(scope(scheme="https"), "v").endswith("; Secure")
