"""Documents in: Markdown, HTML, PDF and plain text become passages, quoted to customers where no template answers.

What is in a document is the shop's own approved words and stays as it is, like a template: its phone number is for
everyone to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from urllib.parse import quote

from chatbot.errors import ImportRefused
from chatbot.importers.cells import LANGUAGE_LIMIT, NAME_LIMIT, date_of, language_code
from chatbot.importers.documents.blocks import Contents, one_line
from chatbot.importers.documents.html import read_html
from chatbot.importers.documents.markdown import read_markdown
from chatbot.importers.documents.pdf import read_pdf
from chatbot.importers.documents.split import Piece, split
from chatbot.importers.files import DOCUMENT_FOLDERS, Source
from chatbot.importers.records import BadRow, Document, Item, Place, Problem, Record
from chatbot.text import language_of
from chatbot.types import Passage

PDF_LIMIT = 50 * 2**20
TEXT_LIMIT = 5 * 2**20
MOST_PASSAGES = 5_000

_WEB = re.compile(r"https?://[^\s<>\"\\]+", re.IGNORECASE)
# A comment that was read is not read again in another way: thirty of them would take a minute, and forty for ever.
_IS_HTML = re.compile(r"\s*+(?:<!--(?>.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


def read(source: Source, *, language: str) -> Iterator[Item]:
    """One Document, or nothing where it holds no words to quote. Raises ImportRefused where it cannot be read."""
    name = document_name(source)
    if len(name) > NAME_LIMIT:
        raise ImportRefused(
            f"{source.name}: the name of the document is longer than {NAME_LIMIT} characters; shorten it"
        )
    contents, is_pdf = _contents(source)
    pieces = split(contents, fallback=_title_from(name))
    if len(pieces) > MOST_PASSAGES:
        raise ImportRefused(f"{source.name} gives {len(pieces):,} passages; the limit is {MOST_PASSAGES:,}: split it")
    if not pieces and not source.found:
        raise ImportRefused(f"{source.name} holds no words that could be quoted")
    try:
        records = tuple(
            _record(piece, number, contents, _place(source, piece, is_pdf), name, language)
            for number, piece in enumerate(pieces, start=1)
        )
    except BadRow as error:
        yield Problem(Place(source.name, 1), str(error))
        return
    if records:
        yield Document(name, records, Place(source.name, 0))


def document_name(source: Source) -> str:
    """The path below a folder `documents` or `docs` if there is one, else as it was met: never one of the machine."""
    parts = source.inside.parts or PurePath(source.name).parts
    places = [place for place, part in enumerate(parts[:-1]) if part in DOCUMENT_FOLDERS]
    return "/".join(parts[places[-1] + 1 :]) if places else "/".join(parts[1:]) if source.inside.parts else parts[-1]


def linked(document: Document, base: str) -> Document:
    """The document with links below the web address `base` for passages that have none."""
    address = f"{base.rstrip('/')}/{quote(document.name)}"
    return replace(document, records=tuple(_linked(record, address) for record in document.records))


def check_base(base: str) -> str:
    """Raises ImportRefused unless it is a web address."""
    if not _WEB.fullmatch(base):
        raise ImportRefused(f"the source address {base:.80} is no web address such as https://shop.example/help")
    return base


def _linked(record: Record, address: str) -> Record:
    passage = record.value
    if not isinstance(passage, Passage) or passage.link:
        return record
    page = f"#page={record.place.line}" if record.place.part else ""
    return replace(record, value=replace(passage, link=f"{address}{page}"))


def _contents(source: Source) -> tuple[Contents, bool]:
    is_pdf = source.data.startswith(b"%PDF") or source.suffix == ".pdf"
    limit = PDF_LIMIT if is_pdf else TEXT_LIMIT
    if len(source.data) > limit:
        raise ImportRefused(f"{source.name} is larger than {limit // 2**20} MB; split it")
    if is_pdf:
        return read_pdf(source.data, source.name), True
    is_html = source.suffix in (".html", ".htm") or (source.suffix != ".md" and _IS_HTML.match(source.text))
    return (read_html if is_html else read_markdown)(source.text), False


def _record(piece: Piece, number: int, contents: Contents, place: Place, name: str, language: str) -> Record:
    said = contents.language.split("-", 1)[0].casefold()
    passage = Passage(
        document=name,
        title=piece.title,
        body=piece.body,
        link=_link(contents.url, piece.anchor),
        language=language_code(said) if 0 < len(said) <= LANGUAGE_LIMIT else language_of(piece.body, language),
        valid_from=date_of(contents.valid_from, "valid_from"),
        valid_until=date_of(contents.valid_until, "valid_until"),
        position=number,
    )
    return Record(passage, place, frozenset({"link", "language", "valid_from", "valid_until", "position"}))


def _link(url: str, anchor: str) -> str:
    if not _WEB.fullmatch(url):
        return ""
    return f"{url}#{anchor}" if anchor and "#" not in url else url


def _place(source: Source, piece: Piece, is_pdf: bool) -> Place:
    return Place(source.name, piece.line, part=f"page {piece.line}" if is_pdf else "")


def _title_from(name: str) -> str:
    stem = one_line(PurePath(name).stem.replace("-", " ").replace("_", " "))
    return stem[:1].upper() + stem[1:]
