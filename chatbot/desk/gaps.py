"""What the shop has no answer to: heaps of open questions about the same thing, each with a name for it.

Everything here gives the same for the same queue, so that what was seen a moment ago is where it was.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from chatbot.bot import Bot
from chatbot.desk.likeness import in_chinese, letter_vectors
from chatbot.importers.cells import Names
from chatbot.knowledge import vectors_of
from chatbot.overlap import words_of
from chatbot.redact import KINDS
from chatbot.store import Store
from chatbot.store.unanswered import OpenQuestion, said_in, unanswered_since
from chatbot.text import language_of, normalise
from chatbot.types import Example, Vector

RELATED = 0.6
"""Cosine within which two questions are about the same thing."""

RELATED_LETTERS = 0.2
"""Of questions in Chinese characters, which the default encoder cannot read, the share of the shorter one's letters and
pairs that the other has too, rare ones counting more."""

LEAST_QUESTIONS = 3
MOST_ITEMS = 4_000
MOST_GAPS = 50
MOST_SAMPLES = 6
MOST_WORDS = 3
LEAST_CONVERSATIONS = 3
"""In so many a word has to stand before it is proposed as a name, which stays when what one customer said is erased."""

_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]{2,}")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_MASK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
_LONGEST_RUN = 4
LEAST_TELLING = 0.4
"""How much a further word of a name has to say, beside the first."""

_OFTEN = 0.4
"""Share of the heap's questions that a telling word stands in."""


@dataclass(frozen=True, slots=True)
class Gap:
    """`trend` are the questions of each day, the oldest first; `items` are those of the queue, the most typical
    first. `name` and `title` are empty where the customers share no words to name it with."""

    id: str
    size: int
    trend: tuple[int, ...]
    samples: tuple[str, ...]
    items: tuple[int, ...]
    name: str
    title: str
    language: str


def find_gaps(bot: Bot, *, store: Store, days: int, now: datetime | None = None) -> list[Gap]:
    """The largest first."""
    now = now or datetime.now(UTC)
    since = _first_day(now, days)
    questions = unanswered_since(since, database=store.database, most=MOST_ITEMS)
    if not questions:
        return []
    background = [example.text for example in bot.knowledge.examples.values()]
    spread = Spread.of([*background, *(question.text for question in questions)])
    records = [Example(question.text, "") for question in questions]
    vectors = vectors_of(records, store=store.knowledge, encoder=bot.encoder)
    heaps = [heap for heap in heaped(questions, vectors, background) if _size(questions, heap) >= LEAST_QUESTIONS]
    heaps.sort(key=lambda heap: (-_size(questions, heap), questions[heap[0]].item_id))
    names = Names(bot.knowledge.intents)
    gaps = []
    for heap in ([questions[place] for place in places] for places in heaps[:MOST_GAPS]):
        said = said_in([question.item_id for question in heap], since, database=store.database)
        gaps.append(_gap(heap, spread, names, shared_words(said), since=since, days=days))
    return gaps


def heaped(questions: Sequence[OpenQuestion], vectors: Vector, background: Sequence[str]) -> list[list[int]]:
    """Places in heaps: round the question that has the most others near it, then round the next that is left.

    In each heap the middle comes first, then those nearest to it. `background` tells which letters are common.
    """
    han = in_chinese([question.text for question in questions])
    among = [text for text in background if language_of(text, "") == "zh"]
    weights = np.array([len(question.asked_at) for question in questions], dtype=np.float64)
    heaps = []
    for places, floor in ((np.flatnonzero(~han), RELATED), (np.flatnonzero(han), RELATED_LETTERS)):
        if len(places):
            texts = [questions[place].text for place in places.tolist()]
            alike = _by_letters(texts, among) if floor == RELATED_LETTERS else vectors[places] @ vectors[places].T
            heaps += [[int(places[at]) for at in heap] for heap in _stars(alike, weights[places], floor)]
    return heaps


def _by_letters(texts: Sequence[str], among: Sequence[str]) -> NDArray[np.float32]:
    letters, lengths = letter_vectors(texts, among=among)
    ratio = lengths[:, None] / lengths
    return np.asarray((letters @ letters.T).toarray() * np.maximum(ratio, 1 / ratio), dtype=np.float32)


def _stars(alike: NDArray[np.float32], weights: NDArray[np.float64], floor: float) -> list[list[int]]:
    near = alike >= floor
    np.fill_diagonal(near, True)
    order = np.lexsort((np.arange(len(weights)), -(near @ weights)))
    free = np.ones(len(weights), dtype=bool)
    heaps = []
    for middle in order.tolist():
        if free[middle]:
            members = np.flatnonzero(near[middle] & free)
            members = members[np.lexsort((members, -np.round(alike[middle, members], 6), members != middle))]
            free[members] = False
            heaps.append(members.tolist())
    return heaps


