"""The bot's own sentences: all there, in each language."""

from __future__ import annotations

import pytest

from chatbot import phrases
from chatbot.phrases import handoff_phrase, phrase
from chatbot.templates import ASKABLE, variables
from chatbot.text import language_of
from chatbot.types import Reason

LISTING = {
    "about": ("names",),
    "ask.together": ("names",),
    "document": ("title",),
    "document.link": ("link",),
    "quoted": ("text",),
}
"""Sentences with a place for other words."""

PIECES = {"about", "quoted", "and", "comma", *(f"name.{name}" for name in ASKABLE)}
"""What sentences are put together from: too short to show a language."""

NAMES = {
    *PIECES,
    "ask.together",
    "document",
    "document.link",
    "said_already",
    "clarify",
    "clarify.one",
    "not_understood",
    "handoff",
    "handoff.person",
    "person",
    *(f"ask.{name}" for name in ASKABLE),
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_language_has_each_sentence_in_its_own_words(language: str) -> None:
    said = {name: phrase(name, language) for name in NAMES}
    assert set(phrases._PHRASES[language]) == NAMES
    assert len(set(said.values())) == len(NAMES)
    assert {language_of(sentence, "en") for name, sentence in said.items() if name not in PIECES} == {language}
    assert {name: variables(sentence) for name, sentence in said.items() if variables(sentence)} == LISTING


def test_another_language_hears_english() -> None:
    assert phrase("clarify", "de") == phrase("clarify", "en") == "I want to get this right. Did you mean one of these?"


def test_an_unknown_sentence_is_an_error() -> None:
    with pytest.raises(KeyError, match="no such phrase"):
        phrase("no such phrase", "en")


def test_who_asked_for_a_person_is_told_otherwise_than_who_did_not() -> None:
    asked = handoff_phrase(Reason.ASKED_FOR_PERSON, "en")
    assert asked.startswith("Of course. I have noted for our team")
    others = {handoff_phrase(reason, "en") for reason in Reason if reason is not Reason.ASKED_FOR_PERSON}
    (other,) = others
    assert other.startswith("I do not have an approved answer for that, so I would rather not guess.")
    assert handoff_phrase(Reason.UNSURE, "zh").startswith("这个问题我没有经过审核的答案")
