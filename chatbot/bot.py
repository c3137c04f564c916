"""What answers: encoder, classifier, knowledge and policy of one model version, as one immutable object.

`load_bot` reads a version folder; `LiveBot` keeps the newest one for a running server.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from chatbot.batcher import BatchingEncoder
from chatbot.cascade import Cascade, load_cascade
from chatbot.classifier import Classifier, Scores, load_classifier
from chatbot.decide import Policy
from chatbot.encoder import Encoder, OnnxEncoder
from chatbot.errors import ModelDamaged
from chatbot.knowledge import Knowledge, load_knowledge, refresh
from chatbot.overlap import share_words
from chatbot.registry import Registry
from chatbot.spelling import Speller
from chatbot.store.knowledge import KnowledgeStore
from chatbot.types import Reading, Redacted, Vector

ENCODER_FOLDER = "encoder"
CLASSIFIER_FOLDER = "classifier"
CASCADE_FOLDER = "cascade"
POLICY_FILE = "policy.json"
REST_SECONDS = 1.0
"""After a renewal that failed: not each message shall try again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bot:
    """Not slotted: what is derived from its knowledge is computed once and kept. `cascade` is None where training found
    no gain in one. `speller` puts slips of the finger right with the words of the examples."""

    version: str
    encoder: Encoder
    classifier: Classifier
    knowledge: Knowledge
    policy: Policy
    cascade: Cascade | None
    speller: Speller

    def read(self, query: Redacted) -> Reading:
        """What the model sees in one message, from at most one pass through the encoder."""
        return self.read_many([query])[0]

    def read_many(self, queries: Sequence[Redacted], *, closely: bool = False) -> list[Reading]:
        """As `read` for each, faster together; `closely`: all by the encoder, so that they can be compared."""
        texts = [query.text for query in queries]
        spelled = [self.speller.corrected(text) for text in texts]
        lexical = self.classifier.lexical.scores(spelled)
        readings = [
            None if closely else self._at_a_glance(text, right, lexical[row : row + 1])
            for row, (text, right) in enumerate(zip(texts, spelled, strict=True))
        ]
        unsure = [row for row, reading in enumerate(readings) if reading is None]
        if unsure:
            asked, right = ([form[row] for row in unsure] for form in (texts, spelled))
            for row, reading in zip(unsure, self._read_closely(asked, right, lexical[unsure]), strict=True):
                readings[row] = reading
        return [reading for reading in readings if reading is not None]

    def _read_closely(self, texts: Sequence[str], spelled: Sequence[str], lexical: Scores) -> list[Reading]:
        """The very words of an example are a fact about `texts` alone; everything else reads them as `spelled`."""
        vectors = self.encoder.encode(spelled)
        neighbours = self.knowledge.neighbours(texts, vectors)
        judged = self.classifier.judge(texts, vectors, neighbours, lexical)
        return [
            Reading(
                vector=vectors[row],
                intents=judged.intents,
                probabilities=judged.probabilities[row],
                channels={name: scores[row] for name, scores in judged.channels.items()},
                neighbours=neighbours[row],
                certainty=float(judged.certainty[row]),
                shares_words=share_words(spelled[row], [hit.text for hit in neighbours[row]]),
            )
            for row in range(len(texts))
        ]

    def _at_a_glance(self, text: str, spelled: str, lexical: Scores) -> Reading | None:
        """What the cascade is sure of without the encoder; an example in the very words of `text` has to agree."""
        if self.cascade is None or self._changed is None:
            return None
        seen = self.cascade.glance(
            self.classifier,
            pieces=self.cascade.pieces(spelled),
            letters=len(spelled),
            lexical=lexical,
            changed=self._changed,
        )
        if seen is None:
            return None
        intents = self.classifier.intents
        intent = intents[int(seen.probabilities.argmax())]
        same = self.knowledge.same_words(text)
        if intent not in self.knowledge.glanceable or (same is not None and same.intent != intent):
            return None
        neighbours = () if same is None else (same,)
        return Reading(None, intents, seen.probabilities, seen.channels, neighbours, certainty=seen.certainty)

    def warm(self) -> None:
        """Work out beside the customers what the first message would otherwise wait for."""
        self.knowledge.warm()
        _ = self._changed

    @cached_property
    def _changed(self) -> Vector | None:
        """The student's vectors of the examples that changed since training; None where these are too many."""
        if self.cascade is None:
            return None
        return self.cascade.changed(self.knowledge.examples.values(), self.knowledge.unapproved)


