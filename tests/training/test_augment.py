from __future__ import annotations

import random

import pytest

from training.augment import REWRITES, SYNONYMS, back_translation, other_word, typing_slip, without_a_word

QUESTION = "How can I cancel my order please"


def many(name: str, text: str) -> set[str]:
    return {REWRITES[name](text, random.Random(seed)) for seed in range(200)}


@pytest.mark.parametrize("name", REWRITES)
def test_the_same_chance_gives_the_same_text_and_masks_stay_whole(name: str) -> None:
    text = "Please send the refund for [ORDER] to [EMAIL] now"
    for seed in range(50):
        changed = REWRITES[name](text, random.Random(seed))
        assert changed == REWRITES[name](text, random.Random(seed))
        assert "[ORDER]" in changed
        assert "[EMAIL]" in changed


@pytest.mark.parametrize("name", REWRITES)
def test_every_rewrite_finds_something_to_change(name: str) -> None:
    assert many(name, QUESTION) - {QUESTION}


def test_one_word_is_left_out_and_short_texts_are_left_alone() -> None:
    assert many("words", "How do I pay") == {"do I pay", "How I pay", "How do pay", "How do I"}
    assert without_a_word("cancel my order", random.Random(0)) == "cancel my order"


def test_one_word_is_replaced_in_its_case() -> None:
    assert many("synonyms", "Cancel it") == {"Call off it", "Stop it"}
    assert other_word("asdf", random.Random(0)) == "asdf"


def test_synonyms_are_small_letters_and_never_alone() -> None:
    assert all(len(set(row)) == len(row) > 1 for row in SYNONYMS)
    assert all(word == word.lower().strip() for row in SYNONYMS for word in row)


def test_slips_and_text_messages() -> None:
    slips = {typing_slip("Where is my parcel?", random.Random(seed)) for seed in range(100)}
    assert "wheres me parcel" in slips or "wheres my parcel" in slips
    assert len(slips) > 20


def test_a_translator_makes_a_paraphrase_that_keeps_masks() -> None:
    def there(texts: list[str]) -> list[str]:
        return [text.replace("cancel", "annuler").replace("[ORDER]", "COMMANDE") for text in texts]

    def back(texts: list[str]) -> list[str]:
        return [text.replace("annuler", "call off") if "nothing" not in text else " " for text in texts]

    paraphrase = back_translation(there, back)  # type: ignore[arg-type]  # lists are sequences enough here
    texts = ["cancel it", "cancel [ORDER]", "nothing comes back"]
    assert paraphrase(texts) == ["call off it", "cancel [ORDER]", "nothing comes back"]


def test_a_translator_that_loses_texts_is_caught() -> None:
    with pytest.raises(ValueError, match="2 texts went into the translator and 1 came back"):
        back_translation(lambda texts: texts[:1], lambda texts: texts)(["one", "two"])
