"""Ten thousand attempts in a minute of a clock that the test turns, and what hashing may cost."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from starlette.requests import Request

from chatbot.errors import Overloaded
from chatbot.passwords import AT_ONCE, LONGEST, WAITING, Passwords
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.agents import plain
from chatbot.types import Role
from chatbot.web.auth import PER_ACCOUNT, PER_ACCOUNT_IN_ALL, PER_ADDRESS, Auth
from chatbot.web.limits import RateLimiter
from chatbot.web.problems import Problem
from chatbot.web.session import Sessions
from tests.web.desk_app import PASSWORD, Desk, open_desk


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def auth(empty_store: Store, clock: Clock) -> Auth:
    settings, passwords = Settings(), Passwords(memory_kib=8, rounds=1)
    empty_store.agents.add("Ana", role=Role.AGENT, password_hash=passwords.hash(PASSWORD), by="test")
    return Auth(
        settings=settings,
        store=empty_store,
        sessions=Sessions(settings=settings, store=empty_store),
        passwords=passwords,
        by_account=RateLimiter(PER_ACCOUNT, clock=clock),
        by_address=RateLimiter(PER_ADDRESS, clock=clock),
        by_account_in_all=RateLimiter(PER_ACCOUNT_IN_ALL, clock=clock),
    )


def tried(auth: Auth, name: str, password: str, address: str) -> str:
    """What an attempt came to: in, wrong, or wait."""
    scope = {
        "type": "http",
        "headers": [(b"host", b"localhost")],
        "client": (address, 1),
        "scheme": "http",
        "state": {},
    }
    try:
        found = auth._authenticated(Request(scope), name, password)
    except Problem as problem:
        return {429: "wait"}[problem.kind.status]
    return "wrong" if found is None else "in"


def address_of(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def test_ten_thousand_guesses_from_one_address(auth: Auth, clock: Clock) -> None:
    """Spread over an hour: twenty at first, and one every three seconds."""
    before, found = auth.passwords.hashed, []
    for number in range(10_000):
        clock.now += 3600 / 10_000
        found.append(tried(auth, f"name {number % 500}", f"guess {number}", "203.0.113.9"))
    hashed = auth.passwords.hashed - before
    assert found.count("wrong") == hashed
    assert hashed <= PER_ADDRESS * 61
    assert hashed >= PER_ADDRESS * 55  # and it does not come down to shutting the address out for good
    assert "in" not in found


def test_ten_thousand_guesses_at_one_name_from_ten_thousand_addresses(auth: Auth, clock: Clock) -> None:
    before, found = auth.passwords.hashed, []
    for number in range(10_000):
        clock.now += 3600 / 10_000
        found.append(tried(auth, "Ana", f"guess {number}", address_of(number)))
    assert auth.passwords.hashed - before == found.count("wrong") <= PER_ACCOUNT_IN_ALL * 61
    assert "in" not in found
    clock.now += 60.0
    assert tried(auth, "ana", PASSWORD, "198.51.100.7") == "in"  # a minute after the attack


def test_a_lockout_ends_by_itself_however_long_it_lasted(auth: Auth, clock: Clock) -> None:
    for _ in range(500):
        tried(auth, "Ana", "wrong", "203.0.113.9")
    assert tried(auth, "Ana", PASSWORD, "203.0.113.9") == "wait"
    clock.now += 60 / PER_ACCOUNT + 0.1
    assert tried(auth, "Ana", PASSWORD, "203.0.113.9") == "in"


@pytest.fixture
def desk(empty_store: Store, clock: Clock) -> Desk:
    desk = open_desk(empty_store, clock=clock)
    desk.add("Ada")
    return desk


def test_the_owner_gets_in_from_a_browser_that_was_in_before(desk: Desk) -> None:
    """Guessing from a thousand addresses, and from the owner's own, keeps the owner out of new browsers only."""
    right, wrong = {"name": "Ada", "password": PASSWORD}, {"name": "Ada", "password": "wrong"}
    browser = desk.browser(address="198.51.100.1")
    assert browser.post("/desk/login", json=right).status_code == 200
    browser.post("/desk/logout")
    for number in range(PER_ACCOUNT_IN_ALL + 20):
        desk.browser(address=f"203.0.113.{number}").post("/desk/login", json=wrong)
    for _ in range(PER_ADDRESS):
        desk.browser(address="198.51.100.1").post("/desk/login", json={"name": "x", "password": "y"})
    assert desk.browser(address="192.0.2.1").post("/desk/login", json=right).status_code == 429
    assert desk.browser(address="198.51.100.1").post("/desk/login", json=right).status_code == 429
    assert browser.post("/desk/login", json=right).status_code == 200
    browser.post("/desk/logout")
    statuses = [browser.post("/desk/login", json=wrong).status_code for _ in range(PER_ACCOUNT + 1)]
    assert statuses == [401] * PER_ACCOUNT + [429]  # a stolen cookie gives five guesses, no more


def test_the_cookie_of_one_agent_opens_no_other_name(desk: Desk) -> None:
    desk.add("Grace")
    browser = desk.browser(address="198.51.100.1")
    browser.post("/desk/login", json={"name": "Ada", "password": PASSWORD})
    for number in range(PER_ACCOUNT_IN_ALL):
        desk.browser(address=f"203.0.113.{number}").post("/desk/login", json={"name": "Grace", "password": "wrong"})
    assert browser.post("/desk/login", json={"name": "Grace", "password": PASSWORD}).status_code == 429


def test_long_names_and_passwords_cost_no_more_than_short_ones(desk: Desk) -> None:
    """Thirty thousand accents on one letter: putting them in order takes the square of their number."""
    storm = "a" + "\u0301\u0327" * 14_000
    began = time.perf_counter()
    unicodedata.normalize("NFKC", storm[:7000])
    sixteenth = time.perf_counter() - began
    for given in ({"name": storm, "password": "x"}, {"name": "Ada", "password": storm}):
        began = time.perf_counter()
        body = json.dumps(given, ensure_ascii=False).encode()
        answer = desk.browser().post("/desk/login", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 401
        assert time.perf_counter() - began < max(0.5, 4 * sixteenth)
    assert len(plain(storm)) < 1100


def test_nobody_has_a_password_that_is_cut_off() -> None:
    passwords = Passwords(memory_kib=8, rounds=1)
    longest = "p" * LONGEST
    stored = passwords.hash(longest)
    assert passwords.matches(longest, stored)
    assert not passwords.matches(longest + "p", stored)
    assert not passwords.matches(longest + "p" * 5000, stored)


def test_who_was_in_before_does_not_stand_in_line_with_strangers() -> None:
    """Guessers keep their line full for ever; nobody else waits in it."""
    passwords = Passwords(memory_kib=8, rounds=1)
    stored = passwords.hash(PASSWORD)
    passwords._strangers._inside = AT_ONCE + WAITING
    with pytest.raises(Overloaded):
        passwords.matches(PASSWORD, stored)
    assert passwords.matches(PASSWORD, stored, known=True)
    passwords._known._inside = AT_ONCE + WAITING
    with pytest.raises(Overloaded):
        passwords.matches(PASSWORD, stored, known=True)
