from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from chatbot.export import safe_cell
from chatbot.importers.files import Source
from chatbot.importers.records import Problem
from chatbot.importers.table import fold, plain_cell, read_text_table

from .conftest import Refusal


def rows(text: str) -> list[tuple[int, list[str] | str]]:
    return [
        (row.place.line, row.reason if isinstance(row, Problem) else list(row.cells.values()))
        for row in read_text_table(Source("t.csv", text.encode())).rows
    ]


def test_the_line_of_a_record_is_where_it_starts() -> None:
    assert rows('a,b\n1,"x\ny\nz"\n\n2,y\r\n3,"p\r\nq"\r4,z') == [
        (2, ["1", "x\ny\nz"]),
        (6, ["2", "y"]),
        (7, ["3", "p\r\nq"]),
        (9, ["4", "z"]),
    ]


def test_line_separators_within_a_text_end_no_line() -> None:
    assert rows("a,b\n1,x\u2028y\x85z\n2,y\n") == [(2, ["1", "x\u2028y\x85z"]), (3, ["2", "y"])]


def test_a_quotation_mark_that_is_never_closed() -> None:
    assert rows('a,b\n1,x\n2,"y\n3,z\n') == [
        (2, ["1", "x"]),
        (3, "a quotation mark opens here and is never closed; all that follows was taken for one cell"),
    ]


def test_empty_cells_beyond_the_header_do_not_count() -> None:
    assert rows("a,b\n1,2,,\n1,2,3\n") == [
        (2, ["1", "2"]),
        (3, "3 cells, and the header has 2; a cell with a comma or quotation mark in it must stand in quotation marks"),
    ]


def test_long_cell(refusal: Refusal) -> None:
    text = refusal("e.csv", f"text,intent\nhi,a\n{'x' * 200_000},b\n")
    assert "  e.csv, line 3: text: cell too long (200,000 characters; the limit is 10,000)" in text


def test_too_many_columns(refusal: Refusal) -> None:
    text = refusal("e.csv", "text,intent" + ",x" * 1023 + "\na,b" + "," * 1023)
    assert text == "e.csv: the header has 1,025 columns; the limit is 1,024: keep those that are imported"


def test_nul(refusal: Refusal) -> None:
    assert "line 2: text holds a NUL character; remove it" in refusal("e.csv", "text,intent\na\0b,c\n")


def test_a_needed_column_twice(refusal: Refusal) -> None:
    text = refusal("e.csv", "text,intent,intent\na,b,c\n")
    assert text == 'e.csv: the header names the column "intent" 2 times; rename one'


def test_folded_names() -> None:
    assert [fold(name) for name in ("\ufeff Question(s) ", "ANSWER:", "valid_from", "分段内容（必填，答案）")] == [
        "question",
        "answer",
        "valid from",
        "分段内容",
    ]


def test_only_a_header() -> None:
    assert rows("a,b") == []


@given(st.text())
def test_safe_cells_come_back(cell: str) -> None:
    assert plain_cell(safe_cell(cell)) == cell


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2),
        max_size=5,
    )
)
def test_what_csv_writes_is_read(table: list[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["a", "b"], *([safe_cell(cell) for cell in row] for row in table)])
    kept = [row for row in table if any(safe_cell(cell).strip() for cell in row)]
    assert [cells for _line, cells in rows(buffer.getvalue())] == kept
