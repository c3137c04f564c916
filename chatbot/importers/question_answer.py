"""A plain table of questions and answers, as FAQ tools and people write it, in English or Chinese.

One answer may have several questions: several lines in the cell, a column of similar questions, or several rows with
the same answer. Section, title, intent and language columns are optional.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatbot.importers import cells
from chatbot.importers.body import body_from
from chatbot.importers.labelled import LANGUAGE
from chatbot.importers.records import Answered, BadRow, Item
from chatbot.importers.table import Row, Table, each_row
from chatbot.text import language_of

QUESTION = (
    "question",
    "questions",
    "user question",
    "user questions",
    "faq question",
    "faq",
    "q",
    "query",
    "prompt",
    "问题",
    "问句",
    "问",
    "提问",
    "用户问题",
    "标准问题",
    "标准问",
    "问法",
)
ANSWER = (
    "answer",
    "answers",
    "faq answer",
    "a",
    "response",
    "reply",
    "section content",
    "content",
    "答案",
    "回答",
    "答",
    "回复",
    "答复",
    "标准答案",
    "分段内容",
    "内容",
)
_SIMILAR = ("similar questions", "similar question", "variants", "相似问题", "相似问", "相似问法")
_TITLE = ("title", "section title", "section", "heading", "分段标题", "标题")
_INTENT = ("intent", "label", "意图")
_BULLET = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)、])\s+")


def read(table: Table, *, language: str) -> Iterator[Item]:
    """An Answered for each question of each row."""
    question, answer = table.need(QUESTION, ANSWER)
    similar, title, intent = (table.column(names) for names in (_SIMILAR, _TITLE, _INTENT))
    language_column = table.column(LANGUAGE)

    def one(row: Row) -> Iterator[Item]:
        if not row.cells[answer].strip():
            raise BadRow("the answer is empty; where cells are merged, repeat the answer in each row")
        body = body_from(cells.text_of(row.cells[answer], answer))
        heading = row.cells[title].strip() if title else ""
        questions = _lines(row.cells[question]) + (_lines(row.cells[similar]) if similar else []) or _lines(heading)
        if not questions:
            raise BadRow("the question is empty")
        label = cells.label_of(row.cells[intent]) if intent and row.cells[intent].strip() else None
        stated = row.cells[language_column] if language_column else ""
        for text in questions:
            yield Answered(
                body=body,
                place=row.place,
                language=cells.language_code(stated) if stated.strip() else language_of(text, language),
                question=cells.text_of(text, question),
                intent=label,
                title=cells.name_of(heading, "title") if heading else None,
            )

    yield from each_row(table, one)


def _lines(cell: str) -> list[str]:
    """The questions in one cell: one on each line, without bullets and numbers."""
    if len(cell) > cells.CELL_LIMIT:
        return [cell]  # refused as a whole, rather than cut to lines that might pass
    return [text for line in cell.splitlines() if (text := _BULLET.sub("", line).strip())]
