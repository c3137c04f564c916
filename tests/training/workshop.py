"""A shop of a few examples that is trained for real, with the small encoder."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.bot import Bot, LiveBot
from chatbot.importers.records import Question
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.types import Example
from training.plan import Effort
from training.progress import Lines
from training.retrain import collect, retrain
from training.runs import Trained, Wishes
from training.tried import is_tried

REFUND = ("refund please", "money back", "give me a refund", "I want my money", "refund my order", "pay me back")
PARCEL = ("where is my parcel", "parcel late", "track parcel", "parcel lost", "has my parcel left", "parcel status")
SHOP = [Example(text, intent) for intent, texts in (("refund", REFUND), ("parcel", PARCEL)) for text in texts]


@dataclass(frozen=True, slots=True)
class Workshop:
    """A shop that can be trained."""

    settings: Settings
    store: Store
    registry: Registry

    def retrain(self, **wishes: Any) -> Trained:
        return retrain(self.settings, store=self.store, registry=self.registry, steps=Lines(), wishes=Wishes(**wishes))

    def is_tried(self, effort: Effort = Effort.QUICK, must_pass: Sequence[Question] = ()) -> bool:
        return is_tried(self.settings, collect(self.store), self.registry, effort, must_pass)

    def bot(self) -> Bot:
        return LiveBot(self.registry, self.store.knowledge, threads=1).current()


TOPICS = {
    "refund": ("money back", "refund", "reimbursement"),
    "parcel": ("parcel", "delivery", "package"),
    "hours": ("opening hours", "closing time", "sunday"),
    "sizes": ("size chart", "wrong size", "too small"),
}


def lesson(numbers: range) -> list[Example]:
    """For each number a question of each of four intents: told by its first words, unlike all others by the rest."""
    made = []
    for number in numbers:
        chance = random.Random(number)
        for intent, words in TOPICS.items():
            others = " ".join("".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(4))
            made.append(Example(f"{words[number % 3]} {others}", intent))
    return made


OpenWorkshop = Callable[[Iterable[Example]], Workshop]


@dataclass(frozen=True, slots=True)
class Grown:
    """A workshop of 160 examples, a quarter of them held out, after its first training run."""

    shop: Workshop
    first: Trained
