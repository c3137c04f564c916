"""Tables from CSV and TSV text: columns by name, each row with the line where it starts.

A stray quotation mark must not swallow the rest of a file in silence, so a sentinel line follows the last one: found
inside a cell it proves that the cell was never closed.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chatbot.errors import ImportRefused
from chatbot.importers.files import Source
from chatbot.importers.records import BadRow, Item, Place, Problem

COLUMN_LIMIT = 1024
_LONGEST_NAME = 200
_SENTINEL = "\ue000the-end\ue000"
_IN_BRACKETS = re.compile(r"[(（\[].*?(?:[)）\]]|$)")
_SEPARATOR = re.compile(r"[\s_-]+")
_SAFE_SIGN = re.compile(r"^'(?='*[\t\r\n])|(?<![^;\r\n])'(?=['\"\t]*[=+\-@＝＋－＠])")

Rows = Iterator["Row | Problem"]


@dataclass(frozen=True, slots=True)
class Row:
    """`cells` by folded column name."""

    place: Place
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` are folded names in file order; `rows` can be read once."""

    name: str
    columns: tuple[str, ...]
    rows: Rows

    def column(self, spellings: Sequence[str]) -> str | None:
        """The column under the first of its usual names that is there. Raises ImportRefused where it is there twice."""
        for spelling in spellings:
            count = self.columns.count(spelling)
            if count > 1:
                raise ImportRefused(f'{self.name}: the header names the column "{spelling}" {count} times; rename one')
            if count:
                return spelling
        return None

    def need(self, *wanted: Sequence[str]) -> list[str]:
        """One column for each entry of `wanted`. Raises ImportRefused that says what is missing and what was found."""
        found = [self.column(spellings) for spellings in wanted]
        missing = [spellings[0] for spellings, column in zip(wanted, found, strict=True) if column is None]
        if missing:
            raise ImportRefused(f"{self.name}: {missing_columns(self.columns, wanted)}")
        return [column for column in found if column is not None]


def fold(header: str) -> str:
    """A column name without case, "(optional)" and the like, and differences of space, dash and underscore."""
    return _SEPARATOR.sub(" ", _IN_BRACKETS.sub("", header[:_LONGEST_NAME]).casefold()).strip(" *:：\ufeff")


def missing_columns(columns: Sequence[str], wanted: Iterable[Sequence[str]]) -> str:
    """A sentence about the missing columns, with the nearest found name beside each."""
    missing = []
    for spellings in wanted:
        if not set(spellings) & set(columns):
            near = difflib.get_close_matches(spellings[0], columns, n=1, cutoff=0.75)
            missing.append(f'"{spellings[0]}"' + (f' (is "{near[0]}" meant?)' if near else ""))
    found = ", ".join(f'"{column:.40}"' for column in columns[:12] if column) or "none"
    return f"no column {' and no column '.join(missing)}; found: {found}"


def each_row(table: Table, read: Callable[[Row], Iterable[Item]]) -> Iterator[Item]:
    """The items of all rows; a row that cannot be read becomes a problem."""
    for row in table.rows:
        if isinstance(row, Problem):
            yield row
            continue
        try:
            yield from read(row)
        except BadRow as error:
            yield Problem(row.place, str(error))


def header_of(text: str, delimiter: str) -> list[str]:
    """The folded names in the first line that is not blank."""
    for _line, cells in _records(text, delimiter):
        if isinstance(cells, list):
            return [fold(cell) for cell in cells]
        break
    return []


def delimiter_of(text: str) -> str:
    """The separator that cuts the header into most names; of equals the comma."""
    return max(",\t;|", key=lambda delimiter: len(header_of(text, delimiter)))


def read_text_table(source: Source) -> Table:
    """The table in a CSV or TSV file. Raises ImportRefused where there is no header."""
    delimiter = delimiter_of(source.text)
    records = _records(source.text, delimiter)
    for _line, cells in records:
        if isinstance(cells, list):
            if len(cells) > COLUMN_LIMIT:
                raise ImportRefused(
                    f"{source.name}: the header has {len(cells):,} columns; the limit is {COLUMN_LIMIT:,}: "
                    "keep those that are imported"
                )
            columns = tuple(fold(cell) for cell in cells)
            return Table(source.name, columns, _rows(source.name, columns, records))
        raise ImportRefused(f"{source.name}: the header cannot be read: {cells}")
    raise ImportRefused(f"{source.name} is empty")


def row_from(place: Place, columns: Sequence[str], cells: list[str]) -> Row | Problem:
    """A row with as many cells as there are columns; empty cells beyond the last column do not count."""
    while len(cells) > len(columns) and not cells[-1].strip():
        cells.pop()
    if len(cells) != len(columns):
        reason = f"{len(cells)} cells, and the header has {len(columns)}"
        hint = "; a cell with a comma or quotation mark in it must stand in quotation marks"
        return Problem(place, reason + (hint if len(cells) > len(columns) else ""))
    return Row(place, {column: plain_cell(cell) for column, cell in zip(columns, cells, strict=True)})


def plain_cell(cell: str) -> str:
    """A cell without the apostrophes that a formula-safe export put before signs."""
    return _SAFE_SIGN.sub("", cell)


def _rows(name: str, columns: Sequence[str], records: Iterator[tuple[int, list[str] | str]]) -> Rows:
    for line, cells in records:
        place = Place(name, line)
        yield Problem(place, cells) if isinstance(cells, str) else row_from(place, columns, cells)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """(line where the record starts, its cells), blank records left out; a reason instead of cells where it breaks."""
    # The limit is one for the whole process and 131,072 by default: too small to name the cell that is too long.
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(_lines(text), delimiter=delimiter)
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, f"not valid CSV: {error}"
            start = reader.line_num + 1
            continue
        if cells == [_SENTINEL]:
            return
        if any(_SENTINEL in cell for cell in cells):
            yield start, "a quotation mark opens here and is never closed; all that follows was taken for one cell"
            return
        if any(cell.strip() for cell in cells):
            yield start, cells
        start = reader.line_num + 1


def _lines(text: str) -> Iterator[str]:
    """Lines by LF, CR or CRLF only, and the sentinel on a line of its own."""
    yield from io.StringIO(text, newline="")
    if not text.endswith(("\n", "\r")):
        yield "\n"
    yield _SENTINEL + "\n"
