"""When two texts count as the same, and the language that a script shows."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.text import gist, language_of, letters_in_common, normalise, text_key


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Where is my parcel?", "where is my parcel"),
        ("  where\tis\n my  PARCEL !? ", "where is my parcel"),
        ("Ｗｈｅｒｅ　ｉｓ　ｉｔ？", "where is it"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ﬁne…", "fine"),
        ("退款。", "退款"),
        ("退款！", "退款"),
        ("it costs 3.50", "it costs 3.50"),
        ("e.g. this", "e.g. this"),
        ("is it on? tell me!", "is it on? tell me"),
        ("???", ""),
        ("", ""),
    ],
)
def test_the_normal_form(text: str, normal: str) -> None:
    assert normalise(text) == normal


@given(st.text())
def test_a_normal_form_is_its_own(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(), st.sampled_from(["", " ", "\n", "?", "!!", "…", " 。", "？ "]))
def test_end_marks_and_white_space_do_not_tell_texts_apart(text: str, end: str) -> None:
    assert text_key(f" {text}{end}") == text_key(text)


def test_the_key_is_the_digest_of_the_normal_form() -> None:
    assert text_key("Where  is it?") == hashlib.sha256(b"where is it").hexdigest()
    assert text_key("where is it") != text_key("where was it")


def test_half_a_character_has_a_key_too() -> None:
    assert len(text_key("\ud83d")) == 64


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my parcel", "en"),
        ("我的包裹在哪里", "zh"),
        ("JP-123456 在哪里", "zh"),  # 3 of 5 letters
        ("size M 码 please", "en"),  # 1 of 12
        ("ab 退", "zh"),  # exactly a third
        ("abc 退", "en"),
        ("12345 ???", "en"),
        ("", "en"),
        ("wo ist mein Paket", "en"),  # Latin script tells no language
    ],
)
def test_the_language_that_the_script_shows(text: str, language: str) -> None:
    assert language_of(text, "en") == language


@given(st.text(alphabet=st.characters(max_codepoint=0x2FFF)))
def test_without_han_characters_the_default_stands(text: str) -> None:
    assert language_of(text, "de") == "de"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi, where's the parcel please?", "wheres parcel"),
        ("where’s parcel", "wheres parcel"),
        ("a top-up", "top up"),
        ("Please, thanks!", ""),
        ("what is my address", "what is my address"),
        ("what is your address", "what is your address"),
        ("退货，谢谢", "退货 谢谢"),
        ("cancel [order]", "cancel [order]"),
        ("$5 please", "$5"),
        ("C++ course", "c++ course"),
        ("cancel plan a", "cancel plan a"),
        ("thank you", "thank you"),
        ("दिन", "दिन"),
    ],
)
def test_what_is_left_without_small_words(text: str, words: str) -> None:
    assert gist(text) == words


def test_letters_in_common() -> None:
    assert letters_in_common("return", "Return?") == 1.0
    assert letters_in_common("abcd", "cdef") == 0.5
    assert letters_in_common("", "") == 0.0
