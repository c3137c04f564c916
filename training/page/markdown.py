"""The same report as Markdown, for a terminal or a ticket; pictures and quotations are left to the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from training.page.blocks import Block, Cell, Checks, Columns, Pictures, Quotes, Section, Table, Words
from training.page.markup import shown
from training.page.told import Told

MOST_LETTERS = 160
MOST_ROWS = 20
_SIGNS = re.compile(r"[\\`*_\[\]<>|~$&@^]|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
"""What means something anywhere in a line; links without brackets too."""

_START = re.compile(r"^(\d*)([#=]|[+-](?=[\s-]|$)|(?<=\d)[.)](?=\s|$))")
"""What makes a heading, a list or a rule of a line."""


def markdown(told: Told, sections: Sequence[Section]) -> str:
    compared = f", compared with {told.active.version}" if told.active else ", the first version"
    lines = [f"# {plain(told.verdict.words, 2000)}", "", plain(f"{told.candidate.version}{compared}"), ""]
    if told.aside:
        lines += [f"**{told.aside}**", ""]
    for section in sections:
        written = [line for block in section.blocks for line in _block(block)]
        if written:
            lines += [f"## {section.title}", "", *written]
    return "\n".join(lines).rstrip() + "\n"


def plain(text: str, most: int = MOST_LETTERS) -> str:
    """Nothing in it is read as Markdown or HTML, and it is one line."""
    signed = _SIGNS.sub(r"\\\g<0>", shown(text, most).strip())
    return _START.sub(r"\1\\\2", signed)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Words(text):
            yield from (plain(text, 1000), "")
        case Table():
            yield from (*_table(block), "")
        case Quotes():
            yield from (*_quotes(block), "")
        case Columns(quotes):
            for each in quotes:
                yield from (*_quotes(each), "")
        case Checks(checks):
            for passed, rule, words in checks:
                yield f"- {'✓' if passed else '✕'} **{plain(rule)}** {plain(words, 2000)}"
            yield ""
        case Pictures():
            return


def _table(table: Table) -> Iterator[str]:
    if table.folded:
        yield from (f"{plain(table.folded)}:", "")
    yield f"| {' | '.join(plain(name) or ' ' for name in table.header)} |"
    yield f"|{'|'.join('---' if at < table.names else '---:' for at in range(len(table.header)))}|"
    for row in table.rows[:MOST_ROWS]:
        yield f"| {' | '.join(_cell(each) for each in row)} |"
    if len(table.rows) > MOST_ROWS:
        yield ""
        yield f"and {len(table.rows) - MOST_ROWS:,} more"


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, str):
        return plain(cell)
    return plain(cell.text) + (f" ({plain(cell.note)})" if cell.note else "")


def _quotes(quotes: Quotes) -> Iterator[str]:
    """How many; the words themselves stand in the page alone, which is deleted when they have to be erased."""
    count = len(quotes.quotes) + quotes.more
    yield f"- {plain(quotes.title)}: {count:,}, quoted in report.html" if count else f"- {plain(quotes.title)}: none"
