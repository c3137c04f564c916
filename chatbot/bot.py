"""What answers: encoder, classifier, knowledge and policy of one model version, as one immutable object.

`load_bot` reads a version folder; `LiveBot` keeps the newest one for a running server.
"""

from __future__ import annotations

import ctypes
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from chatbot import stages
from chatbot.batcher import BatchingEncoder
from chatbot.cascade import Cascade, load_cascade
from chatbot.classifier import Classifier, Scores, load_classifier
from chatbot.decide import Policy
from chatbot.encoder import Encoder, OnnxEncoder
from chatbot.errors import ModelDamaged, ModelError
from chatbot.knowledge import Knowledge, load_knowledge, refresh
from chatbot.overlap import share_words
from chatbot.registry import Pointer, Registry
from chatbot.spelling import Speller
from chatbot.store.knowledge import KnowledgeStore
from chatbot.types import Reading, Redacted, Vector

ENCODER_FOLDER = "encoder"
CLASSIFIER_FOLDER = "classifier"
CASCADE_FOLDER = "cascade"
POLICY_FILE = "policy.json"
PATIENCE_SECONDS = 0.7
"""That a message waits for a change of the knowledge: long enough for a correction, too short to be a pause."""

REST_SECONDS = 1.0
"""After a renewal that failed: not each message shall try again."""
MOST_REST_SECONDS = 60.0
"""Between two tries to load a version that cannot be loaded; the first ones follow each other faster."""

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

    @stages.stage(stages.CLASSIFY)
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


