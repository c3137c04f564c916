"""Answers of other systems become template bodies: `{lower_snake_case}` variables, literal braces doubled."""

from __future__ import annotations

import re
import string
import unicodedata

from chatbot.importers.records import BadRow

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PLACEHOLDER = re.compile(
    r"\{\{(?P<double>[^{}\n]{1,80})\}\}|\{ {0,9}(?P<single>[^\W\d_][\w /-]{0,63})\}|(?P<brace>[{}])"
)
_PLACEHOLDER_WORDS = re.compile(r"[\w /.&'’#()-]*\w[\w /.&'’#()-]*")
_NOT_NAME = re.compile(r"[^a-z0-9]+")


def body_from(text: str) -> str:
    """`{{Order Number}}` and `{orderNumber}` become `{order_number}`; braces that name nothing become literal ones.

    Raises BadRow where a placeholder has no letters that a variable may be named with.
    """
    return _PLACEHOLDER.sub(_translate, text)


def literal(text: str) -> str:
    """A body that says exactly `text`."""
    return text.replace("{", "{{").replace("}", "}}")


def check_body(body: str) -> None:
    """Raise BadRow unless every brace is a `{variable}` or doubled."""
    try:
        parts = list(string.Formatter().parse(body))
    except ValueError:
        raise BadRow("body has a single { or } that belongs to no variable; double it: {{ or }}") from None
    for _text, field, specification, conversion in parts:
        if field is not None and (specification or conversion or not _NAME.fullmatch(field)):
            raise BadRow(
                f'body has a variable "{field:.40}" that is not lower_snake_case; '
                "write it as {order_number}, or double the braces"
            )


def variables(body: str) -> list[str]:
    """The variables of a body that `check_body` accepts, in their order."""
    return [field for _text, field, _specification, _conversion in string.Formatter().parse(body) if field]


def _translate(match: re.Match[str]) -> str:
    if match["brace"]:
        return match["brace"] * 2
    if match["double"] is not None and not _PLACEHOLDER_WORDS.fullmatch(match["double"]):
        return literal(match[0])
    return "{" + _variable(match["double"] or match["single"]) + "}"


def _variable(label: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", label)
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().casefold()
    name = _NOT_NAME.sub("_", plain).strip("_")
    if name.replace("_", "").isdigit():  # a value of one customer that was left in the placeholder
        return "number"
    if not name or not any(character.isascii() and character.isalpha() for character in name):
        raise BadRow(f'placeholder "{label:.40}" cannot name a variable; use letters a to z, such as {{order_number}}')
    return (name if name[0].isalpha() else f"n_{name}")[:64].rstrip("_")
