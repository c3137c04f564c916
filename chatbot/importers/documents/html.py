"""HTML pages: what a visitor reads in the main part, without menus, forms, scripts and what is hidden."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

from chatbot.importers.documents.blocks import Block, Contents, one_line, without_huge_references

_SKIPPED = frozenset(
    {"script", "style", "template", "noscript", "nav", "aside", "form", "button", "select", "option", "textarea", "svg"}
    | {"math", "iframe", "object", "canvas", "video", "audio", "dialog"}
)
_AROUND = frozenset({"header", "footer"})
"""Skipped around the main part; within an article a header holds its heading."""

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "ul", "ol", "li", "dl", "dt", "dd", "blockquote"}
    | {"table", "thead", "tbody", "tfoot", "tr", "pre", "figure", "figcaption", "address", "details", "summary"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "body", "html", "head", "title"}
)
_CLOSES = {"li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}, "tr": {"tr"}, "td": {"td", "th"}, "th": {"td", "th"}}
"""What an opening tag ends although nobody wrote it."""

_KEEPS = {"li": {"ul", "ol"}, "tr": {"table"}, "td": {"tr"}, "th": {"tr"}, "dt": {"dl"}, "dd": {"dl"}}
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_DEEPEST = 500


def read_html(text: str) -> Contents:
    """Raises nothing: browsers read every text as HTML, and so does this."""
    reader = _Reader()
    reader.feed(_without_open_end(without_huge_references(text.replace("\0", ""))))
    reader.close()
    reader.finish()
    main = [block for block, in_main in reader.found if in_main]
    blocks = main if any(not block.level for block in main) else [block for block, _ in reader.found]
    return Contents(tuple(blocks), reader.url, reader.language, one_line(reader.title))


def _without_open_end(text: str) -> str:
    """Behind the last ">" there is no tag. The parser would look for the end of each one that begins there."""
    head, end, tail = text.rpartition(">")
    return head + end + tail.replace("<", "&lt;")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[Block, bool]] = []
        self.url = self.language = self.title = ""
        self._open: list[tuple[str, bool]] = []  # each open element with whether what it holds is left out
        self._names: Counter[str] = Counter()  # of the open elements
        self._words: list[str] = []
        self._described = False  # the block holds a picture's description
        self._said = False  # the block holds words of its own
        self._line = 1
        self._item = ""
        self._continues = False
        self._counters: list[int | None] = []  # the number of the last item of each open list; None: not numbered
        self._cells: list[str] = []
        self._head = ""
        self._anchor = ""

    # The three read what is no element as browsers do: to the end of the page where it is never closed. The parser's
    # own fail on some of them, and take quadratic time over comments that nobody closes.

    def parse_comment(self, i: int, report: bool = True) -> int:  # noqa: ARG002 - the parser's form
        return _behind(self.rawdata, "-->", i + 2)

    def parse_html_declaration(self, i: int) -> int:
        return _behind(self.rawdata, ">", i)

    def parse_pi(self, i: int) -> int:
        return _behind(self.rawdata, ">", i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._say_of_itself(tag, given)
        if tag in _VOID:
            self._void(tag, given)
            return
        self._end_implied(tag)
        if tag in _BLOCKS:
            self._flush()
        if len(self._open) < _DEEPEST:
            self._open.append((tag, self._left_out or self._is_left_out(tag, given)))
            self._names[tag] += 1
        self._begin(tag, given)

    def _begin(self, tag: str, given: dict[str, str]) -> None:
        if tag in ("ul", "ol"):
            self._counters.append(0 if tag == "ol" else None)
            self._continues = False
        elif tag == "table":
            self._head, self._continues = "", False
        elif tag in ("li", "dt", "dd"):
            self._item = self._mark() if tag == "li" else ""
        elif tag in ("td", "th"):
            self._take_cell()
        elif re.fullmatch(r"h[1-6]", tag):
            self._anchor = given.get("id", "")

    def _mark(self) -> str:
        if not self._counters or self._counters[-1] is None:
            return "- "
        self._counters[-1] += 1
        return f"{self._counters[-1]}. "

    def handle_endtag(self, tag: str) -> None:
        if not self._names[tag]:
            if tag == "p":
                self._flush()
            return
        while self._open:
            name, _ = self._open[-1]
            self._end(name)
            self._open.pop()
            self._names[name] -= 1
            if name == tag:
                break

    def _end(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._take_cell()
        elif tag == "tr":
            self._row()
        elif tag in _BLOCKS:
            self._flush(int(tag[1]) if re.fullmatch(r"h[1-6]", tag) else 0)
        if tag in ("ul", "ol"):
            self._counters = self._counters[:-1]
            self._continues = False

    def handle_data(self, data: str) -> None:
        inside = self._open[-1][0] if self._open else ""
        if inside == "title" and not self._names["svg"]:
            self.title = self.title or data
        elif not self._left_out and not self._names["head"]:
            if not self._said:
                self._line = self.getpos()[0] + data[: len(data) - len(data.lstrip())].count("\n")
            self._words.append(data)
            self._said = self._said or bool(data.strip())

    def finish(self) -> None:
        self._flush()

    def _say_of_itself(self, tag: str, given: dict[str, str]) -> None:
        if tag == "html":
            self.language = given.get("lang", "")
        elif tag == "link" and "canonical" in given.get("rel", "").casefold().split():
            self.url = given.get("href", "").strip()
        elif tag == "meta" and given.get("property", "").casefold() == "og:url":
            self.url = self.url or given.get("content", "").strip()

    def _void(self, tag: str, given: dict[str, str]) -> None:
        if tag in ("br", "wbr"):
            self._words.append(" " if tag == "br" else "")
        elif tag == "hr":
            self._flush()
        elif tag == "img" and not self._left_out and given.get("alt", "").strip():
            self._words.append(f" {given['alt']} ")

    @property
    def _left_out(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _is_left_out(self, tag: str, given: dict[str, str]) -> bool:
        if tag in _SKIPPED or "hidden" in given or given.get("aria-hidden") == "true":
            return True
        if _HIDDEN_STYLE.search(given.get("style", "")):
            return True
        return tag in _AROUND and not any(self._names[name] for name in ("main", "article", "section"))

    def _end_implied(self, tag: str) -> None:
        if tag in _BLOCKS and self._open and self._open[-1][0] == "p":
            self.handle_endtag("p")
        closes, keeps = _CLOSES.get(tag, set()), _KEEPS.get(tag, set())
        if not any(self._names[name] for name in closes):
            return
        for name, _ in reversed(self._open):
            if name in keeps:
                return
            if name in closes:
                self.handle_endtag(name)
                return

    def _take_cell(self) -> None:
        text = one_line("".join(self._words))
        self._words, self._said = [], False
        if text:
            self._cells.append(text)

    def _row(self) -> None:
        self._take_cell()
        if self._cells and not self._left_out:
            text = " | ".join(self._cells)
            self._add(Block(text, self._line, continues=bool(self._head), head=self._head or text))
            self._head = self._head or text
        self._cells = []

    def _flush(self, level: int = 0) -> None:
        if self._names["td"] or self._names["th"]:
            self._words.append(" ")
            return
        text, said = one_line("".join(self._words)), self._said
        self._words, self._said = [], False
        if not text or not said or not re.search(r"\w", text):
            return
        if level:
            self._add(Block(text, self._line, level, anchor=self._anchor))
            self._continues = False
            return
        in_list = bool(self._counters)
        self._add(Block(f"{self._item}{text}", self._line, continues=in_list and self._continues))
        self._continues, self._item = in_list, ""

    def _add(self, block: Block) -> None:
        self.found.append((block, any(name in ("main", "article") for name, _ in self._open)))


def _behind(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found + len(mark)