def load_bot(
    folder: Path,
    *,
    store: KnowledgeStore,
    threads: int = 0,
    without: Collection[int] = (),
    heads: Path | None = None,
) -> Bot:
    """The bot of a verified version folder with the knowledge as the store has it now, `without` these examples.
    `heads` is the folder of classifier and cascade, if others than those that serve are meant.

    Raises ModelDamaged for the files of another release.
    """
    heads = heads or folder
    try:
        encoder = OnnxEncoder(folder / ENCODER_FOLDER, threads=threads)
        classifier, policy = load_classifier(heads / CLASSIFIER_FOLDER), load_policy(folder / POLICY_FILE)
        cascade = load_cascade(heads / CASCADE_FOLDER, encoder.pieces)
    except (KeyError, TypeError) as error:  # the sums are right, so this is what the release that wrote it knew
        message = f'version {folder.name} was made by another release of the program; run "chatbot train"'
        raise ModelDamaged(message) from error
    knowledge = load_knowledge(store, encoder, without=without)
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

    What changed is taken up beside those that answer: the knowledge by one thread, another version by one of its own.
    A message waits `patience` seconds for a change of the knowledge and then goes to the bot as it was: a correction is
    there at once, and ten thousand imported examples stop nobody. It waits for no version, except where `patience` has
    no end: that is for commands and tests, which want what was promoted.
    """

    def __init__(
        self, registry: Registry, store: KnowledgeStore, *, threads: int = 0, patience: float = math.inf
    ) -> None:
        self._registry = registry
        self._store = store
        self._threads = threads
        self._patience = patience
        self._bot: Bot | None = None
        self._torn: Bot | None = None
        self._change = threading.Lock()
        self._renewal: Future[Bot] | None = None
        self._rests_until = 0.0
        self._seen: Pointer | None = None
        self._swap: Future[Bot] | None = None
        self._failed: Pointer | None = None
        self._failures = 0
        self._swap_rests_until = 0.0
        self._failing: str | None = None
        self._standing_in: str | None = None

    def current(self) -> Bot:
        """The active version with the newest knowledge, or the one before it where that cannot be had in time or at
        all; raises NoActiveModel, ModelDamaged or StoreError when there is none."""
        until = time.monotonic() + self._patience
        while (bot := self._bot) is not None:
            swap = self._swap_begun()
            if swap is not None and math.isinf(self._patience):
                wait([swap])
                continue
            if bot.knowledge.revision == self._store.revision():
                return bot
            left = until - time.monotonic()
            if left <= 0 or time.monotonic() < self._rests_until:
                return bot
            # What is being taken up may have been read before the newest change: hence the loop.
            wait([self.renew()], None if math.isinf(left) else left)
        return self.renew().result()

    def look(self) -> None:
        """Begin to take up what changed, and wait for nothing. For who looks several times a second."""
        bot = self._bot
        self._swap_begun()
        if time.monotonic() >= self._rests_until and (bot is None or bot.knowledge.revision != self._store.revision()):
            self.renew()

    @property
    def trouble(self) -> str | None:
        """Why another version than the active one answers; None while all is well."""
        return self._failing or self._standing_in

    def renew(self) -> Future[Bot]:
        """Begin to take up what changed, or join those who do; whoever has changed something need not wait for it."""
        with self._change:
            renewal = self._renewal
            if renewal is None:
                renewal = self._renewal = Future()
                try:
                    self._beside("renewal", self._take_up, renewal)
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
        """With the knowledge of now. Until it is whole again a renewal that failed half-way has left indexes that fit
        no records, so that the next one begins anew."""
        bot = self._bot
        if bot is None or bot is self._torn:
            return self._loaded(bot)
        self._torn = bot
        knowledge = refresh(bot.knowledge, self._store, bot.encoder)
        speller = spelling_after(bot.speller, bot.knowledge, knowledge)
        renewed = replace(bot, knowledge=knowledge, speller=speller)
        renewed.warm()
        return self._put(renewed, instead_of=bot)

    def _loaded(self, before: Bot | None) -> Bot:
        """The active version from its files; its indexes are its own, so that `before` goes on meanwhile."""
        pointer = self._registry.pointer()
        with self._registry.loading() as folder:
            bot = load_bot(folder, store=self._store, threads=self._threads)
        bot.warm()
        return self._put(bot, instead_of=before, pointer=pointer)

    def _put(self, bot: Bot, *, instead_of: Bot | None, pointer: Pointer | None = None) -> Bot:
        """With a pointer, as what that names or what stands in for it. Without one, as the same version with the
        knowledge of now, unless another version has come meanwhile: that is for the next renewal."""
        with self._change:
            if pointer is None and self._bot is not instead_of and self._bot is not None:
                return self._bot
            self._bot, self._torn = bot, None
            if pointer is not None:
                self._reached(pointer)
            return bot

    def _reached(self, pointer: Pointer) -> None:
        self._seen, self._failing, self._failures = pointer, None, 0
        answering = self._bot.version if self._bot else pointer.name
        is_it = answering == pointer.name
        self._standing_in = None if is_it else f"{pointer.name} is damaged, {answering} answers in its place"

    # --- another version ---

    def _swap_begun(self) -> Future[Bot] | None:
        """Being taken up; None where the version that answers is the active one, or the other cannot be had now."""
        try:
            pointer = self._registry.pointer()
        except (ModelError, OSError) as error:
            self._note(f"{type(error).__name__}: {error}")
            return None
        with self._change:
            if self._bot is None:
                return None
            if pointer == self._seen:
                self._failing = None
                return None
            if self._swap is None and (pointer != self._failed or time.monotonic() >= self._swap_rests_until):
                self._swap = Future()
                try:
                    self._beside("promotion", self._swap_to, self._swap, pointer)
                except RuntimeError:  # no more threads now; whoever comes next tries again
                    self._swap = None
            return self._swap

    def _swap_to(self, swap: Future[Bot], pointer: Pointer) -> None:
        try:
            bot = self._switched(pointer)
        except BaseException as error:
            self._failed, self._failures = pointer, self._failures + 1
            rest = min(MOST_REST_SECONDS, REST_SECONDS * 2 ** min(self._failures - 1, 10))
            self._swap_rests_until = time.monotonic() + rest
            self._note(f"{pointer.name} cannot be loaded: {type(error).__name__}: {error}")
            self._end_swap()
            swap.set_exception(error)
        else:
            _log.info("version %s answers", bot.version)
            self._end_swap()
            swap.set_result(bot)
            del bot
            give_back_memory()

    def _switched(self, pointer: Pointer) -> Bot:
        """Where the version that answers was only made the active one again, its files are looked at and no more."""
        bot = self._bot
        if bot is None or bot.version != pointer.name:
            return self._loaded(bot)
        self._registry.verify(bot.version)
        with self._change:
            self._reached(pointer)
        return bot

    def _end_swap(self) -> None:
        with self._change:
            self._swap = None

    def _note(self, trouble: str) -> None:
        """Once, however often it is tried."""
        if trouble != self._failing:
            self._failing = trouble
            _log.warning("version %s goes on: %s", self._bot.version if self._bot else "-", trouble)

    @staticmethod
    def _beside(name: str, work: Callable[..., None], *given: object) -> None:
        threading.Thread(target=work, args=given, name=name, daemon=True).start()


def give_back_memory() -> None:
    """What the version before took lies scattered over the C library's heaps, which keep it: after 200 promotions a
    server held 1.0 GB instead of 0.4. Other C libraries than glibc have no such call, and need none."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


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
