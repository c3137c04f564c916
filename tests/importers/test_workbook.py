from __future__ import annotations

import io
import zipfile
from datetime import date

import openpyxl
import pytest

from chatbot.types import Example, Template

from .conftest import Import, Refusal


def workbook(*rows: list[object], title: str = "FAQ") -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def edited(data: bytes, part: str, old: str, new: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(old.encode(), new.encode()) if name == part else content)
    return buffer.getvalue()


def test_cells_of_all_kinds_are_text(load: Import) -> None:
    data = workbook(
        ["key", "intent", "body", "valid_from", "owner"], ["k", "i", 42.0, date(2026, 3, 1), True], [None] * 5
    )
    record = load("t.xlsx", data).records[0]
    assert record.value == Template("k", "i", "42", valid_from=date(2026, 3, 1), owner="TRUE", source="t.xlsx")
    assert record.place.part == "sheet FAQ, row 2"


def test_a_formula_gives_its_stored_value_or_a_problem(load: Import, refusal: Refusal) -> None:
    data = workbook(["text", "intent"], ['="a"&"b"', "x"])
    assert 't.xlsx, sheet FAQ, row 2: the formula in column "text" has no stored value' in refusal("t.xlsx", data)
    stored = edited(data, "xl/worksheets/sheet1.xml", "<v />", "<v>ab</v>")
    stored = edited(stored, "xl/worksheets/sheet1.xml", "<v></v>", "<v>ab</v>")
    stored = edited(stored, "xl/worksheets/sheet1.xml", '<c r="A2">', '<c r="A2" t="str">')
    assert [each.value for each in load("t.xlsx", stored).records] == [Example("ab", "x", source="t.xlsx")]


def test_text_that_only_looks_like_a_formula(load: Import) -> None:
    data = edited(workbook(["text", "intent"], ["EQ1", "x"]), "xl/worksheets/sheet1.xml", "EQ1", "=1")
    assert [each.value for each in load("t.xlsx", data).records] == [Example("=1", "x", source="t.xlsx")]


def test_error_values(refusal: Refusal) -> None:
    data = workbook(["text", "intent"], ["#N/A", "x"])
    assert 'row 2: column "text" shows the spreadsheet error #N/A' in refusal("t.xlsx", data)


def test_sheets_about_other_things_are_passed_over(load: Import) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(["text", "intent"], ["hi", "x"])))
    book.create_sheet("Notes").append(["Written in March"])
    buffer = io.BytesIO()
    book.save(buffer)
    assert len(load("t.xlsx", buffer.getvalue()).records) == 1


def test_a_huge_declared_size_is_not_believed(load: Import) -> None:
    data = edited(
        workbook(["text", "intent"], ["hi", "x"]), "xl/worksheets/sheet1.xml", 'ref="A1:B2"', 'ref="A1:XFD1048576"'
    )
    assert [each.value for each in load("t.xlsx", data).records] == [Example("hi", "x", source="t.xlsx")]


def test_cut_off(refusal: Refusal) -> None:
    data = workbook(["text", "intent"], ["hi", "x"])
    assert "t.xlsx is damaged or cut off" in refusal("t.xlsx", data[: len(data) // 2])


def test_an_archive_that_is_no_workbook_inside(refusal: Refusal) -> None:
    data = edited(workbook(["text", "intent"]), "xl/workbook.xml", "<sheets>", "<sheet")
    assert "t.xlsx cannot be read as a workbook" in refusal("t.xlsx", data)


def test_all_sheets_empty(refusal: Refusal) -> None:
    assert "t.xlsx: all sheets are empty" in refusal("t.xlsx", workbook())


def test_rows_far_below_cost_nothing(load: Import) -> None:
    data = edited(workbook(["text", "intent"], ["hi", "x"]), "xl/worksheets/sheet1.xml", 'r="2"', 'r="50000"')
    record = load("t.xlsx", data).records[0]
    assert (record.value, record.place.line) == (Example("hi", "x", source="t.xlsx"), 50_000)


def test_a_row_that_no_spreadsheet_has(refusal: Refusal) -> None:
    for number in ("1048577", "2000000000", "9" * 5000):
        data = edited(workbook(["text", "intent"], ["hi", "x"]), "xl/worksheets/sheet1.xml", 'r="2"', f'r="{number}"')
        assert refusal("t.xlsx", data) == (
            "t.xlsx: xl/worksheets/sheet1.xml has rows below row 1,048,576, the last that a spreadsheet has; "
            "save it as CSV"
        )


@pytest.mark.parametrize("row", ["<row/>", '<row r="3"/>'])
def test_empty_rows_are_counted(refusal: Refusal, row: str) -> None:
    data = workbook(["text", "intent"], ["hi", "x"])
    data = edited(data, "xl/worksheets/sheet1.xml", "</sheetData>", row * 1_048_577 + "</sheetData>")
    assert "has rows below row 1,048,576" in refusal("t.xlsx", data)


def test_too_many_rows(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.importers.workbook.ROW_LIMIT", 2)
    data = workbook(["text", "intent"], ["hi", "x"], ["ho", "x"])
    assert refusal("t.xlsx", data) == "t.xlsx: sheet FAQ has more than 2 rows; save it as CSV"


def test_a_workbook_holds_no_documents(refusal: Refusal) -> None:
    assert "cannot hold the format rasa" in refusal("t.xlsx", workbook(["text", "intent"]), format="rasa")
