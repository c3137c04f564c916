"""What libraries print to standard error while the server runs: told in the log, by its form and not by its words.

Gradio prints the traceback of every failure of its own, and an exception's words may quote a customer.
"""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from chatbot import logs

_PLACE = re.compile(r'\s*File "(?:[^"]*/)?([^"/]+)", line (\d+), in ([\w<>]+)')
_ENDS = re.compile(r"([A-Za-z_][\w.]*)(?::|$)")
_LONGEST = 4096

_log = logging.getLogger(__name__)


class Overheard(io.TextIOBase):
    """Stands in for a stream; of a traceback it logs the type and the places, of any other line that there was one."""

    def __init__(self) -> None:
        self._rest = ""
        self._places: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, rest = (self._rest + text).split("\n")
        self._rest = rest[-_LONGEST:]
        for line in lines:
            self._hear(line)
        return len(text)

    def _hear(self, line: str) -> None:
        place = _PLACE.match(line)
        if place:
            self._places = [*self._places, f"{place[1]}:{place[2]} {place[3]}"][-logs.MOST_PLACES :]
        elif self._places and line[:1].isspace():
            return  # the source line, or the marks below it
        elif self._places:
            ends = _ENDS.match(line)
            error = {"type": ends[1].rpartition(".")[2] if ends else "?", "at": self._places}
            self._places = []
            logs.note_fields(_log, logging.ERROR, "a library printed a traceback", {"error": error})
        elif line.strip() and not line.startswith("Traceback "):
            logs.note(_log, logging.WARNING, "a library printed a line", characters=len(line))


@contextmanager
def overheard() -> Iterator[None]:
    """The log itself goes to where standard error went."""
    before = sys.stderr
    with logs.written_to(before):
        sys.stderr = Overheard()
        try:
            yield
        finally:
            sys.stderr = before