@dataclass(frozen=True, slots=True)
class Spread:
    """In how many of so many texts each word stands, without its ending, and each run of Chinese characters."""

    texts: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, texts: Collection[str]) -> Spread:
        return cls(len(texts), Counter(term for text in texts for term in terms_of(text)))

    def telling(self, term: str, within: int, of: int) -> float:
        """How much a term says of a heap in whose `of` texts it stands `within` times: its share there, and how rare it
        is among all the others."""
        outside = max(self.counts.get(term, 0) - within, 0)
        return within / of * math.log((self.texts - of + 1) / (outside + 0.5))


def terms_of(text: str) -> set[str]:
    words = words_in(text)
    return {word for word in words if _HAN.fullmatch(word)}.union(*(words_of(word) for word in _letters(words)))


def words_in(text: str) -> list[str]:
    """As they stand, without masks; of Chinese every run of a few characters."""
    plain = _MASK.sub(" ", normalise(text))
    runs = [
        run[at : at + length]
        for run in _HAN.findall(plain)
        for length in range(2, _LONGEST_RUN + 1)
        for at in range(len(run) - length + 1)
    ]
    return runs + _WORD.findall(plain)


def shared_words(said: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The words that several customers used, of pairs of a conversation and a message."""
    spoken = {(conversation, word) for conversation, text in said for word in words_in(text)}
    counts = Counter(word for _, word in spoken)
    return frozenset(word for word, count in counts.items() if count >= LEAST_CONVERSATIONS)


def proposed_title(texts: Sequence[str], spread: Spread, language: str, *, shared: Collection[str]) -> str:
    """The most telling shared words of a heap in the order in which they are said; empty where there are none."""
    counts = Counter(term for text in texts for term in terms_of(text))
    least = max(_OFTEN * len(texts), min(2, len(texts)))
    scores = {term: spread.telling(term, held, len(texts)) for term, held in counts.items() if held >= least}
    if language == "zh":
        # Of runs that say as much, the longest is the word itself.
        runs = {term: score * (1 + 0.2 * len(term)) for term, score in scores.items() if _HAN.match(term)}
        return min(runs.keys() & shared, key=lambda run: (-round(runs[run], 6), run), default="")
    sayable = {term for word in _letters(shared) for term in words_of(word)}
    scores = {term: score for term, score in scores.items() if term in sayable}
    floor = LEAST_TELLING * max(scores.values(), default=0.0)
    told = [term for term in scores if scores[term] >= floor > 0]
    best = sorted(told, key=lambda term: (-round(scores[term], 6), term))
    return _spoken(best[:MOST_WORDS], texts, shared)


def _letters(words: Iterable[str]) -> list[str]:
    """Those that are not runs of Chinese characters."""
    return [word for word in words if not _HAN.match(word)]


def _spoken(terms: Sequence[str], texts: Sequence[str], shared: Collection[str]) -> str:
    """The terms as whole words, in the form and order in which they mostly stand."""
    forms: dict[str, Counter[str]] = {term: Counter() for term in terms}
    places: dict[str, list[float]] = {term: [] for term in terms}
    for text in texts:
        words = _WORD.findall(_MASK.sub(" ", normalise(text)))
        for place, word in enumerate(words):
            for term in words_of(word) & forms.keys() if word in shared else ():
                forms[term][word] += 1
                places[term].append(place / len(words))
    said_at = {term: sum(found) / len(found) for term, found in places.items() if found}
    order = sorted(said_at, key=lambda term: (said_at[term], term))
    said = [min(forms[term], key=lambda word: (-forms[term][word], word)) for term in order]
    return " ".join(said).capitalize()


def _gap(
    heap: Sequence[OpenQuestion],
    spread: Spread,
    names: Names,
    shared: Collection[str],
    *,
    since: datetime,
    days: int,
) -> Gap:
    texts = list({normalise(question.text): question.text for question in reversed(heap)}.values())[::-1]
    language = Counter(question.language for question in heap).most_common(1)[0][0]
    title = proposed_title(texts, spread, language_of(" ".join(texts), language), shared=shared)
    return Gap(
        id=str(heap[0].item_id),
        size=sum(len(question.asked_at) for question in heap),
        trend=_trend((at for question in heap for at in question.asked_at), since=since, days=days),
        samples=tuple(texts[:MOST_SAMPLES]),
        items=tuple(question.item_id for question in heap),
        name=names.unique(_name(title)) if title else "",
        title=title,
        language=language,
    )


def _name(title: str) -> str:
    return re.sub(r"\W+", "_", normalise(title)).strip("_")[:60].strip("_") or "question"


def _trend(times: Iterable[datetime], *, since: datetime, days: int) -> tuple[int, ...]:
    counts = Counter((at - since).days for at in times)
    return tuple(counts[day] for day in range(days))


def _first_day(now: datetime, days: int) -> datetime:
    """Midnight (UTC) of the first of so many days, today the last."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)


def _size(questions: Sequence[OpenQuestion], heap: Sequence[int]) -> int:
    return sum(len(questions[place].asked_at) for place in heap)
