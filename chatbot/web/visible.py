"""What agents type becomes a label, a title or a name that others read: all of it has to be seen."""

from __future__ import annotations

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from chatbot.redact import unseen_in


def _visible(text: str) -> str:
    if found := unseen_in(text):
        raise PydanticCustomError("unseen", "{found}", {"found": found})
    return text


Visible = AfterValidator(_visible)
"""For a text on one line. Its refusal says which character, and where."""
