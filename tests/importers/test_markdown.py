"""Markdown to blocks: the marks go, the words stay, and nothing in it can run or load."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.importers.documents.blocks import Block
from chatbot.importers.documents.markdown import read_markdown


def texts(markdown: str) -> list[str]:
    return [block.text for block in read_markdown(markdown).blocks]


def test_headings_paragraphs_lists_and_tables_with_their_lines() -> None:
    markdown = (
        "# Returns\n\nFirst line\nof a paragraph.\n\nBoots\n-----\n1. Wash them.\n2. Dry\n   them.\n\n"
        "## Sizes {#sizes}\n| Size | Hand |\n|---|:-:|\n| S | 18 cm |\n\nAfter it.\n"
    )
    assert read_markdown(markdown).blocks == (
        Block("Returns", 1, level=1),
        Block("First line of a paragraph.", 3),
        Block("Boots", 6, level=2),
        Block("1. Wash them.", 8),
        Block("2. Dry them.", 9, continues=True),
        Block("Sizes", 12, level=2, anchor="sizes"),
        Block("Size | Hand", 13, head="Size | Hand"),
        Block("S | 18 cm", 15, continues=True, head="Size | Hand"),
        Block("After it.", 17),
    )


def test_what_the_document_says_of_itself() -> None:
    found = read_markdown(
        '---\ntitle: "Returns"\nurl: https://shop.example/returns\nlang: en-GB\nauthor: Ann\n'
        "valid_from: 2026-01-01\nvalid_until: 2026-12-31\n---\nText.\n"
    )
    assert (found.title, found.url, found.language) == ("Returns", "https://shop.example/returns", "en-GB")
    assert (found.valid_from, found.valid_until) == ("2026-01-01", "2026-12-31")
    assert found.blocks == (Block("Text.", 9),)


def test_a_rule_at_the_start_is_no_front_matter() -> None:
    assert texts("---\nurl: x\n\nA line that never closes.") == ["url: x", "A line that never closes."]


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("**Never** wash *down* with __soap__ or _bleach_.", "Never wash down with soap or bleach."),
        ("See [our page](https://shop.example/a_(b) 'title') and [this][1].", "See our page and this."),
        ("Write to <https://shop.example/a_b_c>.", "Write to https://shop.example/a_b_c."),
        ("Type `a * b * c_d_e` or ``x``.", "Type a * b * c_d_e or x."),
        ("2 * 3 * 4 and snake_case_name and 5*6", "2 * 3 * 4 and snake_case_name and 5*6"),
        (r"Not \*marked\* and 5 &lt; 6 &amp; more", "Not *marked* and 5 < 6 & more"),
        ("Press ![the gear](https://evil.example/x.png) to open", "Press the gear to open"),
        ("~~£20~~ £15", "~~£20~~ £15"),
        ("Wash<br>it <b>now</b>, {order_number} {{x}} <name>", "Wash it now, {order_number} {{x}} <name>"),
        ("> Quoted\n> words.", "Quoted words."),
    ],
)
def test_marks_go_and_words_stay(marked: str, plain: str) -> None:
    assert texts(marked) == [plain]


def test_pictures_alone_comments_scripts_and_definitions_are_no_text() -> None:
    assert texts("![logo](https://evil.example/1.png)\n\n[1]: https://shop.example\n\n***\n\nText.") == ["Text."]
    assert texts("<!-- hidden\n# never -->A\n<script>alert('x')</script>\n<STYLE>p {}</STYLE>\nB") == ["A", "B"]
    assert texts("A\n\n<script>never closed") == ["A"]
    assert texts("<img src=x onerror=alert(1)>Words <iframe src='https://evil.example'></iframe>stay.") == [
        "Words stay."
    ]


def test_code_keeps_its_lines_as_one_list() -> None:
    assert read_markdown("Before:\n```sh\n# no heading\nmake **x**\n```\nAfter.").blocks == (
        Block("Before:", 1),
        Block("# no heading", 3, continues=True),
        Block("make **x**", 4, continues=True),
        Block("After.", 6),
    )


def test_what_cannot_be_seen_is_left_out() -> None:
    assert texts("pay\u202e ten\u200b pounds\x07 and\u00a0no more") == ["pay ten pounds and no more"]


@given(st.text(max_size=300))
def test_every_text_is_read_and_gives_no_empty_block(text: str) -> None:
    assert all(block.text == block.text.strip() != "" for block in read_markdown(text).blocks)
