"""Passwords as argon2id hashes. What hashing costs is the point of it, so that it is limited here and nowhere else."""

from __future__ import annotations

import base64
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from chatbot.errors import AgentRefused, Overloaded

SHORTEST = 10
LONGEST = 1000
"""In characters. Longer ones are no safer, and somebody has to read them."""
AT_ONCE = 1
"""Hashings at the same time for strangers, and as many again for those who have been in before; each takes a core and
MEMORY_KIB. So whoever guesses from everywhere neither takes the cores from customers nor the turns from agents.
"""
WAITING = 8
"""More than so many in line are told to come back: they would hold threads that customers need."""
MEMORY_KIB = 64 * 1024
ROUNDS = 3
"""RFC 9106, second recommended option, but with one lane: several would only take the second core from customers."""


class Passwords:
    """`hashed` counts the hashings so far, to check and to set a password alike."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, rounds: int = ROUNDS) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._nobodys = _nobodys(self._hasher)
        self._lock = threading.Lock()
        self._strangers, self._known = _Line(self._lock), _Line(self._lock)
        self.hashed = 0

    def hash(self, password: str) -> str:
        """Of a new password, which only those may set who are in already."""
        with self._place(self._known):
            return self._hasher.hash(_same(password))

    def matches(self, password: str, stored: str | None, *, known: bool = False) -> bool:
        """Takes as long for a name that nobody has (`stored` is None) as for one with another password. `known` is for
        one who has been in before and does not stand in line with others.
        """
        with self._place(self._known if known else self._strangers):
            try:
                found = self._hasher.verify(stored or self._nobodys, _same(password))
            except (VerificationError, InvalidHashError):
                return False
        return found and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return True

    @contextmanager
    def _place(self, line: _Line) -> Iterator[None]:
        with line.turn():
            with self._lock:
                self.hashed += 1
            yield


class _Line:
    """AT_ONCE have their turn, and WAITING more may wait for theirs."""

    def __init__(self, lock: threading.Lock) -> None:
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._lock = lock
        self._inside = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises Overloaded where too many wait already."""
        with self._lock:
            if self._inside >= AT_ONCE + WAITING:
                raise Overloaded("too many passwords are being checked at once")
            self._inside += 1
        try:
            with self._turns:
                yield
        finally:
            with self._lock:
                self._inside -= 1


def check_new(password: str, *, name: str) -> str:
    """The password, or AgentRefused that says what is wrong with it."""
    if len(_same(password)) < SHORTEST:
        raise AgentRefused(f"the password has to have at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise AgentRefused(f"the password may have at most {LONGEST} characters")
    if _same(password).casefold().strip() == _same(name).casefold().strip():
        raise AgentRefused("the password may not be the name")
    return password


def _same(password: str) -> str:
    """One form for what looks the same: keyboards differ in how they write an accent or a full-width letter."""
    # Cut off, because putting many accents in order takes the square of their number; nobody has so long a password.
    # Half a character, as JSON can carry one, is no reason to fail.
    return unicodedata.normalize("NFKC", password[: LONGEST + 1]).encode("utf-8", "replace").decode()


def _nobodys(hasher: PasswordHasher) -> str:
    """A hash with today's parameters that fits no password; chance made it, so it costs nothing."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"
