"""Retention: conversations that are older than the operator wants them go by themselves, with all that hangs on them.

In small batches: while one is written, customers' messages wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatbot.erasing import delete_files, leave_nothing_in_the_log, leave_nothing_readable, recorded_files
from chatbot.exports import exports_folder, files_in, search
from chatbot.store import Store
from chatbot.store.engine import Database
from chatbot.store.erasing import Found, Traces, expired, find_expired, old_sessions
from chatbot.store.removing import expire, expire_the_rest

BATCH = 20
"""Conversations in one transaction."""
LEAST_PAUSE = 0.05
"""Seconds between two of them, or as long as the last one took. SQLite lets nobody queue for its lock: who waits looks
again up to 0.1 s later, and would mostly find it taken."""


REWRITTEN_MEGABYTES = 100
"""Up to so much a database's file is written anew at the end. Writers wait for it, and after 5 seconds they give up."""


@dataclass(frozen=True, slots=True)
class Expired:
    """What goes, or went. `examples` are those that nobody approved; approved ones stay, as they are knowledge by now.
    `files` are exports that hold any of it, or are that old themselves. `left` is for a quieter hour."""

    conversations: int
    messages: int
    examples: int
    sessions: int
    files: tuple[Path, ...]
    versions: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """`folder` is that of the exports; `days` are those after the last message of a conversation."""

    store: Store
    folder: Path
    days: int

    def preview(self, *, now: datetime | None = None) -> Expired:
        """What `run` would do now; writes nothing."""
        database, before = self.store.database, self._before(now)
        with exports_folder(self.folder):
            ids = expired(database, before)
            found = [find_expired(database, batch, before) for batch in _batches(ids)]
            return _sum(found, old_sessions(database, before), self._files(before, ids))

    def run(self, *, by: str, now: datetime | None = None, rewrite: bool = False) -> Expired:
        """`rewrite`: write the database's file anew however large it is."""
        database, before = self.store.database, self._before(now)
        with exports_folder(self.folder, alone=True):
            ids = expired(database, before)
            files = self._files(before, ids)
            deleted = delete_files(files)
            found = list(_in_turn(database, ids, before, by))
            sessions = expire_the_rest(database, before=before, files=[str(file) for file in deleted], by=by)
        troubles = [f"{file} is due and cannot be deleted" for file in files if file not in deleted]
        left: list[str] = []
        if rewrite or (any(found) and _megabytes(database) <= REWRITTEN_MEGABYTES):
            troubles += leave_nothing_readable(database)
        elif any(found):
            troubles += leave_nothing_in_the_log(database)
            left.append(_TOO_LARGE.format(_megabytes(database)))
        return replace(_sum(found, sessions, files), troubles=tuple(troubles), left=tuple(left))

    def _before(self, now: datetime | None) -> datetime:
        return (now or datetime.now(UTC)) - timedelta(days=self.days)

    def _files(self, before: datetime, conversations: Sequence[str]) -> tuple[Path, ...]:
        lying = {*recorded_files(self.store.database), *files_in(self.folder)}
        old = {file for file in lying if file.exists() and file.stat().st_mtime < before.timestamp()}
        return tuple(sorted(old | {*search(lying - old, Traces(frozenset(conversations))).holding}))


_TOO_LARGE = (
    "the database's file has {:,.0f} MB and was not written anew, as customers would wait for it; until then parts of "
    'deleted rows may be readable in it. "chatbot retention run --rewrite" does it at a quiet hour'
)


def _megabytes(database: Database) -> float:
    return database.file.stat().st_size / 1e6 if database.file else 0.0


def _in_turn(database: Database, ids: Sequence[str], before: datetime, by: str) -> Iterator[Found]:
    for batch in _batches(ids):
        began = time.monotonic()
        yield expire(database, batch, before=before, by=by)
        time.sleep(max(LEAST_PAUSE, time.monotonic() - began))


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _sum(found: Sequence[Found], sessions: int, files: tuple[Path, ...]) -> Expired:
    return Expired(
        conversations=sum(len(each.conversations) for each in found),
        messages=sum(each.messages for each in found),
        examples=sum(len(each.examples) for each in found),
        sessions=sessions,
        files=files,
        versions=tuple(sorted({version for each in found for version in each.versions})),
    )
