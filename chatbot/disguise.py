"""Numbers and addresses that were broken, spaced or spelled on their way, put together again for the patterns.

A `View` is the text as a reader takes it, and knows where in the text its parts stand. What is found in a view counts
only where putting together made the difference: the rest was found in the text itself, or is nothing. As in
`chatbot.patterns`, everything here takes linear time.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chatbot.patterns import Span


class Change(NamedTuple):
    """A stretch of the text, and what a reader takes it for."""

    start: int
    end: int
    taken_for: str


@dataclass(frozen=True, slots=True)
class View:
    text: str
    changes: list[Change]
    """Ascending, with something unchanged between any two."""
    starts: list[int]
    """Where, in the view, each change begins."""

    def span(self, start: int, end: int) -> Span | None:
        """The same span in the text, with the whole of each change that it touches; None where it touches none."""
        inside = bisect_right(self.starts, start) < bisect_left(self.starts, end)
        (begin, _, first), (_, stop, _) = self._of(start), self._of(end - 1)
        return (begin, stop) if inside or first else None

    def _of(self, at: int) -> tuple[int, int, bool]:
        """Start and end, in the text, of what stands in this place of the view; and whether that is a change."""
        number = bisect_right(self.starts, at) - 1
        if number < 0:
            return at, at + 1, False
        change = self.changes[number]
        beyond = at - self.starts[number] - len(change.taken_for)
        if beyond < 0:
            return change.start, change.end, True
        return change.end + beyond, change.end + beyond + 1, False


def _view(text: str, changes: Iterable[Change]) -> View | None:
    """None where there is nothing to put together."""
    pieces: list[str] = []
    made: list[Change] = []
    starts: list[int] = []
    end = length = 0
    for change in changes:
        pieces += [text[end : change.start], change.taken_for]
        length += change.start - end
        starts.append(length)
        made.append(change)
        length += len(change.taken_for)
        end = change.end
    return View("".join([*pieces, text[end:]]), made, starts) if made else None


# --- Lines -----------------------------------------------------------------------------------------------------------

# With what may stand around it where a line was cut, between signs that numbers and addresses are made of.
_CUT = re.compile(r"(?<=[A-Za-z0-9@.:/+()-])[ \t]{0,4}+\r?\n[ \t]{0,4}+(?=[A-Za-z0-9@.:/()-])")


def on_one_line(text: str, between: str) -> View | None:
    """Where a number or an address may go on in the next line it does: at once, or behind a space."""
    return _view(text, (Change(*cut.span(), between) for cut in _CUT.finditer(text)))


# --- Signs by themselves ---------------------------------------------------------------------------------------------

# What separates them may be any of these, and is the same throughout.
_SPACED = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9](?P<gap>[ ./_\u00b7-])[A-Za-z0-9](?![A-Za-z0-9])"
    r"(?:(?P=gap)[A-Za-z0-9.@-](?![A-Za-z0-9])){2,62}+"
)
_WORD = r"(?:(?i:double|triple) )?(?i:oh|zero|one|two|three|four|five|six|seven|eight|nine)(?![A-Za-z])"
_SPOKEN = re.compile(rf"(?<![A-Za-z]){_WORD}(?:[ ,.-]{{1,2}}{_WORD}){{5,40}}+")
_HAN = re.compile("[〇零一幺二三四五六七八九]{6,40}+")
_DIGITS = {"oh": "0"} | {
    word: str(digit)
    for digit, word in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
}
_HAN_DIGITS = str.maketrans("〇零一幺二三四五六七八九", "001123456789")
_NUMBER_WORD = re.compile(r"(?:(double|triple) )?([a-z]{2,5})(?![a-z])")


HAS_GAPS = re.compile(r"[A-Za-z0-9][ ./_\u00b7-][A-Za-z0-9](?:[ ./_\u00b7-][A-Za-z0-9.@-]){2}(?![A-Za-z0-9])")
HAS_WORDS = re.compile(
    r"[〇零一幺二三四五六七八九]{6}|(?i:oh|zero|one|two|three|four|five|six|seven|eight|nine)[ ,.-]{1,2}[a-zA-Z]"
)
"""Whether it is worth to look: cheap searches."""


def without_gaps(text: str) -> View | None:
    """4 1 1 1 is 4111."""
    changes = (Change(*run.span(), run[0][::2]) for run in _SPACED.finditer(text))
    return _view(text, changes)


def in_digits(text: str) -> View | None:
    """Oh seven double seven is 0777, and so is what Chinese writes in words."""
    spoken = [Change(*run.span(), _spoken(run[0])) for run in _SPOKEN.finditer(text)]
    written = [Change(*run.span(), run[0].translate(_HAN_DIGITS)) for run in _HAN.finditer(text)]
    return _view(text, _apart(sorted([*spoken, *written])))


def _spoken(words: str) -> str:
    times = {"": 1, "double": 2, "triple": 3}
    return "".join(_DIGITS[word] * times[more] for more, word in _NUMBER_WORD.findall(words.lower()))


def _apart(changes: Iterable[Change]) -> Iterator[Change]:
    end = -1
    for change in changes:
        if change.start > end:
            yield change
            end = change.end
