"""Who learns and who judges: a split by group that stays as it is for as long as the texts do.

Texts that say nearly the same stand on one side, and what was held out once stays held out, so that every version is
examined with questions that nothing examined before it has learned from either. New texts fill the holdout up to its
share, intent by intent.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from chatbot.text import gist, text_key
from chatbot.types import Example, Side

LEAST_EXAMPLES = 120
"""With fewer, a holdout would take from training what it needs and be too small to judge by (30 questions)."""

LEAST_GROUPS = 4
"""An intent with fewer groups keeps them all for training."""

WANTED = 330
LEAST_SHARE, MOST_SHARE = 0.1, 0.25
"""A tenth is held out, but of fewer examples more, up to a quarter, to come near WANTED questions."""

NEAR = 0.9
"""Cosine of letter n-grams from which two texts say nearly the same."""

LETTERS = (3, 4)
COMMON = 0.1
"""N-grams in more than this share of the texts tell nothing, and cost most of the time."""

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Split:
    """`new` are the sides to be recorded. Each in the order of the examples.

    `set_aside` were held out until a newer text showed that they say what others say that are learned: they judge no
    more, and are not learned either.
    """

    train: tuple[Example, ...]
    holdout: tuple[Example, ...]
    must_pass: tuple[Example, ...]
    new: Mapping[int, Side]
    set_aside: tuple[Example, ...] = ()

    @property
    def parts(self) -> dict[Side, tuple[Example, ...]]:
        return {
            Side.TRAIN: self.train,
            Side.HOLDOUT: (*self.holdout, *self.set_aside),
            Side.MUST_PASS: self.must_pass,
        }


def split_examples(examples: Sequence[Example], sides: Mapping[int, Side]) -> Split:
    """`sides` are the recorded ones by example id, and what they say stays."""
    chosen, torn = _choose(examples, sides)
    parts: dict[Side, list[Example]] = {side: [] for side in Side}
    for example, side in zip(examples, chosen, strict=True):
        parts[side].append(example)
    new = {
        example.id: side for example, side in zip(examples, chosen, strict=True) if sides.get(example.id) is not side
    }
    judging = tuple(example for example in parts[Side.HOLDOUT] if example.id not in torn)
    set_aside = tuple(example for example in parts[Side.HOLDOUT] if example.id in torn)
    return Split(tuple(parts[Side.TRAIN]), judging, tuple(parts[Side.MUST_PASS]), new, set_aside)


def groups_of(examples: Sequence[Example]) -> list[int]:
    """The number of each example's group: of one imported group, of the same words but for small ones and marks, or of
    nearly the same letters, in one step or several."""
    lead = list(range(len(examples)))

    def find(row: int) -> int:
        while lead[row] != row:
            lead[row] = lead[lead[row]]
            row = lead[row]
        return row

    for pairs in (
        _sharing(example.group for example in examples),
        _sharing(gist(example.text) for example in examples),
        _near(examples),
    ):
        for one, other in pairs:
            lead[find(other)] = find(one)
    return [find(row) for row in range(len(examples))]


def _choose(examples: Sequence[Example], sides: Mapping[int, Side]) -> tuple[list[Side], set[int]]:
    """The side of each, and the numbers of those whose group stands on both."""
    members: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups_of(examples)):
        if sides.get(examples[row].id) is not Side.MUST_PASS:
            members[group].append(row)
    chosen = [sides.get(example.id, Side.TRAIN) for example in examples]
    open_groups, torn = [], set()
    for rows in members.values():
        known = {sides[examples[row].id] for row in rows if examples[row].id in sides}
        if known == {Side.HOLDOUT}:
            for row in rows:
                chosen[row] = Side.HOLDOUT
        elif Side.HOLDOUT in known:  # a newer text joined them; what was learned cannot be unlearned
            torn |= {examples[row].id for row in rows}
        elif not known:
            open_groups.append(rows)
    sizes = Counter(intent for rows in members.values() for intent in {examples[row].intent for row in rows})
    for rows in _held_out(examples, open_groups, chosen, sizes):
        for row in rows:
            chosen[row] = Side.HOLDOUT
    return chosen, torn


def _held_out(
    examples: Sequence[Example], open_groups: Iterable[list[int]], chosen: Sequence[Side], sizes: Mapping[str, int]
) -> list[list[int]]:
    """Groups to hold out, of each intent as many as its share lacks; `sizes` says how many groups each has in all."""
    if len(examples) < LEAST_EXAMPLES:
        return []
    share = min(max(WANTED / len(examples), LEAST_SHARE), MOST_SHARE)
    wanted = Counter(example.intent for example in examples)
    have = Counter(example.intent for example, side in zip(examples, chosen, strict=True) if side is Side.HOLDOUT)
    by_intent: dict[str, list[list[int]]] = defaultdict(list)
    for rows in open_groups:
        intents = {examples[row].intent for row in rows}
        if len(intents) == 1:  # of what is labelled in two ways nobody can say who reads it right
            by_intent[intents.pop()].append(rows)
    found = []
    for intent, groups in by_intent.items():
        lacking = round(share * wanted[intent]) - have[intent]
        if sizes[intent] < LEAST_GROUPS:
            continue
        for rows in sorted(groups, key=lambda rows: _by_chance(examples, rows)):
            if len(rows) <= lacking:
                found.append(rows)
                lacking -= len(rows)
    return found


def _by_chance(examples: Sequence[Example], rows: Sequence[int]) -> str:
    """An order that depends on the words alone: not on when they came, nor on the machine."""
    first = min(text_key(examples[row].text) for row in rows)
    return hashlib.sha256(f"holdout {first}".encode()).hexdigest()


def _sharing(keys: Iterable[str]) -> list[tuple[int, int]]:
    first: dict[str, int] = {}
    pairs = []
    for row, key in enumerate(keys):
        if key:
            pairs.append((first.setdefault(key, row), row))
    return pairs


def _near(examples: Sequence[Example]) -> list[tuple[int, int]]:
    """Pairs of rows whose letters are nearly the same."""
    if len(examples) < 2:
        return []
    most = max(COMMON, 20 / len(examples))
    counter = TfidfVectorizer(analyzer="char_wb", ngram_range=LETTERS, max_df=most, dtype=np.float32)
    try:
        table = counter.fit_transform([gist(example.text) or example.text for example in examples])
    except ValueError:  # nothing but what all have in common
        return []
    turned = table.T.tocsc()
    pairs: list[tuple[int, int]] = []
    for start in range(0, table.shape[0], AT_ONCE):
        alike = (table[start : start + AT_ONCE] @ turned).tocoo()
        near = (alike.data >= NEAR) & (alike.row + start < alike.col)
        pairs += zip((alike.row[near] + start).tolist(), alike.col[near].tolist(), strict=True)
    return pairs
