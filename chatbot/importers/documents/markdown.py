"""Markdown, and plain text, which is Markdown without marks.

The words stay as they are; only the marks around them go. An image becomes its description, so that nothing in a
document can make a customer's page load something. Every pattern takes linear time, also over a line of megabytes: a
repetition is bounded, possessive, or ends at a sign that the next search begins with.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from chatbot.importers.documents.blocks import Block, Contents, one_line, unescaped

_FRONT = re.compile(r"\A---[ \t]*\n(?P<fields>.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(
    r"(?m)^(?P<name>url|canonical|language|lang|title|valid_from|valid_until)[ \t]*:[ \t]*(?P<value>.*)$", re.IGNORECASE
)
_DROPPED = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})(?![^ \t])(?P<text>.*)")
_ANCHOR = re.compile(r"\{#([\w-]+)\}\Z")
_UNDERLINE = re.compile(r" {0,3}(?P<mark>=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_ITEM = re.compile(r"(?P<indent>\s*)(?P<mark>[-*+]|\d{1,9}[.)])\s+(?=\S)")
_TABLE_RULE = re.compile(r"\s*+\|?\s*+:?-++:?\s*+(?:\|\s*+:?-++:?\s*+)*+\|?\s*+$")
_DEFINITION = re.compile(r" {0,3}\[[^\]]+\]:\s*\S")
_QUOTE = re.compile(r"\A {0,3}>[ ]?")

_CODE = re.compile(r"(`{1,8})(?P<code>[^`\n]+)\1")
_IMAGE = re.compile(r"!\[(?P<text>[^\[\]]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])")
_LINK = re.compile(r"\[(?P<text>[^\[\]]+)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]+)>")
_TAG = re.compile(
    r"</?(?:(?P<inline>a|b|i|u|em|strong|span|small|sub|sup|mark|code|kbd|font)|br|p|div|img|center|details|summary|"
    r"iframe|table|thead|tbody|tr|td|th|ul|ol|li|hr|h[1-6]|section|article|form|input|button|svg|object|embed|video|"
    r"audio)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_STRONG = re.compile(r"\*\*|__")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*(?=[^\s*])(?P<star>[^*]+?)(?<=\S)\*(?![\w*])|(?<!\w)_(?=[^\s_])(?P<line>[^_]+?)(?<=\S)_(?!\w)"
)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_KEPT = "\ue000{}\ue001"
_KEPT_NUMBER = re.compile("\ue000(\\d+)\ue001")


def read_markdown(text: str) -> Contents:
    """Raises nothing: every text is Markdown."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ue000", "").replace("\ue001", "")
    front = _FRONT.match(text)
    fields = _fields(front["fields"]) if front else {}
    body = text[front.end() :] if front else text
    first = text.count("\n", 0, front.end()) + 1 if front else 1
    body = _DROPPED.sub(lambda match: "\n" * match[0].count("\n"), body)
    return Contents(
        blocks=tuple(block for block in _Reader(first).read(body.split("\n")) if block.text),
        url=fields.get("url") or fields.get("canonical", ""),
        language=fields.get("language") or fields.get("lang", ""),
        title=fields.get("title", ""),
        valid_from=fields.get("valid_from", ""),
        valid_until=fields.get("valid_until", ""),
    )


def _fields(front: str) -> dict[str, str]:
    return {match["name"].casefold(): one_line(match["value"].strip(" \t\"'")) for match in _FIELD.finditer(front)}


