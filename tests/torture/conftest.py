"""A place to try faults in: homes are copies of the tiny shop that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.torture.place import Place


@pytest.fixture
def place(tiny_shop: Path, tmp_path: Path) -> Place:
    return Place(tmp_path / "place", tiny_shop)
