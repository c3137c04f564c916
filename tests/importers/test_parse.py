"""The package as a whole: whatever the bytes, there is a result or a refusal in words."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.errors import ImportRefused
from chatbot.importers import FORMATS, make_plan, parse, read_questions
from chatbot.redact import Redactor
from chatbot.store.knowledge import Snapshot

from .conftest import ORDER, Import, Refusal

REDACTOR = Redactor(ORDER)
PIECES = [
    "text,intent\n",
    "question,answer\n",
    "instruction,intent,response\n",
    "key,intent,body\n",
    '"',
    "\n",
    ",",
    "\t",
    '{"type": "example", "text": "a", "intent": "b"}\n',
    '{"train": [["a", "b"]]}',
    "[",
    "{",
    "}",
    "]",
    ": ",
    "- ",
    "|",
    '[{"original": [["agent", "a"], ["customer", "b"]]}]',
    '{"1": {"messages": [{"role": "usr", "content": "a"}]}}',
    "nlu:\n- intent: a\n  examples: |\n    - b\n",
    "responses:\n  utter_a:\n  - text: b\n",
    "&a [*a]",
    "\0",
    "\r",
    "null",
    '{"type": "template", "key": "k", "intent": "a", "body": "b"}\n',
    "utterance\tconversationid\tintent\n",
    "é",
    "\ud83d",
    '{"type": "dialogue", "id": 1, "turns": [{"speaker": "customer", "text": "a"}]}\n',
    "{{Order Number}}",
    "PK\x03\x04",
]
GLUED = st.lists(st.sampled_from(PIECES), max_size=6).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("format", [None, *FORMATS])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.one_of(st.binary(max_size=300), GLUED))
def test_any_bytes_are_read_or_refused(format: str | None, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        try:
            parsed = parse([path], format=format, redactor=REDACTOR, language="en", skip_bad=True)
        except ImportRefused:
            return
        make_plan(parsed, Snapshot(0)).summary()


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".yml", ".xlsx", ".zip"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=GLUED)
def test_any_ending_is_read_or_refused(suffix: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(data)
        with contextlib.suppress(ImportRefused):
            read_questions(path)


def test_a_refusal_lists_twenty_rows_and_counts_the_rest(refusal: Refusal) -> None:
    text = refusal("e.csv", "text,intent\n" + ",a\n" * 1234)
    assert text.split("\n")[0] == "1,234 rows cannot be imported; nothing was written:"
    assert text.split("\n")[20:22] == ["  e.csv, line 21: text is empty", "  and 1,214 more"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.csv", "text,intent\n"),
        ("d.json", '{"train": [["a", "b"]], "x": []}'),
        ("n.yml", "nlu: []\n"),
        ("a.csv", "7"),
    ],
)
def test_a_file_without_rows_is_refused_or_read(load: Import, name: str, content: str) -> None:
    if name == "d.json":
        assert len(load(name, content).records) == 1
    else:
        with pytest.raises(ImportRefused):
            load(name, content)


def test_spaces_without_end_take_no_time(load: Import) -> None:
    start = time.perf_counter()
    content = "instruction,intent,response\n" + f"a{{{{{' ' * 9000},b,c {{{{{' ' * 9000}x\n" * 20
    assert len(load("b.csv", content).records) == 21
    assert time.perf_counter() - start < 60


def test_records_of_several_files_come_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("text,intent\none,a\n")
    (tmp_path / "a.csv").write_text("instruction,intent,response\ntwo,b,c\n")
    parsed = parse([tmp_path / "b.csv", tmp_path / "a.csv"], redactor=REDACTOR, language="en")
    assert [Path(record.place.file).name for record in parsed.records] == ["b.csv", "a.csv", "a.csv"]


def test_fifteen_thousand_rows_in_seconds(load: Import) -> None:
    rows = [[f"question {number} about topic {number % 150}", f"topic_{number % 150}"] for number in range(15_000)]
    start = time.perf_counter()
    plan = make_plan(load("data.json", json.dumps({"train": rows})), Snapshot(0))
    assert plan.counts["examples"].added == 15_000
    assert time.perf_counter() - start < 120
