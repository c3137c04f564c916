"""From which strength on a passage of a document may answer: chosen from the error budget, without a labelled pair.

Nobody labels questions with passages, but each example whose intent has a template is a question with its approved
answer. So the templates play the passages, and each question is asked with the templates of its own intent hidden: then
nothing answers it, and whatever reaches the threshold is wrong. The threshold is the lowest at which, with 95 %
confidence, at most `error_budget` of such questions get an answer.

That is a promise about the questions that templates leave open: whatever share of them the documents answer, at most so
many are answered wrongly, for an answer that is wrong although the right one is there also passes when that is hidden.
With as many wrong among what templates answer it makes at most the budget of all messages. It does not say that at most
so many *of the answers* from documents are wrong. That cannot be shown from templates: those of one shop are nearer to
each other than its documents are, and on the sample shop no threshold passes such a test, at a budget of 10 % neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from chatbot.documents import strongest
from chatbot.encoder import Encoder
from chatbot.knowledge import PASSAGES_COMPARED, Nearby, base_language, vectors_of
from chatbot.overlap import Rarity, covered, words_of
from chatbot.store.knowledge import KnowledgeStore, Snapshot
from chatbot.types import HANDOFF_INTENT, Example, Passage, Status, Template, Vector
from training.calibrate import CONFIDENCE, upper_bound

MOST_QUESTIONS = 4_000
"""More would make the bound hardly tighter, and take longer than fitting the classifier."""

LEAST_PASSAGE_AT = 0.5
"""However easily a shop's templates are told apart: a passage with less has little more than the subject in common."""

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class PassageThreshold:
    """`at` is for `Policy.passage_at`; `promise` says in words what was shown. Of `questions`, the answer to `found`
    was the strongest passage and reached the threshold when it was not hidden, and of `answerable` one was there."""

    at: float | None
    promise: str
    questions: int
    answerable: int
    found: int


def passage_threshold(
    examples: Sequence[Example],
    vectors: Vector,
    snapshot: Snapshot,
    *,
    store: KnowledgeStore,
    encoder: Encoder,
    error_budget: float,
) -> PassageThreshold:
    """`vectors` has a row for each example, shape (examples, dimension)."""
    hidden: list[float] = []
    shown: list[tuple[bool, float]] = []
    for language in sorted({base_language(example.language) for example in examples}):
        rows = [row for row, example in enumerate(examples) if base_language(example.language) == language]
        passages = _played_by_templates(snapshot, language)
        if not passages:
            continue
        rows = rows[:: -(-len(rows) // MOST_QUESTIONS)]
        similarities = vectors[rows] @ vectors_of(passages, store=store, encoder=encoder).T
        pairs = _Pairs(passages)
        for row, near in zip(rows, similarities, strict=True):
            example = examples[row]
            own = np.array([passage.document == example.intent for passage in passages])
            weights = pairs.rarity.weights(words_of(example.text))
            hidden.append(pairs.strongest(weights, np.where(own, -np.inf, near))[1])
            if own.any():
                best, reached = pairs.strongest(weights, near)
                shown.append((best == example.intent, reached))
    at = lowest_within_budget(np.array(hidden), error_budget)
    found = 0 if at is None else sum(right and reached >= at for right, reached in shown)
    return PassageThreshold(at, _promise(at, len(hidden), error_budget), len(hidden), len(shown), found)


def lowest_within_budget(wrong: NDArray[np.float64], error_budget: float) -> float | None:
    """The lowest threshold that, with 95 % confidence, at most `error_budget` of such strengths reach; None where there
    are too few to show it for any.

    An order statistic with an exact binomial bound (Clopper and Pearson): the risk falls as the threshold rises, so
    this is one test and no search.
    """
    total = len(wrong)
    allowed = list(takewhile(lambda count: upper_bound(count, total, CONFIDENCE) <= error_budget, range(total)))
    if not allowed:
        return None
    above = np.nextafter(np.sort(wrong)[::-1][allowed[-1]], np.inf)
    return max(float(above), LEAST_PASSAGE_AT)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Questions against templates that play passages, compared as `Knowledge.search_passages` compares."""

    passages: Sequence[Passage]
    words: list[frozenset[str]]
    rarity: Rarity

    def __init__(self, passages: Sequence[Passage]) -> None:
        words = [words_of(f"{passage.title}. {passage.body}") for passage in passages]
        object.__setattr__(self, "passages", passages)
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "rarity", Rarity.among(words))

    def strongest(self, weights: Mapping[str, float], similarities: NDArray[np.float32]) -> tuple[str, float]:
        """The intent of the best passage with its strength; those of similarity -inf are hidden."""
        nearest = np.argsort(-similarities, kind="stable")[:PASSAGES_COMPARED].tolist()
        nearby = [
            Nearby(self.passages[place], float(similarities[place]), covered(weights, self.words[place]))
            for place in nearest
            if np.isfinite(similarities[place])
        ]
        if not nearby:
            return "", 0.0
        best, reached = strongest(nearby)
        return best.passage.document, reached


def _played_by_templates(snapshot: Snapshot, language: str) -> list[Passage]:
    """Approved templates of a language as passages: the intent is the document, its title the heading."""
    titles = {intent.name: intent.titles for intent in snapshot.intents}
    facts = {fact.name: fact.value for fact in snapshot.facts}
    return [
        Passage(
            document=template.intent,
            title=titles.get(template.intent, {}).get(language) or template.intent.replace("_", " "),
            body=_VARIABLE.sub(lambda match: facts.get(match[1]) or match[1].replace("_", " "), template.body),
            language=template.language,
        )
        for template in snapshot.templates
        if _plays(template, language)
    ]


def _plays(template: Template, language: str) -> bool:
    """Dated wordings say what an evergreen one beside them says: they would only hide each other."""
    dated = template.valid_from is not None or template.valid_until is not None
    spoken = base_language(template.language) == language
    return template.status is Status.APPROVED and spoken and not dated and template.intent != HANDOFF_INTENT


def _promise(at: float | None, count: int, error_budget: float) -> str:
    if at is None:
        return (
            f"Documents answer nothing: {count:,} questions are too few to show that at most {error_budget:.1%} would "
            "be answered wrongly from them."
        )
    return (
        f"What templates leave open is quoted from documents from a strength of {at:.2f} on: with {CONFIDENCE:.0%} "
        f"confidence at most {error_budget:.1%} of it is answered wrongly (shown on {count:,} questions whose own "
        "template was hidden)."
    )
