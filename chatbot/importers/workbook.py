"""Tables from XLSX workbooks: one for each sheet with a header; formulas give the value that Excel last computed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from chatbot.errors import ImportRefused
from chatbot.importers.files import Source
from chatbot.importers.records import Place, Problem
from chatbot.importers.table import Row, Rows, Table, fold, row_from

_MAX_COLUMNS = 64


def read_workbook(source: Source) -> list[Table]:
    """All sheets with anything in them. Raises ImportRefused where the file is no workbook."""
    try:
        sheets = _read_sheets(source.data)
    # The parser raises whatever a broken part of the file leads it into: KeyError, ParseError, TypeError and others.
    except Exception as error:
        raise ImportRefused(
            f"{source.name} cannot be read as a workbook ({type(error).__name__}); "
            "open it in a spreadsheet program and save it as .xlsx or CSV again"
        ) from error
    tables = [_table(source.name, title, values, formulas) for title, values, formulas in sheets if values]
    if not tables:
        raise ImportRefused(f"{source.name}: all sheets are empty")
    return tables


Cells = list[tuple[Any, ...]]


def _read_sheets(data: bytes) -> list[tuple[str, Cells, list[set[int]]]]:
    """(title, values, columns that hold a formula in each row). Read twice: once with values, once with formulas."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions, which are not read
        found = []
        valued = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        written = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False)
        for sheet, twin in zip(valued.worksheets, written.worksheets, strict=True):
            values = [tuple(cell.value for cell in row) for row in _grid(sheet)]
            formulas = [{i for i, cell in enumerate(row) if cell.data_type == "f"} for row in _grid(twin)]
            found.append((str(sheet.title), values, formulas))
        return found


def _grid(sheet: Any) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()  # what a file claims as its size is not to be believed
    yield from sheet.iter_rows(max_col=_MAX_COLUMNS)


def _table(name: str, title: str, values: Cells, formulas: list[set[int]]) -> Table:
    start = next((i for i, row in enumerate(values) if any(_text(cell).strip() for cell in row)), 0)
    columns = [fold(_text(cell)) for cell in values[start]]
    while columns and not columns[-1]:
        columns.pop()
    rows = _rows(name, title, columns, values, formulas, start + 1)
    return Table(f"{name}, sheet {title}", tuple(columns), rows)


def _rows(name: str, title: str, columns: Sequence[str], values: Cells, formulas: list[set[int]], first: int) -> Rows:
    for number in range(first, len(values)):
        place = Place(name, number + 1, f"sheet {title}, row {number + 1}")
        row = list(values[number])
        empty = [i for i in sorted(formulas[number]) if i < len(row) and row[i] is None]
        if empty:
            column = columns[empty[0]] if empty[0] < len(columns) else str(empty[0] + 1)
            yield Problem(place, f'the formula in column "{column}" has no stored value; save the file in Excel once')
            continue
        cells = [_text(cell) for cell in row]
        if any(cell.strip() for cell in cells):
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
