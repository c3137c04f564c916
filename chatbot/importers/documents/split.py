"""Contents to passages: 30 to about 120 words each, cut at headings, paragraphs and list items, inside a paragraph only
where it is longer than that, and then between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatbot.importers.documents.blocks import Block, Contents

LEAST_WORDS = 30
MOST_WORDS = 120
HEADING_CHARACTERS = 120
TITLE_CHARACTERS = 300

_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+(?:['’.,-][^\W\u3400-\u9fff]+)*")
_LETTER = re.compile(r"[^\W\d_]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_SENTENCE_END = re.compile(
    r"[.!?…][\"')\]”’»]*(?=\s+[\"'(\[“‘«¿¡£$€]*[A-ZÀ-ÞА-ЯΑ-Ω0-9\u3400-\u9fff])|[。！？][」』”’）\"]*"
)
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|no|nr|dr|mr|mrs|ms|st|approx|inc|ltd|co|fig|tel|ca|cf)|\b[A-Za-z])\.$", re.IGNORECASE
)


_LONGEST_ABBREVIATION = 12
"""With a sign before it, which tells whether a word begins there."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The words of one passage, the headings above it, and where it begins."""

    title: str
    body: str
    line: int
    anchor: str = ""


def split(contents: Contents, *, fallback: str) -> list[Piece]:
    """Passages in document order; `fallback` is the title where the document has neither a title nor a heading."""
    return [piece for piece in _pieces(contents, fallback) if _LETTER.search(piece.body)]


def _pieces(contents: Contents, fallback: str) -> Iterator[Piece]:
    headings: list[Block] = []
    section: list[Block] = []
    for block in contents.blocks:
        if not block.level:
            section.append(block)
            continue
        yield from _section(section, headings, contents.title or fallback)
        headings, section = [each for each in headings if each.level < block.level] + [block], []
    yield from _section(section, headings, contents.title or fallback)


def _section(section: Iterable[Block], headings: list[Block], above: str) -> Iterator[Piece]:
    names = [heading.text[:HEADING_CHARACTERS] for heading in headings] or [above]
    if headings and headings[0].level > 1 and above:  # the page's own title stands for the first heading
        names = [above[:HEADING_CHARACTERS], *names]
    title = " > ".join(dict.fromkeys(names))[:TITLE_CHARACTERS]
    anchor = next((heading.anchor for heading in reversed(headings) if heading.anchor), "")
    for group in _grouped([part for block in section for part in _parts(block)]):
        head = group[0].head if group[0].continues and group[0].head != group[0].text else ""
        body = "\n".join([*([head] if head else []), *(block.text for block in group)])
        yield Piece(title, body, group[0].line, anchor)


def _grouped(blocks: list[Block]) -> Iterator[list[Block]]:
    """Neighbours joined until a passage has enough words; a list stays with the line above it where it fits."""
    group: list[Block] = []
    words = 0
    rest = sum(words_in(block.text) for block in blocks)
    for block in blocks:
        count = words_in(block.text)
        enough = words >= LEAST_WORDS and not block.continues and not group[-1].text.endswith((":", "："))
        # What is left over must not become a passage of five words.
        if group and (words + count > MOST_WORDS or (enough and rest >= LEAST_WORDS)):
            yield group
            group, words = [], 0
        group.append(block)
        words += count
        rest -= count
    if group:
        yield group


def _parts(block: Block) -> list[Block]:
    """The block itself, or its sentences in groups where it is too long for one passage."""
    if words_in(block.text) <= MOST_WORDS:
        return [block]
    parts = list(_filled(part for sentence in sentences(block.text) for part in _cut(sentence)))
    first = Block(parts[0], block.line, continues=block.continues, head=block.head)
    return [first, *(Block(part, block.line) for part in parts[1:])]


def _filled(pieces: Iterable[str]) -> Iterator[str]:
    """Neighbours joined as long as there is room for the words of both."""
    joined: list[str] = []
    words = 0
    for piece in pieces:
        count = words_in(piece)
        if joined and words + count > MOST_WORDS:
            yield "".join(joined)
            joined, words = [], 0
        elif joined and not joined[-1].endswith(("。", "！", "？")):
            joined.append(" ")
        joined.append(piece)
        words += count
    if joined:
        yield "".join(joined)


def sentences(text: str) -> list[str]:
    """The sentences of a text, none of them cut behind an abbreviation or an initial."""
    found: list[str] = []
    start = 0
    for end in [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]:
        # Only the last word is looked at: a text that is all initials is one sentence, and as long as that.
        if end < len(text) and _ABBREVIATED.search(text[max(start, end - _LONGEST_ABBREVIATION) : end]):
            continue
        sentence = text[start:end].strip()
        if sentence:
            found.append(sentence)
            start = end
    return found


def _cut(sentence: str) -> list[str]:
    """A sentence of more than two passages' length is cut between words: nothing else would end."""
    if words_in(sentence) <= 2 * MOST_WORDS:
        return [sentence]
    ends = [match.end() for match in _WORD.finditer(sentence)]
    step = 2 * MOST_WORDS if _HAN.search(sentence) else MOST_WORDS
    places = [0, *ends[step - 1 :: step]]
    if places[-1] != len(sentence):
        places.append(len(sentence))
    return [
        sentence[start:end].strip()
        for start, end in zip(places, places[1:], strict=False)
        if sentence[start:end].strip()
    ]


def words_in(text: str) -> int:
    """Words; two Chinese characters count as one, as they are about as long to read."""
    found = len(_WORD.findall(text))
    han = len(_HAN.findall(text))
    return found - han + (han + 1) // 2
