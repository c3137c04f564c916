"""The hard forms: what people, telephones and copied pages make of a number or an address on its way into a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Form = Callable[[str, Random], str]

_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_HAN_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
_OTHER_HAN_DIGITS = str.maketrans("0123456789", "〇幺二三四五六七八九")
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def grouped(value: str, separator: str, sizes: tuple[int, ...]) -> str:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(value[at : at + size])
        at += size
    return separator.join([*pieces, *([value[at:]] if value[at:] else [])])


def wide(value: str, _: Random) -> str:
    return value.translate(_WIDE)


def broken(value: str, chance: Random) -> str:
    """Over two or three lines, broken where there is a separator already, or else somewhere."""
    end = chance.choice(("\n", "\r\n", "\n"))
    gaps = [match.start() for match in re.finditer(r"[ .@-]", value)][:-1] or [len(value) // 2]
    at = chance.choice(gaps)
    if value[at] == " ":
        return value[:at] + end + value[at + 1 :]
    return value[: at + 1] + end + value[at + 1 :]


def broken_in_groups(value: str, chance: Random) -> str:
    return grouped(value, chance.choice(("\n", "\r\n")), _groups(value))


def spaced(value: str, chance: Random) -> str:
    """Each sign by itself."""
    return chance.choice((" ", "-", " ", ".")).join(re.sub(r"[ ()-]", "", value))


def in_groups(value: str, chance: Random) -> str:
    return grouped(value, chance.choice((" ", "-", ".", "\u00a0", "·", "/", "_")), _groups(value))


def in_odd_groups(value: str, chance: Random) -> str:
    """As somebody cuts it who reads it aloud."""
    sizes: list[int] = []
    while sum(sizes) < len(value):
        sizes.append(chance.choice((3, 4, 5)))
    return grouped(value, chance.choice((" ", "-")), tuple(sizes))


def with_hidden_signs(value: str, chance: Random) -> str:
    """Zero-width signs and soft hyphens, as they come with copied text."""
    at = sorted(chance.sample(range(1, len(value)), 2))
    sign = chance.choice(("\u200b", "\u00ad", "\u2060", "\ufeff"))
    return value[: at[0]] + sign + value[at[0] : at[1]] + sign + value[at[1] :]


def as_keycaps(value: str, _: Random) -> str:
    return re.sub(r"\d", lambda digit: f"{digit[0]}\ufe0f\u20e3", value)


def with_long_dashes(value: str, chance: Random) -> str:
    return value.replace("-", chance.choice("\u2010\u2011\u2013\u2014\u2212"))


def in_han(value: str, chance: Random) -> str:
    return value.translate(chance.choice((_HAN_DIGITS, _OTHER_HAN_DIGITS)))


def in_words(value: str, chance: Random) -> str:
    """Oh seven seven double oh."""
    zero = chance.choice(("oh", "zero"))
    said = [zero if digit == "0" else _WORDS[int(digit)] for digit in re.sub(r"\D", "", value)]
    return chance.choice((" ", " ", ", ")).join(said)


def spelled(value: str, chance: Random) -> str:
    """An e-mail address for people and not for machines."""
    at, dot = chance.choice(
        (
            (" at ", " dot "),
            (" AT ", " DOT "),
            ("(at)", "(dot)"),
            (" [at] ", " [dot] "),
            ("{at}", "{dot}"),
            (" (at) ", "."),
            (" @ ", " . "),
            ("@", " dot "),
        )
    )
    local, _, domain = value.partition("@")
    return local + at + domain.replace(".", dot)


def spelled_in_han(value: str, chance: Random) -> str:
    at, dot = chance.choice(
        (("艾特", "点"), (" 艾特 ", " 点 "), ("(at)", "点"), ("@", "。"), ("＠", "点"), ("#艾特#", "."))
    )
    local, _, domain = value.partition("@")
    return local + at + domain.replace(".", dot)


def with_slips(value: str, chance: Random) -> str:
    """A space or a comma that does not belong there."""
    local, _, domain = value.partition("@")
    return chance.choice(
        (
            f"{local} @{domain}",
            f"{local}@ {domain}",
            f"{local}@{domain.replace('.', ' .', 1)}",
            f"{local}@{domain.replace('.', ',', 1)}",
            f"{local}@{domain.replace('.', '. ', 1)}",
        )
    )


def with_country(value: str, chance: Random) -> str:
    parts = grouped(value, chance.choice((" ", "-", "")), (3, 4, 4))
    return chance.choice(("+86 ", "+86", "0086 ", "(+86)", "86-", "+86-", "（+86）", "+ 86 ")) + parts


def lower(value: str, _: Random) -> str:
    return value.lower()


def without_scheme(value: str, _: Random) -> str:
    return value.removeprefix("https://").replace("shop.example", "www.shop.example")


def defanged(value: str, _: Random) -> str:
    """As people write addresses that nobody shall click."""
    return value.replace("https://", "hxxps://").replace("shop.example", "shop[.]example").replace(".0.", "[.]0[.]")


def in_quotes(value: str, chance: Random) -> str:
    before, after = chance.choice((('"', '"'), ("'", "'"), ("“", "”"), ("「", "」"), ("`", "`")))
    return before + value + after


def on_the_next_line(value: str, chance: Random) -> str:
    return chance.choice(("\n", "\r\n", "\n\n")) + value


def _groups(value: str) -> tuple[int, ...]:
    """As the kind is usually printed."""
    if len(value) == 11:
        return (3, 4, 4)
    if len(value) == 18 and value[:17].isdecimal():
        return (6, 8, 4)
    return (4,) * (len(value) // 4)


SAME = (wide, with_hidden_signs)
FORMS: dict[str, tuple[Form, ...]] = {
    "email": (*SAME, broken, spelled, spelled, spelled_in_han, with_slips, with_slips),
    "phone": (*SAME, broken, broken, spaced, with_long_dashes, as_keycaps, in_words),
    "mobile": (
        *SAME,
        broken_in_groups,
        spaced,
        in_groups,
        in_odd_groups,
        with_country,
        with_country,
        in_han,
        as_keycaps,
    ),
    "card": (*SAME, broken_in_groups, spaced, in_groups, in_groups, in_odd_groups),
    "iban": (*SAME, broken_in_groups, spaced, in_groups, in_groups, lower),
    "resident": (*SAME, broken_in_groups, spaced, in_groups, in_odd_groups, lower),
    "national": (*SAME, broken, spaced, in_groups, with_long_dashes, lower),
    "order": (*SAME, broken, spaced, lower, with_long_dashes),
    "secret": (*SAME, on_the_next_line, on_the_next_line, in_quotes),
    "online": (*SAME, broken, without_scheme, defanged),
}
"""Beside these, any value may be glued to the words around it: that is a matter of the sentence."""
