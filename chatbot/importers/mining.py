"""Candidates from conversations: what customers asked, with the answer that an agent gave, for a person to approve.

Conversations are noisy, so each step drops rather than guesses: courtesies go, an agent's questions are no answer, and
what a customer says in reply to them is no question. Similarity is by letters, not by meaning: an import needs no
model.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chatbot.importers.body import literal
from chatbot.importers.cells import Names, slug
from chatbot.importers.records import Dialogue, Place, Record
from chatbot.importers.similar import group_similar, most_typical
from chatbot.importers.small_talk import Courtesies, asks, is_answer, is_question
from chatbot.redact import Redactor
from chatbot.text import language_of, normalise, text_key
from chatbot.types import Example, Status, Template

_NEARLY_THE_SAME = 0.7
_LONGEST_QUESTION = 500
_LONGEST_ANSWER = 2000


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer, both redacted; `group` is the same for all pairs of one dialogue."""

    question: str
    answer: str
    place: Place
    group: str
    language: str


def mine(dialogues: Sequence[Dialogue], *, redactor: Redactor, language: str) -> tuple[list[Record], list[str]]:
    """(records, notes): for each group of near-identical answers one proposed template with its questions."""
    if not dialogues:
        return [], []
    redacted = [_redacted(dialogue, redactor) for dialogue in dialogues]
    courtesies = Courtesies.of([[(each.by_customer, each.text) for each in turns] for turns in redacted])
    pairs = [
        pair
        for dialogue, turns in zip(dialogues, redacted, strict=True)
        for pair in _pairs(dialogue, turns, courtesies, language)
    ]
    candidates = _candidates(pairs)
    records = list(_records(candidates))
    note = (
        f"conversations: {len(dialogues):,}; questions with an answer: {len(pairs):,}; proposed templates: "
        f"{len(candidates):,}, none of which answers before a person approves it"
    )
    return records, [note]


@dataclass(frozen=True, slots=True)
class _Turn:
    """Everything that one side said until the other side spoke."""

    by_customer: bool
    text: str


def _redacted(dialogue: Dialogue, redactor: Redactor) -> list[_Turn]:
    return [_Turn(each.by_customer, redactor.redact(each.text).text) for each in dialogue.said]


def _pairs(dialogue: Dialogue, turns: Iterable[_Turn], courtesies: Courtesies, language: str) -> Iterator[Pair]:
    """A question stays open while the agent only asks back; the first real answer closes it."""
    group = hashlib.sha256(dialogue.id.encode("utf-8", "replace")).hexdigest()[:32]
    open_question = ""
    first = True
    for turn in _joined(turns, courtesies):
        if turn.by_customer:
            # What opens a conversation says what it is about, even where it does not look like a question.
            if is_question(turn.text, opens=first) and len(turn.text) <= _LONGEST_QUESTION:
                open_question = turn.text
                first = False
        elif open_question:
            answer = " ".join(sentence for sentence in turn.text.split("\n") if not asks(sentence))
            if is_answer(answer) and len(answer) <= _LONGEST_ANSWER:
                spoken = dialogue.language or language_of(open_question, language)
                yield Pair(open_question, _closed_up(answer), dialogue.place, group, spoken)
                open_question = ""


def _joined(turns: Iterable[_Turn], courtesies: Courtesies) -> Iterator[_Turn]:
    """Consecutive messages of one side as one turn, without courtesies. An agent's sentences stand on lines."""
    speaker: bool | None = None
    parts: list[str] = []
    for turn in turns:
        sentences = courtesies.without(turn.text, by_customer=turn.by_customer)
        if turn.by_customer != speaker:
            if speaker is not None and parts:
                yield _Turn(speaker, _join(parts, customer=speaker))
            speaker, parts = turn.by_customer, []
        if sentences:
            parts.append(" ".join(sentences) if turn.by_customer else "\n".join(sentences))
    if speaker is not None and parts:
        yield _Turn(speaker, _join(parts, customer=speaker))


def _join(parts: Sequence[str], *, customer: bool) -> str:
    """Messages of one side; one that ends without a mark gets a full stop, unless the next goes on in small letters."""
    text = parts[0]
    for part in parts[1:]:
        goes_on = part[:1].islower() or text[-1:] in ".!?…:;,。！？：；，"
        stop = "" if goes_on else "。" if language_of(text, "") == "zh" else "."
        text += stop + (" " if customer else "\n") + part
    return _closed_up(text) if customer else text


def _closed_up(text: str) -> str:
    """Chinese sentences stand without a space between them."""
    return text.replace("。 ", "。").replace("！ ", "！").replace("？ ", "？").strip()


def _candidates(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Pairs by near-identical answers, largest group first. Each question stays with the largest group it is in."""
    by_answer: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_answer[normalise(pair.answer), pair.language].append(pair)
    # The most frequent wording leads; among equals the shortest names the fewest details of one customer.
    ranked = sorted(by_answer.values(), key=lambda group: (-len(group), len(group[0].answer), group[0].answer))
    grouped = group_similar([group[0].answer for group in ranked], _NEARLY_THE_SAME)
    merged = [[pair for member in group for pair in ranked[member]] for group in grouped]
    merged.sort(key=lambda group: -len({pair.group for pair in group}))
    seen: set[str] = set()
    candidates = []
    for group in merged:
        kept = []
        for pair in group:
            key = text_key(pair.question)
            if key not in seen:
                seen.add(key)
                kept.append(pair)
        if kept:
            candidates.append(_led_by(group, kept))
    return candidates


def _led_by(group: Sequence[Pair], kept: Sequence[Pair]) -> list[Pair]:
    """`kept` with the group's commonest answer on each pair; of equals the one with the fewest masks."""
    counts = Counter(pair.answer for pair in group)
    best = min(counts, key=lambda answer: (-counts[answer], answer.count("["), len(answer), answer))
    return [Pair(pair.question, best, pair.place, pair.group, pair.language) for pair in kept]


def _records(candidates: Iterable[Sequence[Pair]]) -> Iterator[Record]:
    names = Names()
    for group in candidates:
        answer, language = group[0].answer, group[0].language
        intent = names.unique(slug(most_typical([pair.question for pair in group])))
        key = f"mined-{hashlib.sha256(normalise(answer).encode('utf-8', 'replace')).hexdigest()[:12]}"
        template = Template(key, intent, literal(answer), language, Status.PROPOSED)
        yield Record(template, group[0].place, mined=True)
        for pair in group:
            example = Example(pair.question, intent, language, key, group=pair.group, status=Status.PROPOSED)
            yield Record(example, pair.place, mined=True)
