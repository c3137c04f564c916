"""From turns to the review queue: what needs an agent, and which open question asks nearly the same.

It works beside the server, in one thread that is woken by whoever is at the desk: customers never wait for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from chatbot.bot import Bot, LiveBot
from chatbot.encoder import Encoder
from chatbot.errors import ChatbotError
from chatbot.ranking import LIKE, doubtful_below, is_drawn, sources_of, uncertainty
from chatbot.redact import Redactor
from chatbot.retriever import FaissIndex, build_index
from chatbot.store import Store
from chatbot.store.arrivals import Arrivals, OpenItem, Placement, Reread
from chatbot.store.lessons import REVIEWED
from chatbot.text import letters_in_common, text_key
from chatbot.types import Asked, Source, Vector

AT_ONCE = 50
"""Turns of one transaction, which customers' messages wait for."""

ENCODED_AT_ONCE = 4
"""Customers' messages come between two such batches."""

NEARLY_THE_SAME = 0.9
"""Cosine from which two questions may be one item."""

LETTERS_IN_COMMON = 0.75
"""Their share; in a script that the encoder cannot read all vectors are alike."""

RELATED = 0.6
"""Cosine within which a correction may change what the bot makes of a question."""

MOST_RECONSIDERED = 200

MADE_ANEW_AFTER = 3600.0
"""Seconds for which the texts of the open items are kept in memory: what was erased is gone from there too then."""

_log = logging.getLogger(__name__)


