"""Before anything is compared: is a candidate's report the report of a working bot on the right questions?

A sick candidate (figures that are no numbers, mixed-up labels, one intent for everything) is refused whatever is live,
and also where nothing is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields

from chatbot.types import OUT_OF_SCOPE
from training.evaluate import Fresh, Prediction, Report
from training.gate.paired import chance_of_so_many
from training.gate.verdict import Finding, Rules, counted, percent

CLEARLY = 0.05
"""Chance above which "better than guessing" could be luck. Whatever works is far below it with twenty questions."""

LEAST_TO_GUESS = 10
"""Questions below which a working bot could look like guessing by bad luck."""

FEW_NAMES = 5


def findings_of_soundness(candidate: Report, active: Report | None, rules: Rules) -> list[Finding]:
    """Of the candidate alone, and that it can be compared with the active version at all."""
    found = [_are_numbers(candidate), _makes_sense(candidate.predictions)]
    if active is not None:
        found += [_same_questions(candidate, active), _keeps_intents(candidate, active, rules)]
    return found


def is_read_right(entry: Prediction) -> bool:
    return entry.predicted == entry.intent


def _are_numbers(report: Report) -> Finding:
    bad = [
        field.name.replace("_", " ")
        for part in (report.summary, report.retrieval)
        if part is not None
        for field in fields(part)
        if not _is_number(getattr(part, field.name))
    ]
    asked = (*report.predictions, *report.must_pass)
    odd = sum(not (_is_share(entry.probability) and _is_share(entry.in_scope_probability)) for entry in asked)
    if any(not math.isfinite(entry.milliseconds) for entry in asked):
        bad.append("time of an answer")
    if odd:
        bad.append(f"probability of {counted(odd, 'question', 'questions')}")
    if bad:
        return Finding("numbers", False, f"Its report has figures that are no numbers: {', '.join(bad[:FEW_NAMES])}.")
    return Finding("numbers", True, "All figures and probabilities of its report are numbers.")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value))


def _is_share(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= 1 + 1e-6


def _makes_sense(predictions: Sequence[Prediction]) -> Finding:
    """Better than drawing its own readings by lot, and than always naming the most frequent intent."""
    known = [entry for entry in predictions if entry.in_scope]
    asked, read = Counter(entry.intent for entry in known), Counter(entry.predicted for entry in known)
    if len(known) < LEAST_TO_GUESS or len(asked) < 2:
        return Finding("better than guessing", True, "Too few questions were held out to compare it with guessing.")
    right = sum(is_read_right(entry) for entry in known)
    ratio = f"It reads {percent(right / len(known))} of {len(known):,} questions right"
    lots = sum(asked[intent] * read[intent] for intent in asked) / len(known) ** 2
    if chance_of_so_many(right, len(known), lots) > CLEARLY:
        return Finding(
            "better than guessing",
            False,
            f"{ratio}, no better than if its labels had been mixed up (drawing lots gives {percent(lots)}).",
        )
    favourite, times = asked.most_common(1)[0]
    always, most = times / len(known), read.most_common(1)[0][1] / len(known)
    if most > (1 + always) / 2:  # a shop may have one intent that is most of what customers ask
        said = read.most_common(1)[0][0]
        return Finding(
            "better than guessing",
            False,
            f'{ratio}, and {percent(most)} of them as "{said}": it has collapsed.',
        )
    return Finding("better than guessing", True, f'{ratio}; always saying "{favourite}" gives {percent(always)}.')


def _same_questions(candidate: Report, active: Report) -> Finding:
    after, before = ([(entry.text, entry.intent) for entry in each.predictions] for each in (candidate, active))
    if after == before:
        return Finding("same questions", True, f"Both versions were asked the same {len(after):,} questions.")
    if len(after) != len(before):
        difference = f"{len(after):,} and {len(before):,}"
    else:
        first = next(number for number, each in enumerate(zip(after, before, strict=True), 1) if each[0] != each[1])
        difference = f"number {first:,} differs"
    return Finding(
        "same questions",
        False,
        f"The two versions were not asked the same questions ({difference}), so they cannot be compared.",
    )


def finding_of_new_labels(fresh: Sequence[Fresh], rules: Rules) -> Finding:
    """A week of wrong labels among years of right ones moves no accuracy; it shows in what the others say of them."""
    if not fresh:
        return Finding("new labels", True, "Nothing came in since the active version.")
    level = rules.level / len(fresh)
    bad = [
        batch for batch in fresh if chance_of_so_many(batch.contradicted, batch.count, rules.most_contradicted) <= level
    ]
    if bad:
        worst = max(bad, key=lambda batch: batch.contradicted)
        return Finding(
            "new labels",
            False,
            f"Of {counted(worst.count, 'new example', 'new examples')} ({worst.batch}) the others contradict "
            f"{worst.contradicted:,}. So many labels cannot be right; look at what came in.",
        )
    total, contradicted = sum(batch.count for batch in fresh), sum(batch.contradicted for batch in fresh)
    words = f"Of {counted(total, 'new example', 'new examples')} the others contradict {contradicted:,}."
    return Finding("new labels", True, words)


def _keeps_intents(candidate: Report, active: Report, rules: Rules) -> Finding:
    asked = Counter(entry.intent for entry in (*candidate.predictions, *candidate.must_pass))
    lost = sorted(set(active.intents) - set(candidate.intents) - {OUT_OF_SCOPE})
    missing = [intent for intent in lost if asked[intent] or intent in rules.still_wanted]
    if missing:
        named = ", ".join(f'"{intent}"' for intent in missing[:FEW_NAMES])
        more = f" and {len(missing) - FEW_NAMES} more" if len(missing) > FEW_NAMES else ""
        asks = counted(sum(asked[intent] for intent in missing), "held-out question", "held-out questions")
        return Finding(
            "intents kept",
            False,
            f"It no longer knows {named}{more}, which the active version knows and which still have examples ({asks}).",
        )
    words = f"It knows {counted(len(candidate.intents), 'intent', 'intents')}, all that the active version knows."
    if lost:
        words = f"It no longer knows {', '.join(lost[:FEW_NAMES])}; nothing approved is about that any more."
    return Finding("intents kept", True, words)
