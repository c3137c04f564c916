"""What agents type on one line is refused for what nobody can see in it, and the refusal says where."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from chatbot.web.visible import Visible

LINE = TypeAdapter(Annotated[str, Visible])


def test_what_can_be_seen_stays_as_it_is() -> None:
    assert LINE.validate_python("Gift cards 🎁 ❤️") == "Gift cards 🎁 ❤️"


@pytest.mark.parametrize(("text", "character"), [("Gift\0", "U+0000"), ("\u202eGift", "U+202E"), ("Gift\n", "U+000A")])
def test_the_refusal_names_the_character(text: str, character: str) -> None:
    with pytest.raises(ValidationError) as refused:
        LINE.validate_python(text)
    (error,) = refused.value.errors()
    assert error["msg"].startswith(f"holds a character that cannot be seen ({character}, ")
