"""HTML to blocks: what a visitor reads, and nothing that runs or is hidden."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatbot.importers.documents.blocks import Block
from chatbot.importers.documents.html import read_html


def texts(html: str) -> list[str]:
    return [block.text for block in read_html(html).blocks]


def test_a_page_as_shops_have_them() -> None:
    found = read_html(
        """<!doctype html>
<html lang="en-GB"><head><title>Returns &amp; more</title>
<link rel="canonical" href="https://shop.example/returns"><style>p {color: red}</style></head>
<body><header>Shop <nav><a href="/">Home</a></nav></header>
<main><h1>Returns</h1>
<p>Within <b>45</b> days,
   &pound;5 off.</p><ul><li>boots<li>tents</ul>
<h2 id="abroad">From abroad</h2><p>You pay<br>the postage.</p></main>
<footer>© Shop</footer><script>alert("x")</script></body></html>"""
    )
    assert (found.title, found.url, found.language) == ("Returns & more", "https://shop.example/returns", "en-GB")
    assert found.blocks == (
        Block("Returns", 5, level=1),
        Block("Within 45 days, £5 off.", 6),
        Block("- boots", 7),
        Block("- tents", 7, continues=True),
        Block("From abroad", 8, level=2, anchor="abroad"),
        Block("You pay the postage.", 8),
    )


def test_without_a_main_part_the_whole_page_is_read() -> None:
    assert texts("<h1>A</h1><p>One.<p>Two.") == ["A", "One.", "Two."]
    assert texts("<div>Loose words</div> and <i>more</i>") == ["Loose words", "and more"]


def test_what_runs_or_is_hidden_is_left_out() -> None:
    assert texts(
        "<p>Seen.</p><p hidden>No.</p><div style='display: none'><p>No.</p></div><p aria-hidden='true'>No.</p>"
        "<script>document.write('<p>No.</p>')</script><noscript>No.</noscript><template>No.</template>"
        "<form>No.<button>No.</button></form><svg><text>No.</text></svg><iframe>No.</iframe><!-- No. --><p>Too.</p>"
    ) == ["Seen.", "Too."]


def test_a_script_as_text_stays_text() -> None:
    assert texts("<p>Never type &lt;script&gt;alert(1)&lt;/script&gt; here.</p>") == [
        "Never type <script>alert(1)</script> here."
    ]


def test_pictures_become_their_description_beside_words_only() -> None:
    assert texts('<p>Press <img alt="the gear" src="https://evil.example/x.png"> now.</p>') == ["Press the gear now."]
    assert texts('<p><img alt="logo" src="x.png"></p><p>Text.</p>') == ["Text."]


def test_lists_with_numbers_and_tables_with_a_head() -> None:
    html = "<ol><li>Wash<li><p>Dry</p></ol><table><tr><th>Size<th>Hand</tr><tr><td>S<td><p>18 cm</p></tr></table>"
    assert read_html(html).blocks == (
        Block("1. Wash", 1),
        Block("2. Dry", 1, continues=True),
        Block("Size | Hand", 1, head="Size | Hand"),
        Block("S | 18 cm", 1, continues=True, head="Size | Hand"),
    )


def test_an_address_may_also_stand_in_open_graph() -> None:
    assert (
        read_html("<meta property='og:url' content='https://shop.example/a'><p>A.</p>").url == "https://shop.example/a"
    )


def test_ten_thousand_open_elements_are_read() -> None:
    assert texts("<div>" * 10_000 + "Deep.") == ["Deep."]


@given(st.text(alphabet="<>/ abpdivh1ultrscript=\"'&;!-", max_size=200))
def test_every_text_is_read_and_gives_no_empty_block(text: str) -> None:
    assert all(block.text == block.text.strip() != "" for block in read_html(text).blocks)
