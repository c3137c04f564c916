"""Erasing on demand: words leave the database, the index, the exports and, where asked, the backups.

What cannot be taken out of a trained model is named, so that the operator trains again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatbot.errors import ErasureRefused, StoreError
from chatbot.exports import Searched, exports_folder, files_in, search
from chatbot.store import Store
from chatbot.store.backups import backups_with, elsewhere
from chatbot.store.engine import Database
from chatbot.store.erasing import LEAST_LETTERS, By, Found, Traces, Wish, find
from chatbot.store.exports import standing_exports
from chatbot.store.removing import erase as take_out

_OVERLAP = timedelta(minutes=5)
"""By so much the second search for a text, under the write lock, reaches back before the first: clocks differ."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What goes, or went. `files` are exports, of which those that hold the words are deleted; `backups` hold the words
    and stay unless asked otherwise; `elsewhere` are folders with backups that were not looked into; `troubles` say what
    is left to do."""

    found: Found
    files: Searched
    backups: tuple[Path, ...]
    elsewhere: tuple[tuple[Path, int], ...] = ()
    backups_deleted: bool = False
    troubles: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.found or self.files.holding or self.backups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """`folder` is that of the exports; `reports` that of what training told of each version; `backups` that of the
    archives of `chatbot backup`."""

    store: Store
    folder: Path
    reports: Path
    backups: Path

    def preview(self, wish: Wish) -> Erasure:
        """What `erase` would do now; writes nothing."""
        with exports_folder(self.folder):
            return self._look(wish)

    def erase(self, wish: Wish, *, by: str, backups: bool = False) -> Erasure:
        """Files go first: should the database then refuse, the same call finds the rest again."""
        database, began = self.store.database, datetime.now(UTC)
        with exports_folder(self.folder, alone=True):
            seen = self._look(wish)
            deleted = delete_files(seen.files.holding)
            # They quote examples cut short, changed and joined, so that no search for the words finds them all.
            deleted += delete_files(tuple(self._reports_of(seen.found.versions)))
            found = take_out(
                database,
                wish,
                known=seen.found.conversations,
                since=began - _OVERLAP,
                files=[str(file) for file in deleted],
                by=by,
            )
            if backups:
                delete_files(seen.backups)
        left = [f"{file} holds the words and cannot be deleted" for file in seen.files.holding if file not in deleted]
        done = replace(seen, found=found, backups_deleted=backups)
        return replace(done, troubles=(*left, *leave_nothing_readable(database)))

    def _reports_of(self, versions: Iterable[str]) -> Iterator[Path]:
        for version in versions:
            yield from (file for file in (self.reports / version).glob("report.*") if file.is_file())

    def _look(self, wish: Wish) -> Erasure:
        check(wish)
        found = find(self.store.database, wish)
        traces = _traces(wish, found)
        files = search([*recorded_files(self.store.database), *files_in(self.folder)], traces)
        database = self.store.database
        holding = backups_with(database, self.backups, traces)
        return Erasure(found, files, tuple(holding), tuple(elsewhere(database, self.backups).items()))


def check(wish: Wish) -> None:
    """Raises ErasureRefused for a wish that means nothing or nearly everything."""
    if not wish.value.strip():
        raise ErasureRefused(f"{wish.by} is empty; say whose words shall go")
    try:
        wish.value.encode("utf-8")
    except UnicodeEncodeError:
        raise ErasureRefused(f"{wish.by} holds a sign that is none in UTF-8, and no stored text does") from None
    if wish.needle is not None and len(wish.needle) < LEAST_LETTERS:
        raise ErasureRefused(f"matching: give at least {LEAST_LETTERS} letters; fewer stand in nearly every text")


def recorded_files(database: Database) -> list[Path]:
    """Exports that have not been deleted, wherever they were written to."""
    return [Path(file.path) for file in standing_exports(database)]


def delete_files(files: tuple[Path, ...]) -> list[Path]:
    """Those that are gone afterwards."""
    gone = []
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError:
            continue
        gone.append(file)
    return gone


def leave_nothing_readable(database: Database) -> list[str]:
    """What kept the database's file from being written anew; empty: nothing did."""
    return _what_failed(database.rewrite)


def leave_nothing_in_the_log(database: Database) -> list[str]:
    """As `leave_nothing_readable`, but for the write-ahead log only: without keeping anybody waiting."""
    return _what_failed(database.empty_log)


def _what_failed(clean: Callable[[], bool]) -> list[str]:
    again = "until the same command has run again, deleted words may be readable in the database's files"
    try:
        return [] if clean() else [f"the write-ahead log is in use by a long query; {again}"]
    except StoreError as error:
        return [f"the rows are deleted, but their file could not be written anew ({error}); {again}"]


def _traces(wish: Wish, found: Found) -> Traces:
    """With the id that was asked for: its conversation may be gone from the database and still stand in a file."""
    asked = {wish.value} if wish.by is By.CONVERSATION else set()
    return replace(found.traces, ids=found.traces.ids | asked)
