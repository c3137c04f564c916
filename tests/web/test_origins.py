from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from chatbot.settings import Settings
from chatbot.web.origins import Origins, bucket_of, caller, is_loopback

PUBLIC = Settings(public_url="https://chat.shop.example", allowed_hosts=("intern.shop.example",))


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:7860", "127.0.0.1:1", "[::1]:7860", "chat.shop.example", "chat.shop.example:443",
     "intern.shop.example:8080", "chat.shop.example."],
)  # fmt: skip
def test_names_of_this_server(host: str) -> None:
    assert Origins.of(PUBLIC).knows(host) is True


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "chat.shop.example.evil.example", "xchat.shop.example", "localhost@evil.example",
     "evil.example#localhost", "localhost:x", "localhost:99999", "192.168.1.5", "0.0.0.0", "a b", "[::1",
     "[::1]evil.example", "evil.example[::1]", "[::1][::1]", "[::1]:80:80"],
)  # fmt: skip
def test_names_of_others(host: str) -> None:
    assert Origins.of(PUBLIC).knows(host) is False


def test_listening_everywhere_answers_to_every_address_but_to_no_foreign_name() -> None:
    everywhere = Origins.of(Settings(host="0.0.0.0"))
    assert everywhere.knows("192.168.1.5:7860") is True
    assert everywhere.knows("[2001:db8::1]:7860") is True
    assert everywhere.knows("rebound.evil.example") is False


def test_the_host_setting_is_a_name() -> None:
    assert Origins.of(Settings(host="10.1.2.3")).knows("10.1.2.3:7860") is True
    assert Origins.of(Settings(host="::")).knows("[fe80::1]:7860") is True
    assert Origins.of(Settings(allowed_hosts=("shop.example:8080",))).knows("shop.example") is True


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:7860", "localhost:7860"),
        ("http://LOCALHOST:7860", "localhost:7860"),
        ("http://localhost", "localhost"),
        ("http://localhost:80", "localhost"),
        ("https://chat.shop.example", "chat.shop.example"),
        ("https://chat.shop.example", "chat.shop.example:443"),
        ("http://[::1]:7860", "[::1]:7860"),
        # a proxy that does not hand on the name that was asked for
        ("https://chat.shop.example", "127.0.0.1:7860"),
    ],
)
def test_pages_of_this_server(origin: str, host: str) -> None:
    assert Origins.of(PUBLIC).same(origin, host) is True


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "localhost:7860"),
        ("", "localhost:7860"),
        ("http://evil.example", "localhost:7860"),
        ("http://localhost:3000", "localhost:7860"),
        ("http://localhost", "localhost:7860"),
        ("http://127.0.0.1:7860", "localhost:7860"),
        ("http://chat.shop.example", "127.0.0.1:7860"),
        ("http://chat.shop.example", "chat.shop.example"),
        ("http://chat.shop.example:443", "chat.shop.example:443"),
        ("https://chat.shop.example?", "chat.shop.example"),
        ("https://chat.shop.example?x", "chat.shop.example"),
        ("https://chat.shop.example#x", "chat.shop.example"),
        ("https://chat.shop.example.evil.example", "chat.shop.example"),
        ("https://chat.shop.example@evil.example", "chat.shop.example"),
        ("https://evil.example/chat.shop.example", "chat.shop.example"),
        ("file://", "localhost:7860"),
        ("http://[", "localhost:7860"),
        ("chrome-extension://localhost:7860", "localhost:7860"),
    ],
)
def test_pages_of_others(origin: str, host: str) -> None:
    assert Origins.of(PUBLIC).same(origin, host) is False


def test_the_scheme_is_the_public_one_for_the_public_name_only() -> None:
    origins = Origins.of(PUBLIC)
    assert origins.scheme("chat.shop.example", "http") == "https"
    assert origins.scheme("localhost:7860", "http") == "http"
    assert Origins.of(Settings()).scheme("localhost:7860", "http") == "http"


@pytest.mark.parametrize(
    ("peer", "forwarded", "behind_proxy", "address"),
    [
        ("127.0.0.1", "203.0.113.7", True, "203.0.113.7"),
        ("172.18.0.3", "6.6.6.6, 203.0.113.7", True, "203.0.113.7"),  # the proxy's own entry is the last one
        ("::1", "2001:db8::7", True, "2001:db8::7"),
        ("127.0.0.1", "203.0.113.7", False, "127.0.0.1"),
        ("198.41.0.4", "203.0.113.7", True, "198.41.0.4"),  # a stranger's claim
        ("127.0.0.1", "nonsense", True, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7:40001", True, "203.0.113.7"),
        ("127.0.0.1", "[2001:db8::7]:40001", True, "2001:db8::7"),
        ("127.0.0.1", "[2001:db8::7]", True, "2001:db8::7"),
        ("127.0.0.1", "shop.example:80", True, "127.0.0.1"),
        ("127.0.0.1", "", True, "127.0.0.1"),
    ],
)
def test_who_is_calling(peer: str, forwarded: str, behind_proxy: bool, address: str) -> None:
    assert caller(peer, Headers({"x-forwarded-for": forwarded}), behind_proxy=behind_proxy) == address


def test_the_proxys_own_line_is_the_last_one() -> None:
    lines = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"203.0.113.7")]
    assert caller("127.0.0.1", Headers(raw=lines), behind_proxy=True) == "203.0.113.7"


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("local", "local"),
    ],
)
def test_one_line_is_one_bucket(address: str, bucket: str) -> None:
    assert bucket_of(address) == bucket


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("LOCALHOST:7860", True), ("127.0.0.1:1", True), ("[::1]:7860", True), ("", False),
     ("192.168.1.5", False), ("localhost.evil.example", False), ("evil.example:127", False), ("0.0.0.0", False)],
)  # fmt: skip
def test_names_of_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
