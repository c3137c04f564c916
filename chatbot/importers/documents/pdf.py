"""PDF files: the text of their pages, put together from lines; headings and paragraphs are told by their form.

A PDF knows where characters stand and nothing of paragraphs, so this is the least exact of the readers. What it does
not do is change words: a hyphen at the end of a line only goes where the document has the word without it elsewhere.
"""

from __future__ import annotations

import io
import logging
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from pypdf import PdfReader
from pypdf.errors import DependencyError

from chatbot.errors import ImportRefused
from chatbot.importers.documents.blocks import Block, Contents, clean

MOST_PAGES = 2_000
MOST_CHARACTERS = 5_000_000
MOST_SECONDS = 120.0
"""One page takes seconds at worst, but two thousand may show the same one."""
HEADING_WORDS = 9
SHORT_LINE = 0.75
"""A line that fills less than this of the usual width and ends a sentence ends its paragraph."""

_BULLET = re.compile(r"(?:[•‣◦▪●○\-–*·]|\d{1,3}[.)]|\([a-z0-9]{1,3}\))\s+(?=\S)")
_ENDS = re.compile(r"[.!?…。！？:：][\"')\]”’»]*$")
_HEADING = re.compile(r"(?:\d+(?:\.\d+)*\.?\s+)?[A-ZÀ-ÞА-ЯΑ-Ω0-9\u3400-\u9fff]")
_PAGE_NUMBER = re.compile(
    r"(?:page\s*|seite\s*|第\s*)?[-–]?\s*\d{1,4}\s*[-–]?(?:\s*(?:of|/|von)\s*\d{1,4}|\s*页)?", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_CUT_WORD = re.compile(r"\w-\Z")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_AT_END = re.compile(r"[\u3400-\u9fff，。、；：！？]")

Line = tuple[int, str]
"""Page number, from 1, and text; an empty text is a gap."""


def read_pdf(data: bytes, name: str) -> Contents:
    """Raises ImportRefused for a file that is damaged, locked or without text, with what to do about it."""
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every slip of the program that wrote the file
    pages = _pages(data, name)
    lines = _without_margins(pages)
    if not any(text for _, text in lines):
        raise ImportRefused(
            f"{name} holds no text, only pictures of it (a scan); run it through text recognition (OCR) and import that"
        )
    words = Counter(re.findall(r"\w+", " ".join(text for _, text in lines)))
    return Contents(tuple(_blocks(lines, words)))


def _pages(data: bytes, name: str) -> list[list[str]]:
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ImportRefused(f"{name} is locked with a password; save a copy without one and import that")
        if len(reader.pages) > MOST_PAGES:
            raise ImportRefused(f"{name} has {len(reader.pages):,} pages; the limit is {MOST_PAGES:,}: split it")
        pages: list[list[str]] = []
        length, until = 0, time.monotonic() + MOST_SECONDS
        for page in reader.pages:
            if time.monotonic() > until:
                raise ImportRefused(f"{name} takes longer than {MOST_SECONDS:.0f} seconds to read; split it")
            text = page.extract_text()
            length += len(text)
            if length > MOST_CHARACTERS:
                raise ImportRefused(f"{name} holds more than {MOST_CHARACTERS:,} characters; split it")
            pages.append([" ".join(clean(line).split()) for line in text.split("\n")])
        return pages
    except ImportRefused:
        raise
    except DependencyError as error:
        raise ImportRefused(f"{name} is encrypted; save a copy without protection and import that") from error
    except Exception as error:
        # pypdf meets broken files with whatever its innermost line raises; to the operator all of it means the same.
        raise ImportRefused(f"{name} is damaged or cut off ({error}); save or export it again") from error


def _without_margins(pages: Sequence[Sequence[str]]) -> list[Line]:
    """All lines but page numbers and what stands on most pages at the top or bottom."""
    edges = Counter(
        _DIGITS.sub("#", line) for page in pages for line in dict.fromkeys([*_filled(page)[:2], *_filled(page)[-2:]])
    )
    repeated = {line for line, count in edges.items() if count >= 3 and count * 2 > len(pages)}
    lines: list[Line] = []
    for number, page in enumerate(pages, start=1):
        filled = _filled(page)
        margin = {*filled[:2], *filled[-2:]}
        lines += [
            (number, line)
            for line in page
            if not (line in margin and (_DIGITS.sub("#", line) in repeated or _PAGE_NUMBER.fullmatch(line)))
        ]
    return lines


def _filled(page: Sequence[str]) -> list[str]:
    return [line for line in page if line]


def _blocks(lines: Sequence[Line], words: Counter[str]) -> Iterator[Block]:
    lengths = sorted(len(text) for _, text in lines if text)
    width = lengths[int(0.9 * (len(lengths) - 1))]
    paragraph: list[Line] = []
    in_list = False
    for (page, text), following in zip(lines, _following(lines), strict=True):
        bullet = _BULLET.match(text)
        complete = not paragraph or bool(_ENDS.search(paragraph[-1][1]))
        if not text:
            ends = complete or not following[:1].islower()
        else:
            ends = bool(bullet) or (complete and _is_heading(text, following)) or _leaves_list(paragraph, text, width)
        if ends and paragraph:
            yield _block(paragraph, words, in_list)
            in_list, paragraph = bool(_BULLET.match(paragraph[0][1])), []
        if text and not bullet and not paragraph and _is_heading(text, following):
            yield Block(text, page, level=2)
            in_list = False
        elif text:
            paragraph.append((page, text))
            if _ENDS.search(text) and len(text) < SHORT_LINE * width:
                yield _block(paragraph, words, in_list)
                in_list, paragraph = bool(_BULLET.match(paragraph[0][1])), []
    if paragraph:
        yield _block(paragraph, words, in_list)


def _following(lines: Sequence[Line]) -> list[str]:
    """For each line the next one that is no gap."""
    found, after = [], ""
    for _, text in reversed(lines):
        found.append(after)
        after = text or after
    return found[::-1]


def _leaves_list(paragraph: Sequence[Line], text: str, width: int) -> bool:
    """Whether a short item of a list ends here: its items often end with no mark at all."""
    short = bool(paragraph) and len(paragraph[-1][1]) < SHORT_LINE * width
    return short and bool(_BULLET.match(paragraph[0][1])) and not text[:1].islower()


def _is_heading(text: str, following: str) -> bool:
    """A short line without an end that is followed by text which begins a sentence."""
    return (
        bool(following)
        and len(text.split()) <= HEADING_WORDS
        and not _ENDS.search(text)
        and not text.endswith((",", ";", "-", "–"))
        and bool(_HEADING.match(text))
        and not following[:1].islower()
    )


def _block(paragraph: Sequence[Line], words: Counter[str], in_list: bool) -> Block:
    pieces = [paragraph[0][1]]
    for _, line in paragraph[1:]:
        last = pieces.pop()
        pieces += _joined(last, line, words)
    text = "".join(pieces)
    return Block(text, paragraph[0][0], continues=in_list and bool(_BULLET.match(text)))


def _joined(last: str, line: str, words: Counter[str]) -> list[str]:
    """What has been read last and the next line, as pieces to be put together; the last of them may go on."""
    if _CUT_WORD.search(last[-2:]) and line[:1].islower():
        whole = re.findall(r"\w+", last)[-1] + re.findall(r"\w+", line)[0]
        return [last[:-1] if words[whole] else last, line]
    han = _HAN_AT_END.match(last[-1:]) and _HAN.match(line)
    return [last, line] if han else [last, " ", line]
