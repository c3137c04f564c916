"""What hypothesis makes of the formats: whole files near enough to good ones to get far into the readers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.importers.pdfs import pdf_of

from .hostile import short

HOSTILE = st.sampled_from(short())
TEXTS = st.one_of(HOSTILE, st.text(max_size=60), st.text(st.characters(codec=None), max_size=20))
"""Lone surrogates among them."""

NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, -(2**63), 2**63, 1e308, -0.0]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
FIELDS = (
    *("type", "name", "title", "value", "key", "intent", "language", "body", "valid_from", "valid_until", "owner"),
    *(
        "status",
        "source",
        "text",
        "template",
        "group",
        "document",
        "link",
        "position",
        "id",
        "turns",
        "speaker",
        "time",
    ),
    *("original", "messages", "role", "content", "convo_id", "train", "oos_test"),
)
LIKELY = st.sampled_from(
    [
        *("intent", "fact", "template", "example", "passage", "dialogue", "customer", "agent", "usr", "sys"),
        *("en", "zh", "approved", "retired", "2026-03-02", "9999-12-31", "0001-01-01", "2026-03-02T08:14:00Z"),
        *(
            "where is my order",
            "Order {order_number} is on its way.",
            "https://shop.example/page",
            "utter_faq/x",
            "oos",
        ),
    ]
)
SLOTS = st.one_of(LIKELY, LIKELY, VALUES)
RECORDS = st.dictionaries(st.sampled_from(FIELDS), SLOTS, max_size=8)


def jsonl() -> st.SearchStrategy[bytes]:
    lines = st.one_of(RECORDS.map(_dumped), HOSTILE, _typed().map(_dumped))
    return st.lists(lines, min_size=1, max_size=6).map(lambda found: _encoded("\n".join(found)))


def json_files() -> st.SearchStrategy[bytes]:
    """CLINC150's, ABCD's and CrossWOZ's layouts, and what is near them."""
    turns = st.lists(st.one_of(st.tuples(LIKELY, SLOTS), RECORDS, SLOTS), max_size=4)
    dialogue = st.fixed_dictionaries({"original": turns}) | st.fixed_dictionaries({"messages": turns}) | RECORDS
    lists = st.lists(st.one_of(dialogue, st.lists(SLOTS, max_size=3), SLOTS), max_size=4)
    return st.one_of(lists, st.dictionaries(TEXTS, lists, max_size=3), VALUES).map(
        lambda value: _encoded(_dumped(value))
    )


def tables() -> st.SearchStrategy[bytes]:
    headers = st.sampled_from(
        [
            ("text", "intent"),
            ("question", "answer"),
            ("text", "intent", "template", "status", "source", "group", "language"),
            ("key", "intent", "body", "valid_from", "valid_until", "status", "owner"),
            ("instruction", "intent", "response"),
            ("utterance", "intent", "conversationId"),
            ("问题", "答案", "相似问题"),
            ("question", "answer", "question"),
        ]
    )
    cells = st.lists(st.one_of(LIKELY, TEXTS), min_size=1, max_size=8)
    rows = st.lists(cells, max_size=6)
    quoting = st.sampled_from(['"', "", "'"])
    return st.builds(_table, headers, rows, st.sampled_from(",\t;|"), quoting, st.sampled_from(["\n", "\r\n", "\r"]))


def rasa() -> st.SearchStrategy[bytes]:
    lines = st.sampled_from(
        [
            *("version: '3.1'", "nlu:", "- intent: greet", "  examples: |", "    - hi", "    - [a](b) c", "responses:"),
            *("  utter_greet:", "  - text: hello {name}", "intents:", "- greet", "- faq/x: {use: 1}", "  - &a [*a]"),
            *(
                '- intent: "\\UFFFFFFFF"',
                "- regex: x",
                "? [",
                "}",
                "%YAML 9.9",
                "!!python/object:os.system x",
                "<<: *a",
            ),
        ]
    )
    return st.lists(st.one_of(lines, HOSTILE), max_size=12).map(lambda found: _encoded("\n".join(found)))