class Intake:
    """`audit_share` of the answers that nobody complains about, and `second_share` of the items for two agents."""

    def __init__(
        self, *, store: Store, bots: LiveBot, redactor: Redactor, audit_share: float, second_share: float
    ) -> None:
        self._store = store
        self._arrivals = Arrivals(store.database)
        self._bots = bots
        self._redactor = redactor
        self._audit_share = audit_share
        self._second_share = second_share
        self._neighbourhood: Neighbourhood | None = None
        self._wake = threading.Lock()
        self._idle = threading.Condition(self._wake)
        self._working = False
        self._taught: list[str] = []

    def wake(self, taught: Iterable[str] = ()) -> None:
        """Look for new turns, beside the caller; and read again what is like the texts that were just taught."""
        with self._wake:
            self._taught += taught
            if self._working:
                return
            self._working = True
        try:
            threading.Thread(target=self._work, name="intake", daemon=True).start()
        except RuntimeError:  # no more threads now; whoever comes next tries again
            with self._wake:
                self._rest()

    def settled(self, seconds: float) -> bool:
        """Wait until all that was there is in the queue, or so long; False where it is not."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._working, seconds)

    def run(self) -> int:
        """Take in all that is there, in this thread; the number of turns."""
        bot = self._bots.current()
        done = 0
        while taken := self._take_in(bot):
            done += taken
        return done

    def _work(self) -> None:
        try:
            while True:
                bot = self._bots.current()
                taken = self._take_in(bot)
                with self._wake:
                    taught, self._taught = self._taught, []
                    if not taken and not taught:
                        return self._rest()
                self._reconsider(taught, bot)
        except ChatbotError as error:  # no model yet, a busy database: the next to come tries again
            _log.warning("the review queue was not brought up to date: %s", error)
            with self._wake:
                self._rest()
        except BaseException:
            with self._wake:
                self._rest()
            raise

    def _rest(self) -> None:
        self._working = False
        self._idle.notify_all()

    def _take_in(self, bot: Bot) -> int:
        found = self._arrivals.newest(AT_ONCE)
        if not found:
            return 0
        wanted = self._wanted(found, bot)
        near = self._near(bot)
        vectors = vectors_by_key([asked.text for asked, _ in wanted], store=self._store, encoder=bot.encoder)
        placements = self._placements(wanted, near, vectors)
        items = self._arrivals.put(placements, found, encoder=bot.encoder.fingerprint, vectors=vectors)
        for one in placements:
            item_id = items.get(one.asked.turn_id)
            if item_id is None or Source.AUDIT in one.sources:
                continue
            near.add(item_id, one.asked.text, vectors[one.text_key])
        placed = {items[one.asked.turn_id]: vectors[one.text_key] for one in placements if one.asked.turn_id in items}
        self._arrivals.surround(near.count_like(placed))
        return len(found)

    def _wanted(self, found: Sequence[Asked], bot: Bot) -> list[tuple[Asked, tuple[Source, ...]]]:
        """What is for an agent. What one has labelled already is not, unless a customer complained since."""
        confirmed = self._arrivals.confirmed([text_key(asked.text) for asked in found])
        wanted = []
        for asked in found:
            below = doubtful_below(bot.policy, asked.language)
            sources = sources_of(asked, doubtful_below=below, audit_share=self._audit_share)
            settled_at = confirmed.get(text_key(asked.text))
            complained = asked.verdict_at is not None and settled_at is not None and asked.verdict_at > settled_at
            if sources and (settled_at is None or sources == (Source.AUDIT,) or complained):
                wanted.append((asked, sources))
        return wanted

    def _placements(
        self,
        wanted: Sequence[tuple[Asked, tuple[Source, ...]]],
        near: Neighbourhood,
        vectors: Mapping[str, Vector],
    ) -> list[Placement]:
        """Each into the item that asks nearly the same, or together with those before it in this very list that do."""
        leaders: list[tuple[str, str]] = []  # key and text of those that open an item
        placements = []
        for asked, sources in wanted:
            key, alone = text_key(asked.text), sources == (Source.AUDIT,)
            item_id = None if alone else near.find(asked.text, vectors[key])
            leader = key
            if item_id is None and not alone:
                like = (
                    other
                    for other, text in leaders
                    if float(vectors[other] @ vectors[key]) >= NEARLY_THE_SAME
                    and have_letters_in_common(text, asked.text)
                )
                leader = next(like, key)
                if leader == key:
                    leaders.append((key, asked.text))
            second = not alone and is_drawn(asked.turn_id, self._second_share, "second")
            uncertain = uncertainty(asked, sources)
            placements.append(Placement(asked, key, sources, uncertain, item_id, None if alone else leader, second))
        return placements

    def _near(self, bot: Bot) -> Neighbourhood:
        near = self._neighbourhood
        if near is None or near.encoder != bot.encoder.fingerprint or time.monotonic() - near.made_at > MADE_ANEW_AFTER:
            near = self._neighbourhood = Neighbourhood(bot.encoder)
        open_ids = self._arrivals.open_ids()
        near.keep(open_ids)
        missing = open_ids.difference(near.known)
        items = self._arrivals.open_items(among=missing if len(missing) <= AT_ONCE else None) if missing else []
        vectors = vectors_by_key([item.text for item in items], store=self._store, encoder=bot.encoder)
        for item in items:
            near.add(item.id, item.text, vectors[item.text_key])
        return near

    def _reconsider(self, taught: Sequence[str], bot: Bot) -> None:
        """What the bot makes now of open questions that are like those it was just taught."""
        if not taught:
            return
        near = self._near(bot)
        near.keep(self._arrivals.open_ids())
        vectors = vectors_by_key(taught, store=self._store, encoder=bot.encoder)
        numbers = {number for text in taught for number in near.related(vectors[text_key(text)])}
        sources = {item.id: item for item in self._arrivals.open_items(among=numbers)}
        texts = [self._redactor.redact(item.text) for item in sources.values()]
        known = vectors_by_key([item.text for item in sources.values()], store=self._store, encoder=bot.encoder)
        similar = near.count_like({item.id: known[item.text_key] for item in sources.values()})
        confirmed = {example.text for example in bot.knowledge.examples.values() if example.source == REVIEWED}
        found = []
        for item, reading in zip(sources.values(), bot.read_many(texts, closely=True), strict=True):
            intent, probability = reading.best()
            uncertain = self._still_uncertain(item, probability)
            settled = sum(hit.similarity >= LIKE and hit.text in confirmed for hit in reading.neighbours)
            found.append(Reread(item.id, intent, probability, uncertain, similar[item.id], settled))
        self._arrivals.rerank(found)

    @staticmethod
    def _still_uncertain(item: OpenItem, probability: float) -> float:
        complaint = 0.6 if Source.THUMBS_DOWN in item.sources else 0.0
        return max(1 - probability, complaint, 0.02)


class Neighbourhood:
    """The vectors of the open items, and of those that were open: what is found has to be checked when it is used."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder.fingerprint
        self.made_at = time.monotonic()
        self._index: FaissIndex = build_index(encoder.dimension, [], np.empty((0, encoder.dimension), np.float32))
        self._texts: dict[int, str] = {}
        self._by_key: dict[str, int] = {}

    def add(self, item_id: int, text: str, vector: Vector) -> None:
        self._by_key[text_key(text)] = item_id
        if item_id not in self._texts:
            self._texts[item_id] = text
            self._index.add(np.array([item_id], dtype=np.int64), vector[None])

    @property
    def known(self) -> Collection[int]:
        return self._texts.keys()

    def keep(self, open_ids: Collection[int]) -> None:
        """Forget all others: they were decided."""
        gone = [number for number in self._texts if number not in open_ids]
        for number in gone:
            del self._texts[number]
        self._index.remove(gone)

    def find(self, text: str, vector: Vector) -> int | None:
        """The item that asks the same or nearly the same."""
        same = self._by_key.get(text_key(text))
        if same in self._texts:
            return same
        similarities, ids = self._index.search(vector, 5)
        for similarity, number in zip(similarities[0].tolist(), ids[0].tolist(), strict=True):
            if similarity < NEARLY_THE_SAME:
                return None
            if have_letters_in_common(text, self._texts[number]):
                return int(number)
        return None

    def count_like(self, items: Mapping[int, Vector]) -> dict[int, int]:
        """How many other items, of the nearest MOST_RECONSIDERED, ask something like each of these."""
        if not items:
            return {}
        similarities, ids = self._index.search(np.stack(list(items.values())), MOST_RECONSIDERED)
        like = similarities >= LIKE
        return {item: int((row & (others != item)).sum()) for item, row, others in zip(items, like, ids, strict=True)}

    def related(self, vector: Vector) -> list[int]:
        similarities, ids = self._index.search(vector, MOST_RECONSIDERED)
        return [
            int(number) for similarity, number in zip(similarities[0], ids[0], strict=True) if similarity >= RELATED
        ]


def have_letters_in_common(one: str, other: str) -> bool:
    return letters_in_common(one, other) >= LETTERS_IN_COMMON


def vectors_by_key(texts: Sequence[str], *, store: Store, encoder: Encoder) -> dict[str, Vector]:
    """A vector for each text by its key; those that the store has not are encoded, a few at a time."""
    by_key = {text_key(text): text for text in texts}
    known = store.knowledge.vectors(encoder.fingerprint, list(by_key))
    missing = [key for key in by_key if key not in known]
    for start in range(0, len(missing), ENCODED_AT_ONCE):
        keys = missing[start : start + ENCODED_AT_ONCE]
        known |= dict(zip(keys, encoder.encode([by_key[key] for key in keys]), strict=True))
    return known
