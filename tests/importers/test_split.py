"""Blocks to passages: no word lost, none changed, none cut in the middle of a sentence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatbot.importers.documents.blocks import Block, Contents
from chatbot.importers.documents.split import LEAST_WORDS, MOST_WORDS, Piece, sentences, split, words_in


def text(count: int, word: str = "word") -> str:
    return " ".join([word.capitalize(), *[word] * (count - 1)]) + "."


def bodies(*blocks: Block) -> list[str]:
    return [piece.body for piece in split(Contents(blocks), fallback="Doc")]


def test_a_passage_stands_under_the_headings_above_it() -> None:
    found = split(
        Contents(
            (
                Block("Returns", 1, level=1),
                Block("Boots.", 2),
                Block("Opened", 3, level=2, anchor="opened"),
                Block("Underwear", 4, level=3),
                Block("No.", 5),
                Block("Abroad", 6, level=2),
                Block("Yes.", 7),
            )
        ),
        fallback="Doc",
    )
    assert found == [
        Piece("Returns", "Boots.", 2),
        Piece("Returns > Opened > Underwear", "No.", 5, anchor="opened"),
        Piece("Returns > Abroad", "Yes.", 7),
    ]


def test_without_headings_the_title_or_the_name_stands_for_them() -> None:
    assert [piece.title for piece in split(Contents((Block("A.", 1),)), fallback="Doc")] == ["Doc"]
    assert [piece.title for piece in split(Contents((Block("A.", 1),), title="T"), fallback="Doc")] == ["T"]
    deeper = Contents((Block("Boots", 1, level=2), Block("A.", 2)), title="Returns")
    assert [piece.title for piece in split(deeper, fallback="Doc")] == ["Returns > Boots"]


def test_short_paragraphs_are_joined_and_long_ones_stand_alone() -> None:
    assert bodies(Block(text(10), 1), Block(text(25), 2), Block(text(40), 3), Block(text(50), 4)) == [
        f"{text(10)}\n{text(25)}",
        text(40),
        text(50),
    ]


def test_a_few_last_words_are_no_passage_of_their_own() -> None:
    assert bodies(Block(text(40), 1), Block(text(5), 2)) == [f"{text(40)}\n{text(5)}"]


def test_a_list_stays_with_the_line_above_it() -> None:
    items = [Block(f"- {text(8)}", line, continues=line > 2) for line in range(2, 6)]
    assert bodies(Block(text(35).replace(".", ":"), 1), *items) == [
        "\n".join([text(35).replace(".", ":"), *(item.text for item in items)])
    ]


def test_a_long_table_repeats_its_head() -> None:
    rows = [Block(f"{text(30)} | {line}", line, continues=True, head="Size | Hand") for line in range(2, 8)]
    found = bodies(Block("Size | Hand", 1, head="Size | Hand"), *rows)
    assert [body.split("\n")[0] for body in found] == ["Size | Hand"] * len(found)
    assert [line for body in found for line in body.split("\n")[1:]] == [row.text for row in rows]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    long = " ".join(text(25, word) for word in ("one", "two", "three", "four", "five", "six"))
    found = bodies(Block(long, 1))
    assert " ".join(found) == long
    assert [words_in(body) for body in found] == [100, 50]


def test_only_an_enormous_sentence_is_cut_inside() -> None:
    assert [words_in(body) for body in bodies(Block(text(2 * MOST_WORDS), 1))] == [2 * MOST_WORDS]
    found = bodies(Block(text(500), 1))
    assert " ".join(found) == text(500)
    assert max(words_in(body) for body in found) <= MOST_WORDS + LEAST_WORDS


def test_sentences_end_neither_at_abbreviations_nor_inside_numbers() -> None:
    assert sentences('Wash it, e.g. By hand, at 30.5 degrees. See No. 5 of Dr. Oak. "Dry?" Yes! 真的吗？是。') == [
        "Wash it, e.g. By hand, at 30.5 degrees.",
        "See No. 5 of Dr. Oak.",
        '"Dry?"',
        "Yes!",
        "真的吗？",
        "是。",
    ]


def test_chinese_counts_two_characters_as_a_word_and_keeps_its_text() -> None:
    long = "我们在收到退货以后的五个工作日内把货款退回原来的账户。" * 20
    found = bodies(Block(long, 1))
    assert "".join(found) == long
    assert [body[-1] for body in found] == ["。"] * len(found)
    assert max(words_in(body) for body in found) <= MOST_WORDS


@given(st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=12))
def test_no_word_is_lost_and_passages_keep_their_size(shape: list[tuple[int, bool]]) -> None:
    blocks = [
        Block(text(count, f"w{number}"), number, continues=continues and number > 0)
        for number, (count, continues) in enumerate(shape)
    ]
    found = bodies(*blocks)
    assert " ".join(found).split() == " ".join(block.text for block in blocks).split()
    assert all(words_in(body) <= 2 * MOST_WORDS for body in found)
    assert all(words_in(body) >= min(LEAST_WORDS, *(count for count, _ in shape)) for body in found[:1])
