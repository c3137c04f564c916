"""Files of reviews, conversations and knowledge: written, recorded, and searched for words that were erased."""

from __future__ import annotations

import csv
import fcntl
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TextIO

from chatbot.errors import ExportRefused, StoreError
from chatbot.export import json_line, safe_cell, table_row, write_export
from chatbot.importers.table import plain_cell
from chatbot.store import exports as recorded
from chatbot.store.engine import Database
from chatbot.store.erasing import Traces
from chatbot.store.exports import CONVERSATION_FIELDS, REVIEW_FIELDS, ExportFilters
from chatbot.types import Judgement, Source, Verdict

FORMATS = (".jsonl", ".csv")


class Kind(StrEnum):
    REVIEWS = "reviews"
    CONVERSATIONS = "conversations"


class Record:
    """A file in the making."""

    def __init__(self, path: Path, note: Callable[[int], None]) -> None:
        self.path = path
        self.rows = 0
        self._note = note

    def finish(self, rows: int) -> None:
        """Note who wrote how many rows. To be called when all is written; a file that could not be noted is not put in
        its place, or taken away again.
        """
        self._note(rows)
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Searched:
    """Recorded files and those of the folder: that hold the words, that cannot be read, that are not there any more."""

    holding: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()
    missing: tuple[Path, ...] = ()


def export_file(folder: Path, kind: Kind, format: str) -> Path:
    """A new name in the exports folder."""
    return folder / f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.{format}"


def export_rows(
    database: Database, kind: Kind, filters: ExportFilters, *, target: Path, folder: Path, by: str
) -> Record:
    """Write reviews or conversations to `target`, `.jsonl` or `.csv`, readable by its owner only."""
    check_filters(kind, filters)
    if target.suffix not in FORMATS:
        raise ExportRefused(f"{target} must end in .jsonl or .csv")
    read, fields = _SOURCES[kind]
    with exporting(database, kind=kind, target=target, folder=folder, by=by, filters=filters.given) as record:
        rows = read(database, filters)
        if target.suffix == ".csv":
            head = 1
            write_export(_table(fields, rows), target, private=True, ready=lambda count: record.finish(count - head))
        else:
            write_export(map(json_line, rows), target, private=True, ready=record.finish)
    return record


@contextmanager
def exporting(
    database: Database,
    *,
    kind: str,
    target: Path,
    folder: Path,
    by: str,
    filters: Mapping[str, str] | None = None,
) -> Iterator[Record]:
    """While `target` is read from the database and written: nothing is erased meanwhile, and who did it is kept."""
    path = target.absolute()
    with exports_folder(folder):
        number = recorded.begin(database, path=str(path), kind=kind, by=by)
        try:
            yield Record(path, lambda rows: recorded.finish(database, number, rows=rows, filters=filters or {}))
        except BaseException:
            with suppress(StoreError):  # on a full disk that cannot be recorded either: erasing finds no file then
                recorded.forget(database, number)
            raise


def check_filters(kind: Kind, filters: ExportFilters) -> None:
    """Raises ExportRefused for a filter that could only find nothing."""
    if filters.agent is not None and kind is Kind.CONVERSATIONS:
        raise ExportRefused("agent: conversations have no agent; export the reviews instead")
    verdicts = [*Judgement] if kind is Kind.REVIEWS else [*Verdict]
    for name, value, known in (("verdict", filters.verdict, verdicts), ("source", filters.source, [*Source])):
        if value is not None and value not in known:
            raise ExportRefused(f'{name}: there is no "{value}"; there is {", ".join(known)}')


_SOURCES: Mapping[Kind, tuple[Callable[[Database, ExportFilters], Iterator[dict[str, Any]]], tuple[str, ...]]] = {
    Kind.REVIEWS: (recorded.review_rows, REVIEW_FIELDS),
    Kind.CONVERSATIONS: (recorded.conversation_rows, CONVERSATION_FIELDS),
}


@contextmanager
def exports_folder(folder: Path, *, alone: bool = False) -> Iterator[None]:
    """Hold the exports folder: writers of files together, an erasure alone. The kernel lets go however it ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def files_in(folder: Path) -> list[Path]:
    """All that lies in the exports folder, also what a killed export left behind."""
    return sorted(file.absolute() for file in folder.glob("*") if file.is_file() and file.name != ".lock")


def search(paths: Iterable[Path], traces: Traces) -> Searched:
    holding, unreadable, missing = [], [], []
    for path in sorted(set(paths)):
        try:
            if _holds(path, traces):
                holding.append(path)
        except FileNotFoundError:
            missing.append(path)
        except (OSError, ValueError, csv.Error):
            unreadable.append(path)
    return Searched(tuple(holding), tuple(unreadable), tuple(missing))


def _holds(path: Path, traces: Traces) -> bool:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if ".html" in path.suffixes:
            values = _page_texts(file)
        else:
            values = _cells(file) if ".csv" in path.suffixes else _values(file)
        return any(traces.are_in(value) for value in values)


class _Texts(HTMLParser):
    """All that stands between the tags of a page, each by itself."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append(data.strip())


def _page_texts(file: TextIO) -> Iterator[str]:
    page = _Texts()
    page.feed(file.read())
    page.close()
    yield from page.found


def _cells(file: TextIO) -> Iterator[str]:
    for row in csv.reader(file):
        for cell in row:
            yield cell
            yield plain_cell(cell)  # as it was before the cell was made safe


def _values(file: TextIO) -> Iterator[str]:
    for line in file:
        try:
            yield from _strings(json.loads(line))
        except ValueError:  # cut off in the middle, or edited
            yield line


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _table(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield table_row(names)
    for row in rows:
        yield table_row([safe_cell("" if row[name] is None else str(row[name])) for name in names])
