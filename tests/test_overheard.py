"""What libraries print is told without its words."""

from __future__ import annotations

import logging
import sys
import traceback

import pytest

from chatbot.overheard import overheard


def fields(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.__dict__["fields"] for record in caplog.records]


def test_a_printed_traceback(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(words: str) -> None:
        raise ValueError(words)

    with caplog.at_level(logging.WARNING), overheard():
        try:
            fails("card 4111")
        except ValueError:
            traceback.print_exc()
    assert caplog.messages == ["a library printed a traceback"]
    (told,) = fields(caplog)
    assert told["error"]["type"] == "ValueError"  # type: ignore[index] # as it was written
    assert [place.split(" ")[1] for place in told["error"]["at"]] == [  # type: ignore[index]
        "test_a_printed_traceback",
        "fails",
    ]
    assert "4111" not in str(told) + caplog.text + capsys.readouterr().err


def test_any_other_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), overheard():
        print("half a", end="", file=sys.stderr)  # noqa: T201
        print(" line\n", file=sys.stderr)  # noqa: T201
    assert caplog.messages == ["a library printed a line"]
    assert fields(caplog) == [{"characters": 11}]


def test_afterwards_all_is_as_before() -> None:
    before, words = sys.stderr, {"a": "b"}
    with pytest.raises(KeyError), overheard():
        words.pop("c")
    assert sys.stderr is before
