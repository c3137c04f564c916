"""What answers: encoder, classifier, knowledge and policy of one model version, as one immutable object.

`load_bot` reads a version folder; `LiveBot` keeps the newest one for a running server.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from chatbot.classifier import Classifier, load_classifier
from chatbot.decide import Policy
from chatbot.encoder import Encoder, OnnxEncoder
from chatbot.knowledge import Knowledge, load_knowledge, refresh
from chatbot.registry import Registry
from chatbot.store.knowledge import KnowledgeStore
from chatbot.types import Reading, Redacted

ENCODER_FOLDER = "encoder"
CLASSIFIER_FOLDER = "classifier"
POLICY_FILE = "policy.json"


@dataclass(frozen=True, slots=True)
class Bot:
    version: str
    encoder: Encoder
    classifier: Classifier
    knowledge: Knowledge
    policy: Policy

    def read(self, query: Redacted) -> Reading:
        """What the model sees in one message, from one pass through the encoder."""
        return self.read_many([query])[0]

    def read_many(self, queries: Sequence[Redacted]) -> list[Reading]:
        """As `read` for each, faster together."""
        texts = [query.text for query in queries]
        vectors = self.encoder.encode(texts)
        neighbours = self.knowledge.neighbours(texts, vectors)
        intents, probabilities, channels = self.classifier.predict(texts, vectors, neighbours)
        return [
            Reading(
                vector=vectors[row],
                intents=intents,
                probabilities=probabilities[row],
                channels={name: scores[row] for name, scores in channels.items()},
                neighbours=neighbours[row],
            )
            for row in range(len(texts))
        ]


def load_bot(folder: Path, *, store: KnowledgeStore, threads: int = 0) -> Bot:
    """The bot of a verified version folder with the knowledge as the store has it now."""
    encoder = OnnxEncoder(folder / ENCODER_FOLDER, threads=threads)
    return Bot(
        version=folder.name,
        encoder=encoder,
        classifier=load_classifier(folder / CLASSIFIER_FOLDER),
        knowledge=load_knowledge(store, encoder),
        policy=load_policy(folder / POLICY_FILE),
    )


def save_policy(policy: Policy, file: Path) -> None:
    file.write_text(json.dumps(asdict(policy), indent=1), encoding="utf-8")


def load_policy(file: Path) -> Policy:
    return Policy(**json.loads(file.read_text(encoding="utf-8")))


class LiveBot:
    """The bot that serves now. Swapped as one reference, so a message never sees half of a change."""

    def __init__(self, registry: Registry, store: KnowledgeStore, *, threads: int = 0) -> None:
        self._registry = registry
        self._store = store
        self._threads = threads
        self._bot: Bot | None = None
        self._change = threading.Lock()

    def current(self) -> Bot:
        """The active version with the newest knowledge; raises NoActiveModel, ModelDamaged or StoreError."""
        bot = self._bot
        if (
            bot is None
            or bot.version != self._registry.active_name()
            or bot.knowledge.revision != self._store.revision()
        ):
            return self._newest()
        return bot

    def _newest(self) -> Bot:
        with self._change:
            bot, folder = self._bot, self._registry.active()
            if bot is None or bot.version != folder.name:
                self._bot = bot = load_bot(folder, store=self._store, threads=self._threads)
                return bot
            self._bot = (
                None  # until it is whole again: a renewal that fails half-way leaves indexes that fit no records
            )
            self._bot = bot = replace(bot, knowledge=refresh(bot.knowledge, self._store, bot.encoder))
            return bot
