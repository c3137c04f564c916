"""Tables from XLSX workbooks: one for each sheet with a header; formulas give the value that Excel last computed."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from chatbot.errors import ImportRefused
from chatbot.importers.files import Source
from chatbot.importers.records import Place, Problem
from chatbot.importers.table import Row, Rows, Table, fold, row_from

ROW_LIMIT = 100_000
LAST_ROW = 1_048_576
"""No spreadsheet program has a row below this one; the parser would make up the empty rows down to any number."""
MOST_IN_A_ROW = 100_000
"""Tags. The last column of a spreadsheet is the 16,384th; the parser holds a whole row in memory, each cell some
hundred times as large as it is written."""
MOST_TAGS = {b"worksheet": 8_000_000, b"sst": 4_000_000, b"": 500_000}
"""In a sheet and in the shared texts, which are read bit by bit, and in any other part, which is read whole."""
MOST_TEXTS = 1_000_000
MOST_AROUND = 1_000_000
"""Tags after the last row of a sheet, such as its links."""
_MAX_COLUMNS = 64
_READ_BIT_BY_BIT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,99}(?:<\?xml[^>]{0,200}\?>)?\s{0,99}<(?:\w{1,40}:)?(worksheet|sst)[\s/>]"
)
_TEXT = re.compile(rb"<(?:\w{1,40}:)?si[\s/>]")
_ROW = re.compile(rb"<(?:\w{1,40}:)?row[\s/>]")
_ROW_NUMBER = re.compile(rb"<(?:\w{1,40}:)?row\s(?:[^<>]{0,1000}\s)?r=[\"']0*(\d+)")


def read_workbook(source: Source) -> list[Table]:
    """All sheets with anything in them. Raises ImportRefused where the file is no workbook."""
    try:
        _check_parts(source.data)
        sheets = _read_sheets(source.data)
    except ImportRefused as error:
        raise ImportRefused(f"{source.name}: {error}") from None
    # The parser raises whatever a broken part of the file leads it into: KeyError, ParseError, TypeError and others.
    except Exception as error:
        raise ImportRefused(
            f"{source.name} cannot be read as a workbook ({type(error).__name__}); "
            "open it in a spreadsheet program and save it as .xlsx or CSV again"
        ) from error
    tables = [_table(source.name, title, lines) for title, lines in sheets if lines]
    if not tables:
        raise ImportRefused(f"{source.name}: all sheets are empty")
    return tables


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a sheet. `formulas` are the positions of cells that hold one, whatever value is stored for it."""

    number: int
    values: tuple[Any, ...]
    formulas: frozenset[int]


def _check_parts(data: bytes) -> None:
    """Refuse what would keep the parser busy, or fill the memory, with next to nothing, before the parser sees it.

    Every part, whatever it is called: which of them are sheets, the file itself says in another part.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/media/"):
                continue
            part = archive.read(name)
            root = _READ_BIT_BY_BIT.match(part)
            kind = root[1] if root else b""
            if part.count(b"<") > MOST_TAGS[kind]:
                raise ImportRefused(f"{name} holds far more than a table needs; save it as CSV")
            if kind == b"sst" and sum(1 for _ in _TEXT.finditer(part)) > MOST_TEXTS:
                raise ImportRefused(f"{name} holds more than {MOST_TEXTS:,} texts; save it as CSV")
            if kind == b"worksheet":
                _check_rows(name, part)


def _check_rows(name: str, part: bytes) -> None:
    starts = [match.start() for match in _ROW.finditer(part)]
    if len(starts) > LAST_ROW or any(_is_too_far(match[1]) for match in _ROW_NUMBER.finditer(part)):
        raise ImportRefused(_too_far(name))
    rows_end = max(part.rfind(b"sheetData>"), *starts[-1:], 0)
    if part.count(b"<", rows_end) > MOST_AROUND:
        raise ImportRefused(f"{name} holds far more than a table needs; save it as CSV")
    for start, end in pairwise([0, *starts, rows_end]):
        if part.count(b"<", start, end) > MOST_IN_A_ROW:
            raise ImportRefused(f"{name} has a row with more cells than a spreadsheet has columns; save it as CSV")


def _is_too_far(digits: bytes) -> bool:
    return len(digits) > 7 or int(digits) > LAST_ROW


def _too_far(sheet: str) -> str:
    return f"{sheet} has rows below row {LAST_ROW:,}, the last that a spreadsheet has; save it as CSV"


def _read_sheets(data: bytes) -> list[tuple[str, list[_Line]]]:
    """(title, rows that are not empty). Each sheet is read twice in step: for the values, and for the formulas."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions, which are not read
        found = []
        valued = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        written = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False)
        for sheet, twin in zip(valued.worksheets, written.worksheets, strict=True):
            found.append((str(sheet.title), list(_lines(sheet, twin))))
        return found


def _lines(sheet: Any, twin: Any) -> Iterator[_Line]:
    kept = 0
    for number, (values, written) in enumerate(zip(_grid(sheet), _grid(twin), strict=True), start=1):
        if number > LAST_ROW:
            raise ImportRefused(_too_far(f"sheet {sheet.title}"))
        if all(cell.value is None for cell in values) and all(cell.value is None for cell in written):
            continue
        formulas = frozenset(i for i, cell in enumerate(written) if cell.data_type == "f")
        if formulas or any(_text(cell.value).strip() for cell in values):
            kept += 1
            if kept > ROW_LIMIT:
                raise ImportRefused(f"sheet {sheet.title} has more than {ROW_LIMIT:,} rows; save it as CSV")
            yield _Line(number, tuple(cell.value for cell in values), formulas)


def _grid(sheet: Any) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()  # what a file claims as its size is not to be believed
    yield from sheet.iter_rows(max_col=_MAX_COLUMNS)


def _table(name: str, title: str, lines: list[_Line]) -> Table:
    columns = [fold(_text(cell)) for cell in lines[0].values]
    while columns and not columns[-1]:
        columns.pop()
    return Table(f"{name}, sheet {title}", tuple(columns), _rows(name, title, columns, lines[1:]))


def _rows(name: str, title: str, columns: Sequence[str], lines: list[_Line]) -> Rows:
    for line in lines:
        place = Place(name, line.number, f"sheet {title}, row {line.number}")
        empty = [i for i in sorted(line.formulas) if line.values[i] is None]
        if empty:
            column = columns[empty[0]] if empty[0] < len(columns) else str(empty[0] + 1)
            yield Problem(place, f'the formula in column "{column}" has no stored value; save the file in Excel once')
            continue
        cells = [_text(cell) for cell in line.values]
        cells += [""] * (len(columns) - len(cells))
        yield _checked(row_from(place, columns, cells))


def _checked(row: Row | Problem) -> Row | Problem:
    if isinstance(row, Row):
        for column, cell in row.cells.items():
            if cell in ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"):
                return Problem(row.place, f'column "{column}" shows the spreadsheet error {cell}')
    return row


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
