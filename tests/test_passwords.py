"""Hashing with the real argon2id; most tests take cheap parameters, for what they show does not hang on the price."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatbot.errors import AgentRefused, Overloaded
from chatbot.passwords import AT_ONCE, LONGEST, SHORTEST, WAITING, Passwords, check_new

RIGHT = "correct horse battery"


def cheap() -> Passwords:
    return Passwords(memory_kib=64, rounds=1)


def test_a_hash_names_its_parameters_and_is_new_each_time() -> None:
    passwords = Passwords()
    one, other = passwords.hash(RIGHT), passwords.hash(RIGHT)
    assert one != other
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert passwords.matches(RIGHT, one)
    assert passwords.matches(RIGHT, other)


@pytest.mark.parametrize("other", ["", "Correct horse battery", f"{RIGHT} ", "x" * 5000, "\ud800"])
def test_another_password_does_not_match(other: str) -> None:
    passwords = cheap()
    assert not passwords.matches(other, passwords.hash(RIGHT))


def test_nobody_has_a_password() -> None:
    passwords = cheap()
    assert not passwords.matches("", None)
    assert not passwords.matches(RIGHT, None)
    assert passwords.hashed == 2  # it is worked for all the same


def test_what_is_no_hash_matches_nothing() -> None:
    assert not cheap().matches(RIGHT, "plain text")


def test_one_password_typed_on_two_keyboards() -> None:
    passwords = cheap()
    assert passwords.matches("cafe\u0301 au lait", passwords.hash("caf\u00e9 au lait"))
    assert passwords.matches("ｐａｓｓｗｏｒｄ１２", passwords.hash("password12"))


def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    """Interleaved, and the fastest of each: a busy machine slows both."""
    passwords = Passwords()
    stored, times = passwords.hash(RIGHT), {"known": [1e9], "unknown": [1e9]}
    for _ in range(5):
        for name, found in (("known", stored), ("unknown", None)):
            started = time.perf_counter()
            passwords.matches("a wrong password", found)
            times[name].append(time.perf_counter() - started)
    assert 0.5 < min(times["known"]) / min(times["unknown"]) < 2
    assert min(times["unknown"]) > 0.01


def test_hashes_with_other_parameters_are_outdated() -> None:
    old, new = cheap(), Passwords(memory_kib=128, rounds=1)
    stored = old.hash(RIGHT)
    assert not old.is_outdated(stored)
    assert new.is_outdated(stored)
    assert new.matches(RIGHT, stored)


def test_one_hashes_at_once_and_few_wait() -> None:
    """Held open from outside, so that all stand in line at the same moment."""
    passwords, go = cheap(), threading.Event()
    inside, most, lock = 0, 0, threading.Lock()

    def work(_number: int) -> bool:
        nonlocal inside, most
        try:
            with passwords._place(passwords._strangers):
                with lock:
                    inside += 1
                    most = max(most, inside)
                go.wait(10)
                with lock:
                    inside -= 1
        except Overloaded:
            return False
        return True

    many = AT_ONCE + WAITING + 5
    with ThreadPoolExecutor(many) as pool:
        outcomes = [pool.submit(work, number) for number in range(many)]
        while sum(outcome.done() for outcome in outcomes) < 5:
            time.sleep(0.01)
        go.set()
        assert sum(outcome.result() for outcome in outcomes) == AT_ONCE + WAITING
    assert most == AT_ONCE
    assert passwords.matches(RIGHT, passwords.hash(RIGHT))  # afterwards there is room again


@pytest.mark.parametrize(
    ("password", "wrong"),
    [
        ("", f"at least {SHORTEST} characters"),
        ("x" * (SHORTEST - 1), f"at least {SHORTEST} characters"),
        ("x" * (LONGEST + 1), f"at most {LONGEST} characters"),
        ("ada lovelace", "may not be the name"),
        ("ADA LOVELACE ", "may not be the name"),
    ],
)
def test_a_password_that_cannot_be_used(password: str, wrong: str) -> None:
    with pytest.raises(AgentRefused, match=wrong):
        check_new(password, name="Ada Lovelace")


@pytest.mark.parametrize("password", ["x" * SHORTEST, "x" * LONGEST, "一二三四五六七八九十", "ada lovelace 1843"])
def test_a_password_that_can_be_used(password: str) -> None:
    assert check_new(password, name="Ada Lovelace") == password
