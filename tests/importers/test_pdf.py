"""PDF to blocks, and what is said of a PDF that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from chatbot.errors import ImportRefused
from chatbot.importers.documents.blocks import Block
from chatbot.importers.documents.pdf import read_pdf

from .pdfs import pdf_of

LONG = "Please wash the item before you send it to us, and dry it well. For"
HEAD = "Juniper & Pine, our workshop, 2026"


def refused(data: bytes) -> str:
    with pytest.raises(ImportRefused) as caught:
        read_pdf(data, "guide.pdf")
    return str(caught.value)


def test_headings_paragraphs_and_lists_are_told_by_their_form() -> None:
    data = pdf_of(
        ["Our repair workshop", LONG, "things that arrive dirty we charge £10.", "What we do not repair"]
        + ["• climbing ropes and harnesses,", "which your life hangs on", "• helmets", LONG, "more, write to us."]
    )
    assert read_pdf(data, "guide.pdf").blocks == (
        Block("Our repair workshop", 1, level=2),
        Block(f"{LONG} things that arrive dirty we charge £10.", 1),
        Block("What we do not repair", 1, level=2),
        Block("• climbing ropes and harnesses, which your life hangs on", 1),
        Block("• helmets", 1, continues=True),
        Block(f"{LONG} more, write to us.", 1),
    )


def test_a_paragraph_goes_on_over_the_page_and_margins_are_left_out() -> None:
    pages = [
        [HEAD, "", "First of all", LONG, "the rest", "Page 1 of 3"],
        [HEAD, "", "look on the other page.", "Page 2 of 3"],
        [HEAD, "", "The quote", "It is valid for 30 days.", "Page 3 of 3"],
    ]
    assert read_pdf(pdf_of(*pages), "guide.pdf").blocks == (
        Block("First of all", 1, level=2),
        Block(f"{LONG} the rest look on the other page.", 1),
        Block("The quote", 3, level=2),
        Block("It is valid for 30 days.", 3),
    )


def test_a_hyphen_at_the_end_of_a_line_goes_only_from_a_word_that_is_known() -> None:
    data = pdf_of([f"{LONG} our ma-", "chines it is better, and machines are dear. Our stores are step-", "free."])
    (block,) = read_pdf(data, "guide.pdf").blocks
    assert block.text == f"{LONG} our machines it is better, and machines are dear. Our stores are step-free."


def test_a_scan_says_what_to_do() -> None:
    assert refused(pdf_of([])) == (
        "guide.pdf holds no text, only pictures of it (a scan); run it through text recognition (OCR) and import that"
    )


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7", b"%PDF-1.7\n" + b"\x93\x01rubbish\xff" * 300, pdf_of(["Some text."])[:300]]
)
def test_a_broken_file_says_what_to_do(data: bytes) -> None:
    said = refused(data)
    assert said.startswith("guide.pdf ")
    assert said.endswith(("save or export it again", "and import that"))


def test_a_locked_file_says_what_to_do(tmp_path: Path) -> None:
    writer = PdfWriter()
    (tmp_path / "plain.pdf").write_bytes(pdf_of(["Some text."]))
    writer.append(PdfReader(tmp_path / "plain.pdf"))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    assert refused((tmp_path / "locked.pdf").read_bytes()) == (
        "guide.pdf is locked with a password; save a copy without one and import that"
    )
