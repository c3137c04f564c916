from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from chatbot.web import wording
from chatbot.web.wording import REASONS, language_tag, preferred_language, word, words

STATIC = Path(wording.__file__).parent / "static"
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.js")))
PYTHON = "\n".join(path.read_text(encoding="utf-8") for path in sorted(STATIC.parent.glob("*.py")))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    english, chinese = words("en"), words("zh")
    assert list(english) == list(chinese)
    assert all(english.values())
    assert all(chinese.values())
    assert {name: placeholders(text) for name, text in english.items()} == {
        name: placeholders(text) for name, text in chinese.items()
    }


def test_chinese_is_chinese_and_english_is_english() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    assert [name for name, text in words("zh").items() if not han.search(text)] == []
    assert [name for name, text in words("en").items() if han.search(text)] == []


def test_every_reason_has_its_words_in_both_languages() -> None:
    for reasons in REASONS.values():
        for reason in reasons:
            assert word(f"reason.{reason}", "en") != word(f"reason.{reason}", "zh")
        assert len(set(reasons)) == len(reasons)


def test_every_text_that_the_script_asks_for_is_there_and_none_is_left_over() -> None:
    dotted = set(re.findall(r"words\.(\w+)", SOURCES))
    quoted = set(re.findall(r'words\["([\w.]+)"\]', SOURCES))
    failures = {f"error.{name}" for name in re.findall(r'failure\("(\w+)"', SOURCES)}
    refusals = {f"error.{name}" for name in re.findall(r'Refused\(\s*"(\w+)"', PYTHON)}
    server = set(re.findall(r'\bword\("([\w.]+)"', PYTHON))
    built = {f"{verdict}.saved" for verdict in REASONS} | {f"why.{verdict}" for verdict in REASONS} | set(REASONS)
    built |= {f"reason.{reason}" for reasons in REASONS.values() for reason in reasons}
    built |= {"error.offline", "error.unexpected"}  # chosen by status in wire.js
    assert dotted | quoted | failures | refusals | server | built == set(words("en"))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de-DE,de;q=0.9,zh;q=0.5,en;q=0.4", "zh"),
        ("zh;q=0.1,en;q=0.9", "en"),
        ("zh-Hant-TW", "zh"),
        ("zh;q=0", "en"),
        ("fr", "en"),
        ("*", "en"),
        (";;;,,,q=", "en"),
        ("ZH-cn", "zh"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_language_is_the_browsers_favourite_of_ours(header: str, expected: str) -> None:
    assert preferred_language(header, "en") == expected


def test_a_browser_that_speaks_neither_gets_the_language_of_the_shop() -> None:
    assert preferred_language("fr", "zh") == "zh"
    assert preferred_language("fr", "de") == "en"


def test_values_are_filled_in() -> None:
    assert "7" in word("error.too_fast", "en", seconds=7)
    assert "7" in word("error.too_fast", "zh", seconds=7)


def test_language_tags() -> None:
    assert language_tag("en") == "en"
    assert language_tag("zh") == "zh-Hans"
    assert language_tag("de") == "en"


def test_the_words_are_the_callers_own() -> None:
    words("en")["send"] = "changed"
    assert words("en")["send"] == "Send"
