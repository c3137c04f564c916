"""An encoder that tells what it was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot.encoder import Encoder
from chatbot.types import Vector


class Counting:
    """A real encoder; it remembers what it was asked for."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.asked: list[str] = []

    @property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    @property
    def dimension(self) -> int:
        return self.encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vector:
        self.asked += texts
        return self.encoder.encode(texts)
