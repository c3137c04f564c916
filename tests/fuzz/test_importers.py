"""Whatever is in a file: it is read, or refused with a sentence, within two seconds, and what is read can be stored."""

from __future__ import annotations

import json
import string
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import ImportRefused
from chatbot.importers import FORMATS, Plan, make_plan, parse
from chatbot.importers.cells import visible
from chatbot.importers.documents.html import read_html
from chatbot.importers.documents.markdown import read_markdown
from chatbot.importers.documents.split import split
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.text import normalise

from . import strategies
from .hostile import hostile, huge
from .profile import TIMES, in_time, tried

Read = Callable[[str, bytes], None]

FILES = {
    "a.jsonl": strategies.jsonl(),
    "a.json": strategies.json_files(),
    "a.csv": strategies.tables(),
    "a.tsv": strategies.tables(),
    "a.yml": strategies.rasa(),
    "a.md": strategies.markup().map(lambda text: text.encode("utf-8", "surrogatepass")),
    "a.html": strategies.markup().map(lambda text: text.encode("utf-8", "surrogatepass")),
    "a.txt": strategies.markup().map(lambda text: text.encode("utf-8", "surrogatepass")),
    "a.pdf": strategies.damaged(strategies.pdf),
    "a.zip": strategies.damaged(strategies.archive),
    "a.xlsx": strategies.damaged(strategies.workbook) | strategies.damaged(strategies.loose_workbook),
    "b.xlsx": strategies.damaged(strategies.loose_workbook).map(strategies.rewritten),
    "a.bin": st.binary(max_size=200),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'empty.db'}", migrate=True)
    yield store
    store.close()


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Read:
    """Everything between a file and the database, each time with a plan against what was read before."""
    folder, redactor = tmp_path_factory.mktemp("files"), Redactor(r"JP-\d{6}")

    def one(name: str, data: bytes, format: str | None = None, *, keep: bool = True) -> None:
        path = folder / name
        path.write_bytes(data)
        with in_time(data[:200]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pypdf's and openpyxl's, about the file
            plan: Plan | None = None
            try:
                parsed = parse([path], format=format, redactor=redactor, language="en", skip_bad=True)
            except ImportRefused as error:
                said = str(error).splitlines()
            else:
                plan = make_plan(parsed, store.knowledge.snapshot())
                said = plan.summary()
        assert [line for line in said if visible(line) != line] == []
        if plan and keep and len(plan.changes.passages) < 50:
            store.knowledge.apply(plan.changes)

    return one


@pytest.mark.parametrize("name", FILES)
def test_any_file_is_read_or_refused(name: str, read: Read) -> None:
    @tried(30)
    @given(FILES[name])
    def each(data: bytes) -> None:
        read(name, data)

    each()


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_of_another_format_than_was_said(format: str, read: Callable[..., None]) -> None:
    @tried(6)
    @given(st.one_of(*FILES.values()))
    def each(data: bytes) -> None:
        read("a.txt", data, format, keep=False)

    each()


@pytest.mark.parametrize("kind", hostile())
def test_hostile_texts_in_every_field(kind: str, read: Read) -> None:
    """As a label, a body, a title, a cell, a line, a heading: what is refused is refused with a sentence."""
    fields = ("text", "intent", "key", "body", "title", "document", "name", "value", "owner", "language")
    rows: list[dict[str, object]] = []
    csv, markdown = "question,answer\n", ""
    for text in hostile()[kind]:
        said = text[:20_000]
        quoted = said.replace('"', '""')
        rows += [{"type": each, **dict.fromkeys(fields, said)} for each in ("example", "template", "fact", "passage")]
        turns = [{"speaker": speaker, "text": said} for speaker in (said, "customer", "agent")]
        rows.append({"type": "dialogue", "id": said, "turns": turns})
        csv += f'"{quoted}","{quoted}"\n{said},{said}\n'
        markdown += f"# {said}\n\n{said}\n\n- {said}\n\n|{said}|\n|-|\n\n"
    read("hostile.jsonl", "\n".join(map(json.dumps, rows)).encode())
    read("hostile.csv", csv.encode("utf-8", "surrogatepass"))
    read("hostile.md", markdown.encode("utf-8", "surrogatepass"))


# Each one alone would keep a reader busy for minutes if it took quadratic time, and for ever if exponential.
UNITS = (
    *(
        "a",
        " ",
        "\t",
        "\n",
        "a\n\n",
        "a\n",
        "#",
        "# ",
        " #",
        "{#",
        "{#a",
        "`",
        "``",
        "` ",
        "*",
        "**",
        "**a ",
        "* a",
        "_",
    ),
    *(
        "__a ",
        "[",
        "![",
        "[a](",
        "![a](",
        "[a](()",
        "(",
        "()",
        "|",
        "| ",
        "|-",
        "- ",
        "-",
        ":-",
        "-\t",
        "= ",
        "<",
        "</",
        "<a",
    ),
    *(
        "<a ",
        "<a b='",
        '<a b="',
        "<a b=",
        "<!--",
        "<!--x>",
        "<!---->",
        "<!-- ",
        "--",
        "<![",
        "<![a[",
        "<?",
        "<!",
        "&",
        "&#",
    ),
    *(
        "&#1",
        "&#x",
        "&amp",
        "<b>",
        "<p>",
        "<li>",
        "<ul><li>",
        "<td>",
        "<tr><td>x",
        "</q>",
        "</p>",
        "<script>",
        "</script ",
    ),
    *(
        "<title>",
        "<div hidden>",
        "A. ",
        "Dr. ",
        "a. A",
        "。",
        "! ",
        "! A",
        ".'",
        "1. ",
        "<h1>",
        "&lt;",
        "\\",
        "\\[",
        "```\n",
    ),
    *(
        "> ",
        "---\n",
        "é",
        "\u0300\u0316",
        "的",
        "a@b.co ",
        "http://a",
        "www.",
        "\u202e",
        "{{",
        "{a}",
        '"',
        '","',
        ",",
        ";",
    ),
)


REPEATED = 100_000 if TIMES > 1 else 6_000
"""Characters."""


@pytest.mark.parametrize("unit", UNITS)
def test_a_file_that_repeats_one_thing(unit: str, read: Callable[..., None]) -> None:
    text = unit * (REPEATED // len(unit)) + "x"
    read("a.md", f"{text}\n\na {text}\n\n# {text}\n\nx | y\n{text}\n\n{'word ' * 130}{text}".encode(), keep=False)
    read("a.html", f"<html><body>{'word ' * 130}{text}>".encode(), keep=False)
    read("a.txt", text.encode(), keep=False)


@pytest.mark.parametrize(
    "unit", ["- a\n", "a: [", "[", "{a: ", "? ", "&a ", "*a ", "- - ", "a: &b\n", "|\n", '"\\x41', "!!x "]
)
def test_yaml_that_repeats_one_thing(unit: str, read: Callable[..., None]) -> None:
    read("a.yml", ("nlu:\n" + unit * (4_000 // len(unit))).encode(), keep=False)


def seconds(work: Callable[[str], object], text: str) -> float:
    """Of this process alone, the best of two."""
    fastest = float("inf")
    for _ in range(2):
        started = time.process_time()
        work(text)
        fastest = min(fastest, time.process_time() - started)
    return fastest


@pytest.mark.parametrize("unit", ["**a ", "![", "`", "<a ", "<!--x>", "A. ", "a\n\n", "# \t", "| -", "\u0300\u0316"])
@pytest.mark.parametrize(
    "work",
    [
        lambda text: split(read_markdown(text), fallback="x"),
        lambda text: split(read_html(text), fallback="x"),
        normalise,
    ],
    ids=["markdown", "html", "normal form"],
)
def test_time_grows_with_the_length_and_not_with_its_square(work: Callable[[str], object], unit: str) -> None:
    text = f"<p># x {'word ' * 130}" + unit * (8_000 // len(unit))
    # Four times the text takes 4 times as long when linear, 16 times when quadratic.
    assert seconds(work, text * 4) < 10 * seconds(work, text) + 0.02


@pytest.mark.parametrize("text", huge(), ids=lambda text: repr(text[:4]))
def test_a_million_characters_in_one_line(text: str, read: Callable[..., None]) -> None:
    row = json.dumps({"type": "template", "key": "k", "intent": "i", "body": text})
    read("long.jsonl", row.encode(), keep=False)
    read("long.csv", f"text,intent\n{text},a\n".encode(), keep=False)


def test_deep_and_huge_json(read: Callable[..., None]) -> None:
    deep = "[" * 10_000 + "]" * 10_000
    for text in (
        deep,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        f'{{"type":"fact","name":"a","value":{deep}}}',
        f'{{"type":"passage","position":{"9" * 5000}}}',
        f'{{"train":[["a",{"9" * 5000}]]}}',
        '{"type":"fact","type":"example","text":"a","text":"b","intent":"x"}',
        '{"type":"fact","name":NaN,"value":Infinity}',
        "{" + ",".join(f'"{key}":1' for key in string.ascii_letters) + "}",
    ):
        read("deep.json", text.encode(), keep=False)
        read("deep.jsonl", text.encode(), keep=False)
        read("deep.yml", text.encode()[:2_000], keep=False)


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    redactor = Redactor()
    for name in ("a\0b", "x" * 5000, "no/such", "\udcff.csv"):
        with pytest.raises(ImportRefused):
            parse([tmp_path / name], redactor=redactor, language="en")
