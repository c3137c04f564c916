"""Invented personal data, with valid checksums where the kind has them and from ranges kept for examples where there
are such ranges. Every function takes the one source of chance, so that the same seed gives the same value."""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random

from chatbot.numbers import passes_luhn

Value = Callable[[Random], str]

_SYLLABLES = ("bre", "dol", "fen", "gri", "hus", "kav", "lum", "mor", "nel", "pax", "quo", "rit", "sov", "tam", "vex")
_PINYIN = ("zhao", "qian", "sun", "zhou", "wu", "zheng", "feng", "chen", "xiao", "ming", "hua", "guo", "jun", "lei")
_DOMAINS = ("example.com", "example.org", "mail.example.net", "example.co.uk", "shop.example", "gmail.com", "qq.com")
_HAN_DOMAINS = ("example.cn", "example.com.cn", "qq.com", "163.com", "126.com", "foxmail.com")
_WIDTHS_OF_BANKS = {"DE": "n18", "NL": "a4n10", "GB": "a4n14", "ES": "n20", "AT": "n16", "PL": "n24", "FR": "n10a1n12"}
_REGIONS = ("110105", "310101", "440308", "510107", "330106", "420106", "610113", "350203")
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def digits(chance: Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def email(chance: Random) -> str:
    first, last = chance.choices(_SYLLABLES, k=2), chance.choices(_SYLLABLES, k=2)
    mark = chance.choice((".", "_", "-", ""))
    return f"{''.join(first)}{mark}{''.join(last)}{chance.choice(('', digits(chance, 2)))}@{chance.choice(_DOMAINS)}"


def han_email(chance: Random) -> str:
    return f"{''.join(chance.choices(_PINYIN, k=3))}{digits(chance, 3)}@{chance.choice(_HAN_DOMAINS)}"


def phone(chance: Random) -> str:
    """Of countries other than China, as people there group them."""
    return chance.choice(
        (
            lambda: f"+44 20 7946 0{digits(chance, 3)}",
            lambda: f"07700 900{digits(chance, 3)}",
            lambda: f"({chance.choice((212, 415, 604))}) 555-01{digits(chance, 2)}",
            lambda: f"+1 {chance.choice((212, 415, 604))}-555-01{digits(chance, 2)}",
            lambda: f"030 2312 5{digits(chance, 3)}",
            lambda: f"+49 171 392{digits(chance, 4)}",
            lambda: f"+33 1 99 00 {digits(chance, 2)} {digits(chance, 2)}",
            lambda: f"0491 570 {digits(chance, 3)}",
        )
    )()


def han_phone(chance: Random) -> str:
    """Lines of Chinese cities, and of Hong Kong and Singapore."""
    return chance.choice(
        (
            lambda: f"010-8{digits(chance, 7)}",
            lambda: f"0755-2{digits(chance, 7)}",
            lambda: f"021 6{digits(chance, 7)}",
            lambda: f"+852 9{digits(chance, 3)} {digits(chance, 4)}",
            lambda: f"+65 6{digits(chance, 3)} {digits(chance, 4)}",
            lambda: f"400-8{digits(chance, 2)}-{digits(chance, 4)}",
        )
    )()


def mobile(chance: Random) -> str:
    return f"1{chance.choice('3456789')}{digits(chance, 9)}"


def card(chance: Random) -> str:
    start, length = chance.choice((("411111", 16), ("555555", 16), ("622202", 16), ("622848", 19), ("378282", 15)))
    body = start + digits(chance, length - len(start) - 1)
    return next(body + last for last in string.digits if passes_luhn(body + last))


def iban(chance: Random) -> str:
    country = chance.choice(tuple(_WIDTHS_OF_BANKS))
    account, rest = "", _WIDTHS_OF_BANKS[country]
    while rest:
        count = rest[1:].replace("n", "a").partition("a")[0]
        letters = string.ascii_uppercase if rest[0] == "a" else string.digits
        account += "".join(chance.choices(letters, k=int(count)))
        rest = rest[1 + len(count) :]
    number = int("".join(str(int(sign, 36)) for sign in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02}{account}"


def resident(chance: Random) -> str:
    """A Chinese identity number; ISO 7064 MOD 11-2."""
    born = f"{chance.randint(1950, 2007)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    body = chance.choice(_REGIONS) + born + digits(chance, 3)
    total = sum(weight * int(digit) for weight, digit in zip(_RESIDENT_WEIGHTS, body, strict=True))
    return body + "10X98765432"[total % 11]


def national(chance: Random) -> str:
    """United States and United Kingdom."""
    if chance.random() < 0.5:
        return f"{chance.randint(101, 665)}-{chance.randint(11, 99)}-{chance.randint(1000, 9999)}"
    return f"{chance.choice('ABCEGHJ')}{chance.choice('CEHJKLM')}{digits(chance, 6)}{chance.choice('ABCD')}"


def order(chance: Random) -> str:
    return f"JP-{digits(chance, 6)}"


def secret(chance: Random) -> str:
    words = "".join(chance.choices(_SYLLABLES, k=2))
    mark = chance.choice(("!", "#", "_", "$", ""))
    return f"{words.capitalize()}{mark}{digits(chance, 3)}"


def link(chance: Random) -> str:
    token = "".join(chance.choices(string.hexdigits.lower(), k=20))
    path = chance.choice(("reset?token=", "verify?mail=1&key=", "login#access_token=", "pay?sid="))
    return f"https://shop.example/{path}{token}"


def address(chance: Random) -> str:
    """Of a machine in a network: the blocks that are kept for documentation."""
    if chance.random() < 0.6:
        return f"{chance.choice(('203.0.113', '198.51.100', '192.0.2'))}.{chance.randint(1, 254)}"
    return "2001:db8:" + ":".join(f"{chance.randint(1, 0xFFFF):x}" for _ in range(6))


def online(chance: Random) -> str:
    return (link if chance.random() < 0.5 else address)(chance)


VALUES: dict[str, tuple[Value, Value]] = {
    "email": (email, han_email),
    "phone": (phone, han_phone),
    "mobile": (mobile, mobile),
    "card": (card, card),
    "iban": (iban, iban),
    "resident": (resident, resident),
    "national": (national, national),
    "order": (order, order),
    "secret": (secret, secret),
    "online": (online, online),
}
"""The ten kinds; each with what makes one for an English and for a Chinese sentence."""
