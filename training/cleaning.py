"""Before anything learns: what says the same twice is learned once, and labels that contradict each other are told.

Nothing is changed in the store. People settle what is in doubt; until then a label that an agent confirmed goes before
one that came with a file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatbot.store.lineage import Suspicion
from chatbot.text import gist, normalise
from chatbot.types import Example

REVIEWED = "review"
"""Beginning of the source of what an agent confirmed."""

LEAST_LEARNED = 4
"""Examples of an intent below which a doubt about one of them says more about the doubt."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One question with several labels; `kept` is the one that training uses, None where all are left out."""

    texts: tuple[str, ...]
    intents: tuple[str, ...]
    kept: str | None


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`examples` in their order; `repeated` of them said what another said already."""

    examples: tuple[Example, ...]
    repeated: int
    conflicts: tuple[Conflict, ...]


def clean(examples: Sequence[Example]) -> Cleaned:
    """One example of those that say the same with the same label; of contradicting ones those that an agent confirmed,
    or none."""
    alike: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for example in examples:
        # With no words left but small ones ("please?"), the text itself is what it says.
        alike[gist(example.text) or normalise(example.text), example.language].append(example)
    kept: set[int] = set()
    conflicts = []
    for group in alike.values():
        intents = sorted({example.intent for example in group})
        settled = _settled(group) if len(intents) > 1 else intents[0]
        if len(intents) > 1:
            conflicts.append(Conflict(tuple(example.text for example in group), tuple(intents), settled))
        first = next((example for example in group if example.intent == settled), None)
        if first is not None:
            kept.add(id(first))
    left = tuple(example for example in examples if id(example) in kept)
    in_conflict = sum(len(conflict.texts) for conflict in conflicts)
    settled_count = sum(conflict.kept is not None for conflict in conflicts)
    return Cleaned(left, len(examples) - len(left) - (in_conflict - settled_count), tuple(conflicts))


def doubts(
    examples: Sequence[Example], intents: Sequence[str], labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> list[Suspicion]:
    """Labels that the other examples contradict, by confident learning (Northcutt et al. 2021); the surest first.

    `probabilities`, shape (examples, intents), come from parts that had not seen the example. Empty where an intent has
    too few to say.
    """
    from cleanlab.filter import find_label_issues

    enough = np.bincount(labels, minlength=len(intents))[labels] >= LEAST_LEARNED
    rows = np.flatnonzero(enough)
    present, dense = np.unique(labels[rows], return_inverse=True)
    if len(present) < 2:
        return []
    given = probabilities[rows][:, present]
    given = given / np.maximum(given.sum(axis=1, keepdims=True), 1e-12)
    issues = find_label_issues(
        labels=dense, pred_probs=given, return_indices_ranked_by="self_confidence", filter_by="both", n_jobs=1
    )
    found = []
    for at in np.asarray(issues, dtype=np.int64).tolist():
        best = int(given[at].argmax())
        example = examples[int(rows[at])]
        proposed = intents[int(present[best])]
        if proposed != example.intent:
            found.append(Suspicion(example.id, example.intent, proposed, float(given[at, best])))
    return found


def _settled(group: Sequence[Example]) -> str | None:
    """The label that agents confirmed, where they agree."""
    confirmed = {example.intent for example in group if re.match(rf"{REVIEWED}\b", example.source)}
    return confirmed.pop() if len(confirmed) == 1 else None
