"""Every regular expression of the product meets every repetition that has ever stopped one."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time
from dataclasses import dataclass

import pytest

import chatbot
import training

from .profile import TIMES

UNITS = (
    *(
        "a",
        "A",
        "1",
        "é",
        "的",
        " ",
        "\t",
        "\n",
        "\n ",
        "-",
        ".",
        ",",
        ";",
        ":",
        "=",
        "+",
        "@",
        "/",
        "\\",
        "'",
        '"',
        "`",
        "*",
    ),
    *(
        "_",
        "#",
        "|",
        "~",
        "<",
        ">",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "!",
        "?",
        "。",
        "！",
        "％",
        "1 ",
        "a ",
        "a.",
        "a-",
        "a/",
    ),
    *("a'", "1.", "1-", "a@", "a@a.", "a b ", "A. ", ". A", "- ", "# ", "| -", "<a ", "</", "<!--", "-->", "<!---->"),
    *(
        "![",
        "](",
        "[a](",
        "**a ",
        "__a ",
        "{{",
        "}}",
        "{#a",
        "`a",
        "&#1",
        "ab12",
        "and ",
        "hi ",
        "you for your ",
        "thanks ",
    ),
    *(
        "ok ",
        "please ",
        "你好",
        "谢谢",
        "password ",
        "pin ",
        "call me ",
        "phone 1",
        "a dot ",
        " at ",
        "0171 ",
        "+1 ",
        "JP-1",
    ),
    *(
        "<script>",
        "</script ",
        "--- ",
        "url: ",
        "version : ",
        "display: ",
        "order no ",
        "page 1 of ",
        "\ue000",
        "\ue0001",
    ),
)
LENGTH = 50_000 if TIMES > 1 else 8_000
MOST_SECONDS = 0.2 if TIMES > 1 else 0.1
"""So many characters take a linear pattern a tenth of it at most, and a quadratic one some ten times as long."""

BOUNDED = {
    "chatbot.questions": 2_000,
    "chatbot.spelling": 24,
    "chatbot.importers.body._PLACEHOLDER_WORDS": 80,
    "chatbot.importers.small_talk": 160,
    "chatbot.importers.table": 200,
    "chatbot.web.wording": 500,
    "chatbot.web.page": 1_000,  # of the page that Gradio writes
    "chatbot.redact._ESCAPE_OR_SET": 1_000,
}
"""Characters that these are ever given, which their callers see to."""

HEAVY = ("chatbot.web.chat", "chatbot.store.migrations", "training.tune")
METHODS = ("match", "fullmatch", "search", "finditer", "findall", "sub", "split")


@dataclass(frozen=True, slots=True)
class Used:
    """A pattern, and what is asked of it where it stands: one that is only matched is never sought at every place."""

    name: str
    pattern: re.Pattern[str]
    methods: tuple[str, ...]


def patterns() -> list[Used]:
    found: dict[int, Used] = {}
    for package in (chatbot, training):
        for listed in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if listed.name.startswith(HEAVY) or listed.name.endswith("__main__"):
                continue
            module = importlib.import_module(listed.name)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str) and id(value) not in found:
                    found[id(value)] = Used(f"{listed.name}.{name}", value, methods_of(name, inspect.getsource(module)))
    return sorted(found.values(), key=lambda each: each.name)


def methods_of(name: str, source: str) -> tuple[str, ...]:
    asked = {method for method in METHODS if re.search(rf"\b{name}\.{method}\b", source)}
    return tuple(method for method in METHODS if method in asked) or ("match", "search")


PATTERNS = patterns()


def test_they_are_found() -> None:
    methods = {used.name: used.methods for used in PATTERNS}
    assert methods["chatbot.patterns._EMAIL"] == ("finditer",)
    assert methods["chatbot.importers.documents.markdown._IMAGE"] == ("sub",)
    assert methods["chatbot.importers.documents.markdown._ITEM"] == ("match",)
    assert len(PATTERNS) > 120


@pytest.mark.parametrize("used", PATTERNS, ids=[used.name for used in PATTERNS])
def test_no_repetition_stops_a_pattern(used: Used) -> None:
    length = next((most for name, most in BOUNDED.items() if used.name.startswith(name)), LENGTH)
    own = {unit for unit in re.findall(r"[A-Za-z<>{}\[\]()!*_`#|~=:;.,'\"-]{1,12}", used.pattern.pattern) if unit}
    for unit in dict.fromkeys([*UNITS, *sorted(own)[:30]]):
        assert seconds(used, unit * (length // len(unit)) + "\x01") < MOST_SECONDS, unit


def seconds(used: Used, text: str) -> float:
    """Of the best of three tries."""
    fastest = float("inf")
    for _ in range(3):
        started = time.process_time()
        for method in used.methods:
            if method == "sub":
                used.pattern.sub("", text)
            elif method == "finditer":
                for _ in used.pattern.finditer(text):
                    pass
            else:
                getattr(used.pattern, method)(text)
        fastest = min(fastest, time.process_time() - started)
        if fastest < MOST_SECONDS:
            break
    return fastest
