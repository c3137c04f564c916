"""Our bot as a contender: trained by `retrain`, asked through `answer`."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.draws import Labelled
from benchmarks.peers.worker import serve
from benchmarks.trained import Shop, first_message, trained_shop, without_cascade
from chatbot.bot import Bot
from chatbot.respond import answer
from chatbot.types import Answer, Redacted

UNREAD = ""


class Ours:
    """`cascade` False asks the encoder for every message, also where training found a faster student good enough."""

    def __init__(self, *, cascade: bool, home: Path | None = None) -> None:
        self._cascade = cascade
        self._home = home
        self._open = contextlib.ExitStack()
        self._shop: Shop | None = None
        self._bot: Bot | None = None

    def train(self, texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
        self.close()
        rows = [Labelled(*row) for row in zip(texts, intents, strict=True)]
        self._shop = self._open.enter_context(trained_shop(rows, home=self._home))
        self._bot = self._shop.bot if self._cascade else without_cascade(self._shop.bot)
        return {"promise": self._shop.trained.policy.promise}

    def close(self) -> None:
        self._open.close()

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [self.predict_one(self.prepare(text)) for text in texts]

    def prepare(self, text: str) -> Redacted:
        return self._known()[0].house.redactor.redact(text)

    def predict_one(self, prepared: Redacted) -> str:
        return understood(answer(prepared, self._known()[1], first_message()))

    def _known(self) -> tuple[Shop, Bot]:
        if self._shop is None or self._bot is None:
            raise ValueError("train first")
        return self._shop, self._bot


def understood(given: Answer) -> str:
    """The intent that the reading holds most likely, whatever the decision: peers have no choice but to say one."""
    return given.reading.ranked(1)[0][0] if given.reading else given.decision.intent or UNREAD


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without-cascade", action="store_true")
    arguments = parser.parse_args()
    ours = Ours(cascade=not arguments.without_cascade)
    with contextlib.closing(ours):
        serve(ours)


if __name__ == "__main__":
    main()
