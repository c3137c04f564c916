"""Group commit: writers that come at the same time share one transaction, and so one fsync.

There is no thread of its own and nobody waits for company. Whoever finds the group without a leader leads at once: it
takes all that wait, writes them in one transaction, commits, and only then lets them go; what has come meanwhile is led
by the first of those. So a lone writer pays what it always paid, and 32 of them pay for one fsync together.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, NotSupportedError, ProgrammingError
from sqlalchemy.orm import Session

from chatbot.errors import StoreBusy, StoreError
from chatbot.store.refusals import cleared

MOST_WAITING = 1024
"""Writers beyond these are told that the database is busy."""
MOST_TOGETHER = 128
"""Members of one transaction: the first of them waits for the last."""
DRAIN_SECONDS = 10.0

Item = TypeVar("Item")
Result = TypeVar("Result")
Apply = Callable[[Session, Sequence[Item]], Sequence[Result | Exception]]
"""Writes several items in one go. An exception in an item's place is that item's own; one that is raised rolls all of
them back, and each is then tried alone, so that nobody pays for another's mistake. It may therefore run twice.
"""

_OF_ONE_ITEM = (IntegrityError, DataError, ProgrammingError, InterfaceError, NotSupportedError)
"""Errors of the database that blame a row; all others (full, locked, damaged) concern everybody."""


class GroupCommit:
    """`transaction` gives a session that commits at its end, or nothing at all; it raises StoreError or StoreBusy."""

    def __init__(
        self, transaction: Callable[[], AbstractContextManager[Session]], *, most_waiting: int = MOST_WAITING
    ) -> None:
        self._transaction = transaction
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._waiting: deque[_Member] = deque()
        self._led = False
        self._closed = False

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def run(self, apply: Apply[Item, Result], item: Item) -> Result:
        """What `apply` made of `item`, once the commit that holds it is durable."""
        member = _Member(apply, item)
        if not self._enter(member):
            self._await(member)
        if member.leads:
            self._lead()
        result: Result = member.outcome()
        return result

    def close(self) -> None:
        """Refuse newcomers and wait for those who are inside."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: not self._led, DRAIN_SECONDS)

    def _enter(self, member: _Member) -> bool:
        """Queue up; True for who has to lead."""
        with self._lock:
            if self._closed:
                raise StoreError("the database was closed")
            if len(self._waiting) >= self._most_waiting:
                raise StoreBusy("too many writers wait for the database; try again in a moment")
            self._waiting.append(member)
            member.leads = not self._led
            self._led = True
            return member.leads

    def _await(self, member: _Member) -> None:
        try:
            member.woken.acquire()
        except BaseException:  # Ctrl-C: nobody may wait for a leader that has left
            with self._lock:
                if member in self._waiting:
                    self._waiting.remove(member)
                left_while_leading = member.leads
            if left_while_leading:
                self._hand_over()
            raise

    def _lead(self) -> None:
        group: list[_Member] = []
        try:
            with self._transaction() as session:
                # What comes while the first are written still goes along.
                while more := self._take(MOST_TOGETHER - len(group)):
                    group += more
                    _write(session, more)
        except BaseException as error:
            group = group or self._take(MOST_TOGETHER)
            for member in group:
                member.error = _for_everybody(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._hand_over()
            for member in group:
                member.woken.release()

    def _take(self, most: int) -> list[_Member]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def _hand_over(self) -> None:
        """The next leader is the first who waits; it stays in the queue until it takes its group."""
        with self._lock:
            if not self._waiting:
                self._led = False
                self._idle.notify_all()
                return
            following = self._waiting[0]
            following.leads = True
        following.woken.release()


class _Member:
    """One writer and what becomes of its item. `woken` is released when it is done, or when it shall lead."""

    def __init__(self, apply: Apply[Any, Any], item: Any) -> None:
        self.apply = apply
        self.item = item
        self.leads = False
        self.result: Any = None
        self.error: Exception | None = None
        self.woken = threading.Lock()
        self.woken.acquire()

    def take(self, outcome: Any) -> None:
        if isinstance(outcome, Exception):
            self.error = outcome
        else:
            self.result = outcome

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


def each_alone(session: Session, works: Sequence[Callable[[Session], Result]]) -> list[Result | Exception]:
    """The `apply` of writers that bring their own function of a session."""
    return [work(session) for work in works]


def _write(session: Session, members: Sequence[_Member]) -> None:
    """Members with the same `apply` are written together; concurrent writers have no order among them."""
    kinds: dict[Apply[Any, Any], list[_Member]] = {}
    for member in members:
        kinds.setdefault(member.apply, []).append(member)
    for alike in kinds.values():
        try:
            _write_alike(session, alike)
        except Exception as error:
            if _concerns_everybody(error):
                raise
            for member in alike:
                _write_alone(session, member)


def _write_alike(session: Session, members: Sequence[_Member]) -> None:
    with session.begin_nested():
        outcomes = members[0].apply(session, [member.item for member in members])
    for member, outcome in zip(members, outcomes, strict=True):
        member.take(outcome)


def _write_alone(session: Session, member: _Member) -> None:
    try:
        _write_alike(session, [member])
    except Exception as error:
        if _concerns_everybody(error):
            raise
        member.error = cleared(error) if isinstance(error, DBAPIError) else error


def _concerns_everybody(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and not isinstance(error, _OF_ONE_ITEM)


def _for_everybody(error: BaseException) -> Exception:
    """An exception of each member's own: threads that raise the same one would mix their tracebacks."""
    told = StoreError("the write was interrupted; send it again")
    if isinstance(error, StoreError):
        told = type(error)(str(error))
    told.__cause__ = error
    return told
