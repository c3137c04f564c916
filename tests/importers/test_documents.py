"""Documents as passages: names, links, dates, what is refused, and what an import of them changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from chatbot.errors import ImportRefused
from chatbot.importers import Parsed, Plan, make_plan, parse
from chatbot.redact import Redactor
from chatbot.store import Store
from chatbot.store.knowledge import Snapshot
from chatbot.types import Passage, Status

from .conftest import Import, Refusal
from .pdfs import pdf_of

RETURNS = """---
url: https://shop.example/returns
---
# Returns

## Opened items

Opened underwear cannot come back; ring 020 7946 0123 or write to ann@shop.example.

## Abroad

From abroad you pay the postage yourself.
"""


def passages(parsed: Parsed) -> list[Passage]:
    return [
        record.value
        for document in parsed.documents
        for record in document.records
        if isinstance(record.value, Passage)
    ]


@pytest.fixture
def bring(empty_store: Store, tmp_path: Path) -> Callable[..., Plan]:
    """Write a document, import it and apply the plan."""

    def run(name: str, content: str) -> Plan:
        (tmp_path / name).write_text(content, encoding="utf-8")
        parsed = parse([tmp_path / name], redactor=Redactor(), language="en")
        plan = make_plan(parsed, empty_store.knowledge.snapshot())
        empty_store.knowledge.apply(plan.changes)
        return plan

    return run


def approved(store: Store) -> dict[str, int]:
    return {each.body: each.id for each in store.knowledge.snapshot().passages if each.status is Status.APPROVED}


def test_a_passage_keeps_the_shops_own_words_with_headings_and_link(load: Import) -> None:
    assert passages(load("returns.md", RETURNS)) == [
        Passage(
            "returns.md",
            "Returns > Opened items",
            "Opened underwear cannot come back; ring 020 7946 0123 or write to ann@shop.example.",
            "https://shop.example/returns",
        ),
        Passage(
            "returns.md",
            "Returns > Abroad",
            "From abroad you pay the postage yourself.",
            "https://shop.example/returns",
            position=2,
        ),
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.html", "<html lang='de'><h1>A</h1><h2 id='b'>B</h2><p>Text hier.</p>", ("A > B", "de", "")),
        (
            "b.htm",
            "<link rel=canonical href=https://shop.example/b><h1>A</h1><h2 id='b'>B</h2><p>Text.</p>",
            ("A > B", "en", "https://shop.example/b#b"),
        ),
        ("returns-abroad.txt", "You pay the postage.\n", ("Returns abroad", "en", "")),
        ("c.markdown", "---\nlang: zh-CN\n---\n退货需要自付邮费。", ("C", "zh", "")),
        ("d.md", "退货需要自付邮费。", ("D", "zh", "")),
        ("e.md", "---\nurl: javascript:alert(1)\n---\nText.", ("E", "en", "")),
        ("f.pdf", pdf_of(["Gift cards", "They are valid for 3 years."]), ("F > Gift cards", "en", "")),
    ],
)
def test_each_kind_of_file_is_known_by_its_ending(
    name: str, content: str | bytes, expected: tuple[str, str, str], load: Import
) -> None:
    (passage,) = passages(load(name, content))
    assert (passage.title, passage.language, passage.link) == expected
    assert passage.document == name


def test_a_text_file_that_is_a_table_stays_one(load: Import) -> None:
    assert load("a.txt", "text,intent\nhello,greet\n").documents == ()
    assert load("a.txt", '{"text": "hello", "intent": "greet"}\n').documents == ()


def test_a_format_by_name_goes_before_the_ending(load: Import) -> None:
    (passage,) = passages(load("manual.text", "Some words.", format="document"))
    assert passage.body == "Some words."


def test_the_dates_of_a_document_are_those_of_its_passages(load: Import, refusal: Refusal) -> None:
    (passage,) = passages(load("a.md", "---\nvalid_from: 2026-01-01\nvalid_until: 2026-12-31\n---\nText."))
    assert (passage.valid_from, passage.valid_until) == (date(2026, 1, 1), date(2026, 12, 31))
    assert "a.md, line 1: valid_until 'soon' is no date; write it as 2026-12-31" in refusal(
        "a.md", "---\nvalid_until: soon\n---\nText."
    )


def test_a_source_address_gives_links_to_what_has_none(load: Import, refusal: Refusal) -> None:
    base = "https://shop.example/help/"
    assert [each.link for each in passages(load("my guide.md", "Text.", source_url=base))] == [
        "https://shop.example/help/my%20guide.md"
    ]
    assert [each.link for each in passages(load("g.pdf", pdf_of(["A."], ["B."]), source_url=base))] == [
        "https://shop.example/help/g.pdf#page=1"
    ]
    assert passages(load("returns.md", RETURNS, source_url=base))[0].link == "https://shop.example/returns"
    assert refusal("a.md", "Text.", source_url="javascript:alert(1)") == (
        "the source address javascript:alert(1) is no web address such as https://shop.example/help"
    )


def test_documents_of_a_folder_are_those_below_documents(tmp_path: Path) -> None:
    for name in ("readme.md", "documents/a.md", "documents/legal/b.html", "documents/.c.md", "docs/d.txt"):
        (tmp_path / "shop" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "shop" / name).write_text(f"Words of {name}.")
    everything = parse([tmp_path / "shop"], redactor=Redactor(), language="en")
    assert [each.name for each in everything.documents] == ["d.txt", "a.md", "legal/b.html"]
    only = parse([tmp_path / "shop" / "documents"], redactor=Redactor(), language="en")
    assert [each.name for each in only.documents] == ["a.md", "legal/b.html"]
    one = parse([tmp_path / "shop" / "documents" / "legal" / "b.html"], redactor=Redactor(), language="en")
    assert [each.name for each in one.documents] == ["legal/b.html"]
    named = parse([tmp_path / "shop" / "readme.md"], redactor=Redactor(), language="en")
    assert [each.name for each in named.documents] == ["readme.md"]


def test_a_folder_of_documents_only_says_how_they_are_imported(tmp_path: Path) -> None:
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "a.md").write_text("Text.")
    with pytest.raises(ImportRefused, match="are named one by one, or stand in a folder called documents"):
        parse([tmp_path / "handbook"], redactor=Redactor(), language="en")


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("Text.")
    with pytest.raises(ImportRefused, match="would both be the document a.md; rename one, or import the folder"):
        parse([tmp_path / "one" / "a.md", tmp_path / "two" / "a.md"], redactor=Redactor(), language="en")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.md", "", "a.md is empty"),
        ("a.md", "# Only a heading\n", "a.md holds no words that could be quoted"),
        ("a.html", "<nav>Home</nav><script>x()</script>", "a.html holds no words that could be quoted"),
        ("a.md", b"\x00\x01\x02\x03" * 100, "a.md is binary, not text"),
        ("a.html", "<p>caf\xe9".encode("latin-1"), "a.html, line 1: byte 0xE9 at position 6 is not UTF-8"),
        ("a.md", b"\x89PNG\r\n", "a.md is a PNG image, not a table or text"),
        ("a.pdf", b"hello", "a.pdf is damaged or cut off"),
        ("a.md", "word " * 1_100_000, "a.md is larger than 5 MB; split it"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name_and_the_cure(
    name: str, content: str | bytes, said: str, refusal: Refusal
) -> None:
    assert refusal(name, content).startswith(said)


def test_a_repeated_import_changes_nothing(bring: Callable[..., Plan]) -> None:
    assert bring("returns.md", RETURNS).summary() == [
        "passages       2 new       0 changed       0 as stored       0 twice in the files"
    ]
    again = bring("returns.md", RETURNS)
    assert again.summary() == [
        "passages       0 new       0 changed       2 as stored       0 twice in the files",
        "nothing to write: the store says all of this already",
    ]


def test_a_changed_document_replaces_its_passages_and_keeps_the_ids_of_the_others(
    bring: Callable[..., Plan], empty_store: Store
) -> None:
    bring("returns.md", RETURNS)
    bring("other.md", "Another document.")
    before = approved(empty_store)
    plan = bring("returns.md", RETURNS.replace("cannot come back", "can come back"))
    assert plan.summary() == [
        "passages       1 new       0 changed       1 as stored       0 twice in the files"
        "       1 no longer in their document"
    ]
    after = approved(empty_store)
    kept = ["From abroad you pay the postage yourself.", "Another document."]
    assert [after[body] for body in kept] == [before[body] for body in kept]
    assert sorted(set(after) - set(before)) == [
        "Opened underwear can come back; ring 020 7946 0123 or write to ann@shop.example."
    ]
    bring("returns.md", RETURNS)
    assert approved(empty_store) == before


def test_a_change_of_one_letters_case_is_a_change(bring: Callable[..., Plan], empty_store: Store) -> None:
    bring("a.md", "Ask for OAK.")
    bring("a.md", "Ask for Oak!")
    assert list(approved(empty_store)) == ["Ask for Oak!"]


def test_what_an_operator_retired_stays_retired(bring: Callable[..., Plan], empty_store: Store, load: Import) -> None:
    bring("returns.md", RETURNS)
    line = (
        '{"type": "passage", "document": "returns.md", "title": "Returns > Abroad", '
        '"body": "From abroad you pay the postage yourself.", "status": "retired"}'
    )
    plan = make_plan(load("one.jsonl", line), empty_store.knowledge.snapshot())
    empty_store.knowledge.apply(plan.changes)
    bring("returns.md", RETURNS)
    bring("returns.md", "Something else.")
    bring("returns.md", RETURNS)
    assert list(approved(empty_store)) == [
        "Opened underwear cannot come back; ring 020 7946 0123 or write to ann@shop.example."
    ]


def test_the_same_words_twice_in_a_document_are_one_passage(load: Import) -> None:
    plan = make_plan(load("a.md", "# A\n\nText.\n\n# A\n\nText."), Snapshot(0))
    assert (plan.counts["passages"].added, plan.counts["passages"].duplicates) == (1, 1)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ('"link": "javascript:alert(1)"', 'link "javascript:alert(1)" is no web address'),
        ('"position": -1', "position must be a whole number from 0 on and is -1"),
        ('"position": true', "position must be a whole number from 0 on and is True"),
        ('"page": 1', 'unknown field "page" of type passage'),
    ],
)
def test_a_wrong_passage_record_says_what_is_wrong(field: str, said: str, refusal: Refusal) -> None:
    line = f'{{"type": "passage", "document": "a.md", "title": "A", "body": "Text.", {field}}}'
    assert said in refusal("a.jsonl", line)