def markup() -> st.SearchStrategy[str]:
    """Markdown and HTML at once: each reader meets the other's signs too."""
    signs = st.sampled_from(
        [
            *(
                "# ",
                "## a ##",
                "{#id}",
                "---",
                "===",
                "- ",
                "1. ",
                "> ",
                "```",
                "`",
                "``",
                "**",
                "__",
                "*",
                "_",
                "![",
                "](",
            ),
            *(
                ")",
                "[a](b)",
                "|",
                "|-|-|",
                "<!--",
                "-->",
                "<![foo[",
                "]]>",
                "<?",
                "<!doctype html>",
                "<html lang='zh'>",
            ),
            *("<p>", "</p>", "<table>", "<tr>", "<td>", "</table>", "<li>", "<ul>", "<ol>", "</ul>", "<a href='", "<b"),
            *(
                "<script>",
                "</script>",
                "<title>",
                "<head>",
                "<main>",
                "<svg>",
                "&#xe000;5&#xe001;",
                "&amp;",
                "&#",
                "&lt",
            ),
            *("\\", "\n", "\n\n", "    ", "\t", " a word or two ", "Dr. A. B. said so. ", "。", "<https://a.example>"),
            *(
                "---\nurl: https://a.example\nvalid_from: 2026-02-30\n---\n",
                "&#" + "9" * 5000 + ";",
                "<h1 id=x>",
                "</h1>",
            ),
        ]
    )
    return st.lists(st.one_of(signs, signs, HOSTILE), max_size=40).map("".join)


def damaged(good: Callable[[], bytes]) -> st.SearchStrategy[bytes]:
    """A good file with pieces cut out, doubled, or replaced."""
    data = good()
    places = st.integers(0, len(data))
    pieces = st.one_of(
        st.binary(max_size=8), HOSTILE.map(_encoded), st.sampled_from([b"", b"\0", b"\xff\xfe", b"<", b'"'])
    )
    return st.lists(st.tuples(places, places, pieces), min_size=1, max_size=4).map(lambda edits: _edited(data, edits))


def workbook() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("question", "answer"), ("where is it", "On its way."), (1.5, True), ("=1+1", "x")):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def loose_workbook() -> bytes:
    """Stored without packing, so that damage gets to the XML instead of the checksums."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as packed, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as plain:
        for name in packed.namelist():
            plain.writestr(name, packed.read(name))
    return file.getvalue()


def rewritten(data: bytes) -> bytes:
    """The same archive with checksums that fit what damage left of its members."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [(info.filename, _member(data, info)) for info in archive.infolist()]
    except Exception:  # it is no archive any more, which is a case of its own
        return data
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in found:
            archive.writestr(name, content)
    return file.getvalue()


def pdf() -> bytes:
    return pdf_of(
        ["Our returns", "Send it back within 30 days, and we pay the", "postage. Nothing else is needed for it."]
    )


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as found:
        found.writestr("a.csv", "text,intent\nhello,greet\n")
        found.writestr("docs/b.md", "# Title\n\nSome words that are here to be quoted.\n")
    return file.getvalue()


def _member(data: bytes, info: zipfile.ZipInfo) -> bytes:
    start = info.header_offset + 30 + len(info.filename.encode()) + len(info.extra)
    return data[start : start + info.file_size]


def _typed() -> st.SearchStrategy[dict[str, Any]]:
    kinds = st.sampled_from(["intent", "fact", "template", "example", "passage", "dialogue"])
    turn = st.fixed_dictionaries({"speaker": LIKELY, "text": SLOTS, "time": SLOTS})
    return st.builds(
        lambda kind, fields, turns: {"type": kind, **fields} | ({"turns": turns} if kind == "dialogue" else {}),
        kinds,
        RECORDS,
        st.lists(turn, max_size=4),
    )


def _dumped(value: object) -> str:
    return json.dumps(value)  # with "NaN" and escapes of lone surrogates, as other programs write them


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _table(header: tuple[str, ...], rows: list[list[str]], comma: str, quote: str, end: str) -> bytes:
    lines = [comma.join(header), *(comma.join(f"{quote}{cell}{quote}" for cell in row) for row in rows)]
    return _encoded(end.join(lines))


def _edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for one, other, piece in edits:
        first, last = sorted((min(one, len(data)), min(other, len(data))))
        data = data[:first] + piece + data[min(last, first + 40) :]
    return data
