"""One message as the page gets it: text in parts, so that the page never has to read markup out of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from chatbot.types import StoredMessage

_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}"
_ADDRESS = re.compile(
    rf"(?<![\w@./:-])(?:https://)?(?P<host>{_HOST})(?P<path>/[\w/~.%+-]*+(?:\?[\w/~.%+=&-]*+)?+(?:#[\w-]*+)?+)?+"
    r"(?![\w@]|[:.]\w)",
    re.ASCII | re.IGNORECASE,
)
"""Whole or not at all: "shop.example/track: enter it" is a link to that page, and a port makes it none."""
_SAYS_SO = re.compile(r"https://|www\.", re.IGNORECASE)
_END_MARKS = ".,;:!?"


def hosts_in(facts: Iterable[str], bodies: Iterable[str]) -> frozenset[str]:
    """The host names of the web addresses in the shop's own texts; that of an e-mail address does not count.

    In the bodies of templates only what says it is an address: a forgotten space makes "left.Please" look like one.
    """
    known = {match["host"].lower() for fact in facts for match in _ADDRESS.finditer(fact)}
    found = (match for body in bodies for match in _ADDRESS.finditer(body))
    return frozenset(known | {one["host"].lower() for one in found if _SAYS_SO.match(one[0])})


def parts_of(text: str, hosts: frozenset[str]) -> list[dict[str, str]]:
    """`text` cut into {"text"} and {"text", "href"}; only https addresses of the shop's own `hosts` become links."""
    return [part for part in _parts(text, hosts) if part["text"]]


def _parts(text: str, hosts: frozenset[str]) -> Iterator[dict[str, str]]:
    end = 0
    for match in _ADDRESS.finditer(text):
        if match["host"].lower() not in hosts:
            continue
        shown = match[0].rstrip(_END_MARKS)
        yield {"text": text[end : match.start()]}
        yield {"text": shown, "href": shown if shown.lower().startswith("https://") else f"https://{shown}"}
        end = match.start() + len(shown)
    yield {"text": text[end:]}


def line_of(message: StoredMessage, hosts: frozenset[str]) -> dict[str, Any]:
    """What the page may know of a message: no probability, no version, nothing of how the bot came to it."""
    bot = message.role == "bot"
    return {
        "id": message.id,
        "role": message.role,
        "parts": parts_of(message.text, hosts) if bot else [{"text": message.text}],
        "at": message.created_at.isoformat(),
        "choices": [{"intent": choice.intent, "title": choice.title} for choice in message.choices],
        "verdict": message.verdict,
        "reason": message.reason,
        "comment": message.comment,
    }
