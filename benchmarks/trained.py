"""A bot of ours from labelled texts, through the doors that operators use: knowledge, `retrain`, `answer`."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.draws import Labelled
from chatbot.bot import Bot
from chatbot.importers.records import Question
from chatbot.respond import Context
from chatbot.settings import Settings
from chatbot.store.knowledge import Changes
from chatbot.types import Example, Redacted, Status, Template
from chatbot.wiring import House, open_house
from training.evaluate import Prediction, predict
from training.plan import Effort
from training.progress import Steps, steps
from training.retrain import retrain
from training.runs import Trained, Wishes
from training.tune import Tuning


@dataclass(frozen=True, slots=True)
class Cost:
    """Time by the clock, and processor time of this process and its children."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Shop:
    """A trained bot with the house that it lives in, and what its training cost."""

    house: House
    trained: Trained
    cost: Cost

    @property
    def bot(self) -> Bot:
        return self.house.bots.current()

    def redact(self, texts: Iterable[str]) -> list[Redacted]:
        return [self.house.redactor.redact(text) for text in texts]

    def predict(self, rows: Sequence[Labelled], progress: Steps | None = None) -> list[Prediction]:
        """Each row through `answer`, as `chatbot evaluate` does it."""
        questions = [Question(row.text, row.intent, None, number) for number, row in enumerate(rows, 1)]
        return predict(self.bot, questions, redactor=self.house.redactor, language="en", steps=progress or steps())


@contextmanager
def trained_shop(
    rows: Iterable[Labelled],
    home: Path | None = None,
    *,
    effort: Effort = Effort.QUICK,
    seed: int = 0,
    **settings: Any,
) -> Iterator[Shop]:
    """Learn `rows` and train; in a folder that is deleted afterwards, unless `home` names one to keep. `seed` is that
    of fine-tuning."""
    with (
        tempfile.TemporaryDirectory() as temporary,
        open_house(Settings(home=home or Path(temporary), **settings)) as house,
    ):
        start = clock()
        learn(house, rows)
        yield _trained(house, start, effort, seed)


def retrained(house: House, effort: Effort = Effort.QUICK) -> Shop:
    """Train once more on what the house knows now; vectors that it has are not computed again."""
    return _trained(house, clock(), effort, 0)


def _trained(house: House, start: Cost, effort: Effort, seed: int) -> Shop:
    wishes = Wishes(effort=effort, tuning=Tuning(threads=house.settings.threads, seed=seed))
    trained = retrain(house.settings, store=house.store, registry=house.registry, steps=steps(), wishes=wishes)
    house.bots.current()
    return Shop(house, trained, since(start))


def learn(house: House, rows: Iterable[Labelled], status: Status = Status.APPROVED) -> None:
    """One approved answer an intent, and the rows as its examples."""
    examples = tuple(Example(house.redactor.redact(row.text).text, row.intent, status=status) for row in rows)
    templates = tuple(
        Template(intent, intent, f"The answer about {intent.replace('_', ' ')}.", status=status)
        for intent in sorted({example.intent for example in examples})
    )
    house.store.knowledge.apply(Changes(templates=templates, examples=examples))


def without_cascade(bot: Bot) -> Bot:
    """The same bot, but the encoder reads every message."""
    return replace(bot, cascade=None)


def first_message() -> Context:
    """What `answer` is told of a customer's first message."""
    return Context(language="en", day=date.today())


def clock() -> Cost:
    spent = os.times()
    cpu = spent.user + spent.system + spent.children_user + spent.children_system
    return Cost(time.monotonic(), cpu)


def since(start: Cost) -> Cost:
    now = clock()
    return Cost(now.seconds - start.seconds, now.cpu_seconds - start.cpu_seconds)
