"""Each of these was found here and failed, or went on for minutes; see the list in docs/reliability.md."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chatbot.errors import ImportRefused, SettingsError
from chatbot.importers import parse
from chatbot.importers.documents.html import read_html
from chatbot.importers.documents.markdown import read_markdown
from chatbot.redact import Redactor
from chatbot.settings import load_settings
from chatbot.text import normalise
from chatbot.web.api import is_json

from .profile import PATIENCE


def test_a_reference_to_the_readers_own_mark() -> None:
    (block,) = read_markdown("five: &#xe000;5&#xe001; and `code`").blocks
    assert block.text == "five: 5 and code"


def test_a_reference_of_thousands_of_digits() -> None:
    text = f"too large: &#{'9' * 5000}; end"
    assert read_markdown(text).blocks[0].text == "too large: \ufffd end"
    assert read_html(f"<p>{text}</p>").blocks[0].text == "too large: \ufffd end"


@pytest.mark.parametrize("odd", ["<![foo[x]]>", "<![", "<!x", "<?", "<!-- x"])
def test_what_is_no_element_ends_no_import(odd: str) -> None:
    assert "before" in read_html(f"<p>before {odd} after</p>").blocks[0].text


def test_a_character_that_yaml_cannot_make(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text('nlu:\n- intent: "\\UFFFFFFFF"\n', encoding="utf-8")
    with pytest.raises(ImportRefused, match="not usable YAML"):
        parse([path], redactor=Redactor(), language="en")


def test_forty_comments_before_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("<!---->" * 40 + " words that are there to be read", encoding="utf-8")
    started = time.process_time()
    parse([path], redactor=Redactor(), language="en")
    assert time.process_time() - started < PATIENCE


def test_a_thousand_accents() -> None:
    started = time.process_time()
    normalise("a" + "\u0300\u0316" * 50_000)
    assert time.process_time() - started < PATIENCE
    assert normalise("Ca\u0301fe\u0301 " * 60) == normalise("C\u00e1f\u00e9 " * 60)


@pytest.mark.parametrize("pattern", ["a{99999999999}", "(" * 2_000 + ")" * 2_000, "(?x)JP", "x" * 2_000])
def test_patterns_that_do_not_compile(pattern: str) -> None:
    with pytest.raises(ValueError, match="order_number"):
        Redactor(pattern)


@pytest.mark.parametrize("line", ["port = " + "9" * 5_000, "port = 0x" + "f" * 5_000, "a = " + "[" * 10_000])
def test_settings_that_python_cannot_write_out(line: str, tmp_path: Path) -> None:
    path = tmp_path / "chatbot.toml"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(SettingsError):
        load_settings({"CHATBOT_CONFIG": str(path)})


def test_media_types_that_the_standard_library_fails_on() -> None:
    started = time.process_time()
    assert not is_json("application/json; charset*" + "1" * 5_000 + "=x")
    assert not is_json("application/json; charset*=a; charset*0=b")
    assert is_json("application/json; a=" + '";' * 30_000)
    assert time.process_time() - started < PATIENCE