class _Reader:
    """Lines to blocks. `_open` are the lines of the block that is being read, `_start` the line where it began."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._open: list[str] = []
        self._start = first
        self._item = ""  # the mark of the list item that is being read
        self._in_list = False  # the block before is an item of the same list
        self._head = ""  # the head of the table that is being read

    def read(self, lines: list[str]) -> Iterator[Block]:
        fence = ""
        for number, raw in enumerate([*lines, ""], start=self._first):
            mark = _FENCE.match(raw)
            if fence or mark:
                opened, fence = fence, _fence(fence, mark, raw)
                if not opened and self._open:
                    yield from self._close()
                if opened and fence and raw.strip():
                    yield Block(one_line(raw), number, continues=True)
                continue
            line = _QUOTE.sub("", raw)
            following = lines[number - self._first + 1] if number - self._first + 1 < len(lines) else ""
            yield from self._line(line, following, number)

    def _line(self, line: str, following: str, number: int) -> Iterator[Block]:
        heading = _HEADING.match(line)
        if heading:
            yield from self._close(ends_list=True)
            yield _heading(_title_of(heading["text"]), len(heading["marks"]), number)
        elif self._open and not self._item and not self._head and _UNDERLINE.match(line):
            level = 1 if "=" in line else 2
            text, self._open = " ".join(self._open), []
            yield _heading(text, level, self._start)
        elif not line.strip():
            yield from self._close()
        elif _RULE.match(line) or _DEFINITION.match(line):
            yield from self._close(ends_list=True)
        elif self._head or ("|" in line and _TABLE_RULE.match(following) and "-" in following):
            yield from self._row(line, number)
        elif _ITEM.match(line):
            yield from self._begin_item(line, number)
        else:
            if not self._open:
                self._start = number
                self._in_list = self._in_list and line[:1] in (" ", "\t")
            self._open.append(line.strip().removesuffix("\\"))

    def _begin_item(self, line: str, number: int) -> Iterator[Block]:
        in_list = self._in_list or bool(self._item)
        yield from self._close()
        match = _ITEM.match(line)
        assert match is not None, "the caller has looked"
        self._item = "- " if match["mark"] in "-*+" else f"{match['mark']} "
        self._in_list, self._start, self._open = in_list, number, [line[match.end() :].strip()]

    def _row(self, line: str, number: int) -> Iterator[Block]:
        if not self._head:
            yield from self._close()
            self._head = _cells(line)
            yield Block(self._head, number, head=self._head)
        elif not _TABLE_RULE.match(line):
            yield Block(_cells(line), number, continues=True, head=self._head)

    def _close(self, *, ends_list: bool = False) -> Iterator[Block]:
        self._head = ""
        if self._open:
            text = _plain(" ".join(self._open))
            if text:
                yield Block(f"{self._item}{text}", self._start, continues=self._in_list)
            self._in_list = bool(self._item) or self._in_list
            self._open, self._item = [], ""
        if ends_list:
            self._in_list = False


def _fence(fence: str, mark: re.Match[str] | None, line: str) -> str:
    """The mark that the code goes on to after this line; empty when it is closed."""
    if not fence:
        return mark[1] if mark else ""
    closes = mark is not None and mark[1].startswith(fence) and not line.strip().strip(fence[0])
    return "" if closes else fence


def _heading(text: str, level: int, line: int) -> Block:
    text = text.strip()
    anchor = _ANCHOR.search(text)
    if anchor:
        text = text[: anchor.start()]
    return Block(_plain(text), line, level, anchor=anchor[1] if anchor else "")


def _title_of(heading: str) -> str:
    """What stands behind the marks of a heading, without those that close it."""
    text = heading.strip(" \t")
    opened = text.rstrip("#")
    return opened if not opened or opened.endswith((" ", "\t")) else text


def _cells(line: str) -> str:
    inner = line.strip().removeprefix("|").removesuffix("|").replace("\\|", "\ue002")
    return " | ".join(_plain(cell.replace("\ue002", "|")) for cell in inner.split("|"))


def _plain(text: str) -> str:
    """The words without their marks; what stands in `code` keeps its own signs. Empty for a picture alone."""
    if not re.search(r"\w", _IMAGE.sub("", text)):
        return ""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match["code"] if "code" in match.re.groupindex else match[1])
        return _KEPT.format(len(kept) - 1)

    text = _ESCAPE.sub(keep, _AUTOLINK.sub(keep, _CODE.sub(keep, text)))
    text = _LINK.sub(r"\g<text>", _IMAGE.sub(r"\g<text>", text))
    text = _TAG.sub(lambda match: "" if match["inline"] else " ", text)
    text = _EMPHASIS.sub(lambda match: match["star"] or match["line"], _without_strong(text))
    # Number after number stands at every second place. A reference such as "&#xe000;" may not become one of them.
    parts = _KEPT_NUMBER.split(text)
    return one_line("".join(kept[int(part)] if place % 2 else unescaped(part) for place, part in enumerate(parts)))


def _without_strong(text: str) -> str:
    """Without the marks of bold words. In one pass: the end of marks that nothing closes is not sought again."""
    marks = [match.start() for match in _STRONG.finditer(text)]
    closing = {
        mark: deque(at for at in marks if text.startswith(mark, at) and at and not text[at - 1].isspace())
        for mark in ("**", "__")
    }
    pieces, end = [], 0
    for at in marks:
        if at < end or text[at + 2 : at + 3].strip() == "":
            continue
        ends = closing[text[at : at + 2]]
        while ends and ends[0] < at + 3:
            ends.popleft()
        if ends:
            pieces += [text[end:at], text[at + 2 : ends[0]]]
            end = ends.popleft() + 2
    return "".join([*pieces, text[end:]])
