from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import StoreFull
from chatbot.export import export_examples_csv, export_jsonl, export_templates_csv, safe_cell, write_export
from chatbot.importers import make_plan, parse
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.knowledge import Changes, Snapshot
from chatbot.types import Example, Fact, Intent, Passage, Status, Template

KNOWLEDGE = Changes(
    intents=(Intent("refund", {"en": "Refund", "zh": "退款"}), Intent("bye")),
    facts=(Fact("shop_name", "Juniper & Pine"),),
    templates=(
        Template("refund", "refund", "{shop_name} says {{soon}}.\nIn\u2028full.", owner="Care", source="book.csv"),
        Template("refund.zh", "refund", "很快", "zh", Status.RETIRED, date(2026, 1, 1), date(2026, 2, 1)),
        Template("wait", "_handoff", "=A person comes.", status=Status.PROPOSED),
    ),
    examples=(
        Example("call [phone], or mail [email] about [order]", "refund", template="refund", source="a.csv", group="g1"),
        Example("-1 out of 10", "out_of_scope", group="g2"),
        Example("退款", "refund", "zh", status=Status.PROPOSED, group="g3"),
    ),
    passages=(
        Passage(
            "a.md", "Returns > Abroad", "You {pay}.\n- *it*", "https://shop.example/a", valid_until=date(2026, 2, 1)
        ),
        Passage("legal/b.html", "隐私", "我们不卖数据。", language="zh", status=Status.RETIRED, position=0),
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'one.db'}", migrate=True)
    store.knowledge.apply(KNOWLEDGE)
    yield store
    store.close()


def read_back(paths: list[Path], snapshot: Snapshot) -> Changes:
    parsed = parse(paths, redactor=Redactor(r"JP-\d{6}"), language="en")
    plan = make_plan(parsed, snapshot)
    assert (plan.conflicts, plan.problems) == ((), ())
    return plan.changes


def plain(snapshot: Snapshot) -> Snapshot:
    """A snapshot without what a store counts by itself."""
    return replace(
        snapshot,
        revision=0,
        templates=tuple(replace(each, id=0, revision=1) for each in snapshot.templates),
        examples=tuple(replace(each, id=0) for each in snapshot.examples),
        passages=tuple(replace(each, id=0) for each in snapshot.passages),
    )


def test_importing_an_export_into_the_same_store_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    assert write_export(export_jsonl(store.knowledge.snapshot()), path) == 13
    changes = read_back([path], store.knowledge.snapshot())
    assert changes == Changes()
    assert store.knowledge.apply(changes) == 1


def test_importing_an_export_into_an_empty_store_gives_the_same_knowledge(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    write_export(export_jsonl(store.knowledge.snapshot()), path)
    other = Store.open(f"sqlite:///{tmp_path / 'two.db'}", migrate=True)
    other.knowledge.apply(read_back([path], other.knowledge.snapshot()))
    assert plain(other.knowledge.snapshot()) == plain(store.knowledge.snapshot())
    other.close()


def test_tables_come_back_as_they_were(store: Store, tmp_path: Path) -> None:
    snapshot = store.knowledge.snapshot()
    paths = [tmp_path / "templates.csv", tmp_path / "examples.csv"]
    write_export(export_templates_csv(snapshot), paths[0])
    write_export(export_examples_csv(snapshot), paths[1])
    assert read_back(paths, snapshot) == Changes()
    assert paths[0].read_bytes().startswith(b"\xef\xbb\xbfkey,intent,language,body")
    assert ",'=A person comes.," in paths[0].read_text(encoding="utf-8-sig")
    assert "'-1 out of 10,out_of_scope" in paths[1].read_text(encoding="utf-8-sig")
    other = Store.open(f"sqlite:///{tmp_path / 'two.db'}", migrate=True)
    other.knowledge.apply(read_back(paths, other.knowledge.snapshot()))
    again = plain(other.knowledge.snapshot())
    other.close()
    # An empty cell says nothing, so what had no source is now from the file.
    assert [replace(each, source="") for each in again.templates] == [
        replace(each, source="") for each in plain(snapshot).templates
    ]
    assert [each.source for each in again.examples] == ["a.csv", "examples.csv", "examples.csv"]
    assert [replace(each, source="") for each in again.examples] == [
        replace(each, source="") for each in plain(snapshot).examples
    ]


def test_lines_of_the_export() -> None:
    snapshot = Snapshot(1, facts=(Fact("a", "é"),), templates=(Template("k", "i", "x\u2028y"),))
    first, second = export_jsonl(snapshot)
    assert first == '{"type": "fact", "name": "a", "value": "é"}\n'
    assert "x\\u2028y" in second
    assert json.loads(second)["body"] == "x\u2028y"


def test_a_failed_export_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text("old")

    def broken() -> Iterator[str]:
        yield "new"
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="full"):
        write_export(broken(), path)
    assert [each.name for each in tmp_path.iterdir()] == ["all.jsonl"]
    assert path.read_text() == "old"


def test_what_cannot_be_noted_is_not_put_in_place(tmp_path: Path) -> None:
    path, seen = tmp_path / "all.jsonl", list[tuple[int, str]]()
    path.write_text("old")

    def note(rows: int) -> None:
        seen.append((rows, path.read_text()))
        raise StoreFull("the disk is full")

    with pytest.raises(StoreFull):
        write_export(["new\n", "lines\n"], path, ready=note)
    assert (seen, path.read_text()) == ([(2, "old")], "old")
    assert [each.name for each in tmp_path.iterdir()] == ["all.jsonl"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_cells_that_look_like_formulas(sign: str) -> None:
    assert safe_cell(f"{sign}1") == f"'{sign}1"
    assert safe_cell(f"'{sign}1") == f"''{sign}1"
    assert safe_cell("'tis so") == "'tis so"


def test_cells_that_begin_in_the_middle_where_semicolons_part_them() -> None:
    text = "hi;=1+1;'+2;\"=3;\t=4\n@SUM(A1)\r\n\r\nred - or = blue; fine"
    assert safe_cell(text) == "hi;'=1+1;''+2;'\"=3;'\t=4\n'@SUM(A1)\r\n\r\nred - or = blue; fine"


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), min_size=1).map(lambda text: f"=a {text} z")


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=4, unique=True))
def test_any_example_survives_the_table(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("export") / "examples.csv"
    masked = [Redactor().redact(text).text for text in texts]
    write_export(export_examples_csv(Snapshot(1, examples=tuple(Example(text, "a") for text in masked))), path)
    parsed = parse([path], redactor=Redactor(), language="en")
    assert [each.value.text for each in parsed.records if isinstance(each.value, Example)] == masked