def load_bot(folder: Path, *, store: KnowledgeStore, threads: int = 0) -> Bot:
    """The bot of a verified version folder with the knowledge as the store has it now.

    Raises ModelDamaged for the files of another release.
    """
    try:
        encoder = OnnxEncoder(folder / ENCODER_FOLDER, threads=threads)
        classifier, policy = load_classifier(folder / CLASSIFIER_FOLDER), load_policy(folder / POLICY_FILE)
        cascade = load_cascade(folder / CASCADE_FOLDER, encoder.pieces)
    except (KeyError, TypeError) as error:  # the sums are right, so this is what the release that wrote it knew
        message = f'version {folder.name} was made by another release of the program; run "chatbot train"'
        raise ModelDamaged(message) from error
    knowledge = load_knowledge(store, encoder)
    return Bot(
        version=folder.name,
        encoder=BatchingEncoder(encoder),
        classifier=classifier,
        knowledge=knowledge,
        policy=policy,
        cascade=cascade,
        speller=Speller.of(_texts(knowledge), lambda word: len(encoder.pieces(word)) == 1),
    )


def save_policy(policy: Policy, file: Path) -> None:
    file.write_text(json.dumps(asdict(policy), indent=1), encoding="utf-8")


def load_policy(file: Path) -> Policy:
    return Policy(**json.loads(file.read_text(encoding="utf-8")))


class LiveBot:
    """The bot that serves now. Swapped as one reference, so a message never sees half of a change.

    What changed is taken up by one thread beside those that answer. A message waits `patience` seconds for it and then
    goes to the bot as it was: a correction is there at once, and ten thousand imported examples stop nobody.
    """

    def __init__(
        self, registry: Registry, store: KnowledgeStore, *, threads: int = 0, patience: float = math.inf
    ) -> None:
        self._registry = registry
        self._store = store
        self._threads = threads
        self._patience = patience
        self._bot: Bot | None = None
        self._whole = False
        self._change = threading.Lock()
        self._renewal: Future[Bot] | None = None
        self._rests_until = 0.0

    def current(self) -> Bot:
        """The active version with the newest knowledge, or the one before it where that cannot be had in time or at
        all; raises NoActiveModel, ModelDamaged or StoreError when there is none."""
        until = time.monotonic() + self._patience
        while (bot := self._bot) is not None:
            if bot.version == self._registry.active_name() and bot.knowledge.revision == self._store.revision():
                return bot
            left = until - time.monotonic()
            if left <= 0 or time.monotonic() < self._rests_until:
                return bot
            # What is being taken up may have been read before the newest change: hence the loop.
            wait([self.renew()], None if math.isinf(left) else left)
        return self.renew().result()

    def renew(self) -> Future[Bot]:
        """Begin to take up what changed, or join those who do; whoever has changed something need not wait for it."""
        with self._change:
            renewal = self._renewal
            if renewal is None:
                renewal = self._renewal = Future()
                try:
                    threading.Thread(target=self._take_up, args=(renewal,), name="renewal", daemon=True).start()
                except RuntimeError as error:  # no more threads now; whoever comes next tries again
                    self._renewal = None
                    renewal.set_exception(error)
            return renewal

    def _take_up(self, renewal: Future[Bot]) -> None:
        try:
            bot = self._newest()
        except BaseException as error:
            if self._bot is not None:
                _log.warning("version %s goes on as it was: %s: %s", self._bot.version, type(error).__name__, error)
                self._rests_until = time.monotonic() + REST_SECONDS
            self._end(renewal)
            renewal.set_exception(error)
        else:
            self._end(renewal)
            renewal.set_result(bot)

    def _end(self, renewal: Future[Bot]) -> None:
        with self._change:
            if self._renewal is renewal:
                self._renewal = None

    def _newest(self) -> Bot:
        """Until it is whole again a renewal that failed half-way has left indexes that fit no records, so that the next
        one begins anew."""
        bot, folder = self._bot, self._registry.active()
        if bot is None or bot.version != folder.name or not self._whole:
            bot = load_bot(folder, store=self._store, threads=self._threads)
        else:
            self._whole = False
            knowledge = refresh(bot.knowledge, self._store, bot.encoder)
            speller = spelling_after(bot.speller, bot.knowledge, knowledge)
            bot = replace(bot, knowledge=knowledge, speller=speller)
        bot.warm()
        self._bot, self._whole = bot, True
        return bot


def spelling_after(speller: Speller, before: Knowledge, after: Knowledge) -> Speller:
    """What is erased is gone from it too. A change costs no more than what it touches, another label nothing."""
    gone, added = _apart(before, after), _apart(after, before)
    if gone:
        speller = speller.forgetting(gone)
    return speller.knowing(added) if added else speller


def _apart(one: Knowledge, other: Knowledge) -> list[str]:
    """The texts of examples that only `one` has so."""
    known = other.examples
    return [
        example.text
        for number, example in one.examples.items()
        if number not in known or known[number].text != example.text
    ]


def _texts(knowledge: Knowledge) -> list[str]:
    return [example.text for example in knowledge.examples.values()]
