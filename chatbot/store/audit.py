"""The audit log: who changed what, in rows that are never edited and that show it when somebody did.

Each row's hash covers the row and the hash before it, so a changed row, or one missing in the middle, breaks the chain.
That the last rows are missing shows in `audit_head`, which holds the highest id ever given. Its limit: there is no
secret in it, so whoever may write to the database and knows this file can make the whole chain anew. Against that a
head that was noted elsewhere helps (`verify` gives it, and takes it as `noted`).
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from chatbot.errors import StoreError
from chatbot.store.engine import Database
from chatbot.store.tables import AuditHeadRow, AuditRow

START = "0" * 64
"""What stands for the hash before the first row."""
HOUR = 3600.0
_BATCH = 1000
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log. `before` and `after` hold ids, keys, names and numbers."""

    id: int
    at: datetime
    who: str
    what: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Chain:
    """What `verify` found. `broken_at` is the id of the first row that is changed or missing; `reason` says which."""

    rows: int
    head: str
    broken_at: int | None = None
    reason: str = ""

    @property
    def intact(self) -> bool:
        return self.broken_at is None


def append(
    session: Session,
    *,
    who: str,
    what: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> int:
    """Write one row within the transaction of the change itself, and give its id.

    From here to the commit nobody else can append: call it late where a transaction does much else. `before` and
    `after` have to be JSON and free of anybody's words, for they can never be erased.
    """
    head = lock(session)
    number, at = head.last + 1, datetime.now(UTC)
    # As it will be read: a tuple comes back as a list, and a number that was a key as a text.
    old, new = json.loads(json.dumps([before, after], allow_nan=False))
    content = {"id": number, "at": at.isoformat(), "who": who, "what": what, "before": old, "after": new}
    row_hash = _hash(head.hash, content)
    session.add(
        AuditRow(id=number, at=at, who=who, what=what, before=old, after=new, previous_hash=head.hash, hash=row_hash)
    )
    head.last, head.hash = number, row_hash
    session.flush()
    return number


def lock(session: Session) -> AuditHeadRow:
    """The end of the chain, locked until the commit. In SQLite the transaction has the only write lock anyway."""
    head = session.scalars(select(AuditHeadRow).with_for_update()).one_or_none()
    if head is None:
        raise StoreError(
            'the audit log has lost its head, and no change is made without it; "chatbot audit verify" says more'
        )
    return head


def verify(database: Database, *, noted: tuple[int, str] | None = None, since: Chain | None = None) -> Chain:
    """Read the whole log again. `noted` is the number of rows and the head that an earlier `verify` gave.

    With `since`, a chain that was found whole a moment ago, only what came after it is read, and the rows before are
    counted: quick, but a row of before that was changed since then is only found without it.
    """
    if since and not _still_there(database, since):
        since = None
    hash_before, expected = (since.head, since.rows + 1) if since else (START, 1)
    statement = select(AuditRow.__table__).where(AuditRow.id >= expected).order_by(AuditRow.id)
    statement = statement.execution_options(yield_per=_BATCH)
    with database.look() as connection:
        head = connection.execute(select(AuditHeadRow.__table__)).one_or_none()
        for row in connection.execute(statement):
            if row.id != expected:
                return Chain(expected - 1, hash_before, expected, "is missing")
            content = {"id": row.id, "at": row.at.isoformat(), "who": row.who, "what": row.what}
            content |= {"before": row.before, "after": row.after}
            if row.previous_hash != hash_before or row.hash != _hash(hash_before, content):
                return Chain(expected - 1, hash_before, row.id, "was changed")
            if noted and noted[0] == row.id and noted[1] != row.hash:
                return Chain(row.id, row.hash, row.id, "is not the one that was noted: the log was written anew")
            hash_before, expected = row.hash, expected + 1
    found = Chain(expected - 1, hash_before)
    return _end(found, (head.last, head.hash) if head else None, noted)


def _still_there(database: Database, since: Chain) -> bool:
    with database.look() as connection:
        rows = connection.scalar(select(func.count()).where(AuditRow.id <= since.rows).select_from(AuditRow))
        last = connection.scalar(select(AuditRow.hash).where(AuditRow.id == since.rows))
    return rows == since.rows and (last or START) == since.head


def _end(found: Chain, head: tuple[int, str] | None, noted: tuple[int, str] | None) -> Chain:
    """Whether the chain goes on to where it was known to go."""
    following = found.rows + 1
    if head is None:
        return Chain(found.rows, found.head, following, "cannot be judged: the head of the log is gone")
    if head[0] > found.rows or (noted is not None and noted[0] > found.rows):
        return Chain(found.rows, found.head, following, "is missing")
    if head != (found.rows, found.head):
        return Chain(found.rows, found.head, max(found.rows, 1), "does not agree with the head of the log")
    return found


class Watch:
    """Whether the log is whole, for a page that asks often: all of it is read at first and then once an hour, and what
    is new in between. Several who ask at once wait for one reading. `clock` gives seconds that only grow.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._whole: Chain | None = None
        self._read_at = 0.0

    def look(self) -> Chain:
        with self._lock:
            now = self._clock()
            if self._whole is None or now - self._read_at >= HOUR:
                self._whole, self._read_at = None, now
            found = verify(self._database, since=self._whole)
            self._whole = found if found.intact else None
            return found


def read(
    database: Database, *, who: str | None = None, what: str | None = None, offset: int = 0, limit: int = 50
) -> tuple[int, tuple[Entry, ...]]:
    """How many rows there are in all, and a page of them, newest first. `what` finds "agent.role" by "agent" too."""
    where: list[ColumnElement[bool]] = []
    if who:
        where.append(AuditRow.who == who)
    if what:
        where.append((AuditRow.what == what) | AuditRow.what.startswith(f"{what}.", autoescape=True))
    with database.read() as session:
        total = session.scalar(select(func.count()).select_from(AuditRow).where(*where)) or 0
        page = select(AuditRow).where(*where).order_by(AuditRow.id.desc()).offset(offset).limit(limit)
        rows = session.scalars(page)
        return total, tuple(Entry(row.id, row.at, row.who, row.what, row.before, row.after) for row in rows)


def _hash(before: str, content: Mapping[str, Any]) -> str:
    """Of the canonical form: sorted keys, no spaces, ASCII only."""
    return hashlib.sha256(f"{before}\n{_CANONICAL.encode(content)}".encode("ascii")).hexdigest()
