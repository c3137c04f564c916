"""Shared by the importer tests: files written on the spot, read with a real redactor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.importers import Parsed, parse
from chatbot.redact import Redactor

ORDER = r"JP-\d{6}"
Import = Callable[..., Parsed]
Refusal = Callable[..., str]


@pytest.fixture
def load(tmp_path: Path) -> Import:
    """Write `content` to a file called `name` and parse it."""

    def run(name: str, content: str | bytes, **options: object) -> Parsed:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return parse([path], redactor=Redactor(ORDER), language="en", **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def refusal(load: Import, tmp_path: Path) -> Refusal:
    """The message of the refusal, with the folder cut off."""
    from chatbot.errors import ImportRefused

    def run(name: str, content: str | bytes, **options: object) -> str:
        with pytest.raises(ImportRefused) as refused:
            load(name, content, **options)
        return str(refused.value).replace(f"{tmp_path}/", "")

    return run
