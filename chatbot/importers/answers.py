"""Answered questions from all files become templates with stable keys, and examples that name them.

A key follows from the answer's own words, so that importing the same rows again, in any order, changes nothing: the
intent's name where it has one answer, else the intent's name, a dash and a short hash. A dot would say "the same answer
in other words" (`Template.answer`), so it stands before the language alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chatbot.importers.cells import NAME_LIMIT, Names, key_part, slug, visible
from chatbot.importers.records import Answered, Place, Record
from chatbot.importers.similar import group_similar, most_typical
from chatbot.text import normalise
from chatbot.types import OUT_OF_SCOPE, Example, Intent, Status, Template

MANY_ANSWERS = 5
"""An intent with more different answers than this has no approved wording yet: a person must choose."""
_NEARLY_THE_SAME = 0.8


@dataclass(frozen=True, slots=True)
class _Answer:
    """One wording (or several that a person will see as one) with everything that it answered."""

    uses: tuple[Answered, ...]

    @property
    def body(self) -> str:
        """The wording given most often; of equals the shortest, then the first in the alphabet."""
        counts = Counter(use.body for use in self.uses)
        return min(counts, key=lambda body: (-counts[body], len(body), body))

    @property
    def place(self) -> Place:
        return self.uses[0].place

    @property
    def hash(self) -> str:
        return _short_hash(normalise(self.body))


def link(items: Iterable[Answered], *, language: str) -> tuple[list[Record], list[str]]:
    """(records, notes). Rows of the out-of-scope label give examples only, as nothing may be answered to it."""
    records: list[Record] = []
    notes: list[str] = []
    by_intent = _by_intent(items)
    names = _key_names({intent for intent, _language in by_intent})
    for (intent, spoken), uses in by_intent.items():
        if intent == OUT_OF_SCOPE:
            records += [_example(use, intent, None) for use in uses]
            continue
        answers = _same_wording(uses)
        undecided = len(answers) > MANY_ANSWERS
        if undecided:
            count = len(answers)
            answers = _nearly_same_wording(answers)
            notes.append(
                f'"{intent}" has {count:,} different answers: imported as {len(answers):,} proposals, '
                "for a person to approve one or a few"
            )
        suffix = "" if spoken == language else f".{spoken}"
        for answer in answers:
            mark = suffix if len(answers) == 1 else f"-{answer.hash}{suffix}"
            records += _records(answer, intent, f"{names[intent]}{mark}", proposed=undecided)
    return records, notes


def _key_names(intents: Collection[str]) -> dict[str, str]:
    """How keys name each intent: shortened, without dots; where that makes two the same, with a hash of the intent."""
    plain = {intent: key_part(intent[: NAME_LIMIT - 40]) for intent in intents}
    counts = Counter(plain.values())
    return {
        intent: name if counts[name] == 1 or name == intent else f"{name}-{_short_hash(intent)}"
        for intent, name in plain.items()
    }


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def _records(answer: _Answer, intent: str, key: str, *, proposed: bool) -> Iterator[Record]:
    named = answer.uses[0].intent is not None
    stated = frozenset({"intent", "body"} if named else {"body"})
    status = Status.PROPOSED if proposed else Status.APPROVED
    if not named:
        title = answer.uses[0].title or _name_of(answer.uses)
        yield Record(Intent(intent, {answer.uses[0].language: visible(title)}), answer.place)
    yield Record(Template(key, intent, answer.body, answer.uses[0].language, status), answer.place, stated)
    yield from (_example(use, intent, key) for use in answer.uses if use.question)


def _example(use: Answered, intent: str, key: str | None) -> Record:
    stated = {"template"} if key else set()
    if use.intent is not None:
        stated.add("intent")
    example = Example(use.question or "", intent, use.language, template=key)
    return Record(example, use.place, frozenset(stated))


def _by_intent(items: Iterable[Answered]) -> dict[tuple[str, str], list[Answered]]:
    """By intent and language. Rows without an intent get one for each answer, named after its most typical question."""
    groups: dict[tuple[str, str], list[Answered]] = defaultdict(list)
    unnamed = []
    for item in items:
        if item.intent is None:
            unnamed.append(item)
        else:
            groups[item.intent, item.language].append(item)
    names = Names(intent for intent, _language in groups)
    # In the order of their words, so that the same answers get the same names whatever the order of the rows.
    for answer in sorted(_same_wording(unnamed), key=lambda each: each.body):
        name = names.unique(slug(_name_of(answer.uses)))
        groups[name, answer.uses[0].language].extend(answer.uses)
    return dict(sorted(groups.items(), key=lambda group: group[1][0].place.line))


def _name_of(uses: Sequence[Answered]) -> str:
    return most_typical([use.question for use in uses if use.question])


def _same_wording(uses: Iterable[Answered]) -> list[_Answer]:
    """Answers that differ only in case, white space and end marks are one."""
    groups: dict[tuple[str, str], list[Answered]] = defaultdict(list)
    for use in uses:
        groups[normalise(use.body), use.language].append(use)
    return [_Answer(tuple(group)) for group in groups.values()]


def _nearly_same_wording(answers: Sequence[_Answer]) -> list[_Answer]:
    """Answers in groups of near-identical ones: the most frequent leads."""
    ranked = sorted(answers, key=lambda answer: (-len(answer.uses), len(answer.body), answer.body))
    groups = group_similar([answer.body for answer in ranked], _NEARLY_THE_SAME)
    return [_Answer(tuple(use for member in group for use in ranked[member].uses)) for group in groups]
