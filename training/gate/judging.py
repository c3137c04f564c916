"""The gate: a candidate goes live only where it is shown to be no worse than what is live. Pure; it reads two reports.

First that the candidate works at all (soundness.py), then what must always be right, then the comparison with the
active version on the same questions: how it reads them (accuracy.py) and what customers have of it (conduct.py). The
first version has nothing to be compared with.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.evaluate import Prediction, Report, is_answered
from training.gate.accuracy import finding_of_harm, findings_of_accuracy, findings_of_the_long_run
from training.gate.comparing import Comparison, compared
from training.gate.conduct import findings_of_behaviour, findings_of_conduct
from training.gate.soundness import finding_of_new_labels, findings_of_soundness, is_read_right
from training.gate.verdict import Finding, Outcome, Rules, Verdict, counted, percent

MOST_NAMED = 5
MINIMUM = "minimum"
"""Kind of behaviour that is asked for whatever was held out (training/behaviours.py)."""


def judge(candidate: Report, active: Report | None, rules: Rules) -> Verdict:
    """`active` is the report of what is live, on the same questions in the same order; None: nothing is live yet."""
    findings = [*findings_of_soundness(candidate, active, rules), _must_pass(candidate.must_pass)]
    if active is not None:
        findings.append(finding_of_new_labels(candidate.fresh, rules))
    if not all(finding.passed for finding in findings):
        return Verdict(False, Outcome.KEEP, tuple(findings), "Stays out:")
    if active is None:
        return Verdict(True, Outcome.PROMOTE, tuple(findings), _first(candidate))
    both = compared(candidate, active)
    held_out = _enough(len(both.known), rules)
    if not held_out.passed:
        told = [finding_of_harm(both, rules), *findings_of_behaviour(candidate.behaviours, active.behaviours, rules)]
        if not all(finding.passed for finding in told):
            return Verdict(False, Outcome.KEEP, (*findings, held_out, *told), "Stays out:")
        return Verdict(False, Outcome.TOO_LITTLE, (*findings, held_out, *told), "Too little to tell:")
    findings += [held_out, *findings_of_accuracy(both, rules), *findings_of_the_long_run(candidate.earlier, rules)]
    findings += findings_of_conduct(both, candidate, active, rules)
    if not all(finding.passed for finding in findings):
        return Verdict(False, Outcome.KEEP, tuple(findings), "Stays out:")
    return Verdict(True, Outcome.PROMOTE, tuple(findings), _goes_live(both))


def is_as_good(served: Report, examined: Report, rules: Rules) -> bool:
    """Whether the same version with more of its examples learned reads and behaves no worse. It has learned these
    questions by now, so that this finds an accident and proves no gain; and how it takes changes of these questions
    cannot be compared."""
    minimum, minimum_before = (
        [one for one in report.behaviours if one.kind == MINIMUM] for report in (served, examined)
    )
    before, after = ({entry.text for entry in failing(one.must_pass)} for one in (examined, served))
    right, right_before = (sum(map(is_read_right, one.predictions)) for one in (served, examined))
    behaves = findings_of_behaviour(minimum, minimum_before, rules)
    sound = findings_of_soundness(served, None, rules)
    return after <= before and right >= right_before and all(finding.passed for finding in (*behaves, *sound))


def failing(asked: Sequence[Prediction]) -> list[Prediction]:
    """The must-pass questions that do not pass."""
    return [entry for entry in asked if not _passes(entry)]


def _must_pass(asked: Sequence[Prediction]) -> Finding:
    failed = failing(asked)
    if not failed:
        words = f"All {len(asked):,} must-pass questions are right." if asked else "There are no must-pass questions."
        return Finding("must-pass questions", True, words)
    # Not their words: those stand in the page, where they can be erased.
    named = "; ".join(_meant(entry) for entry in failed[:MOST_NAMED])
    more = f"; and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
    return Finding(
        "must-pass questions", False, f"{len(failed):,} of {len(asked):,} must-pass questions fail: {named}{more}."
    )


def _passes(entry: Prediction) -> bool:
    """The right answer, or the question for a value that it needs; a choice of several is not enough. What nobody
    should answer passes where nobody does."""
    if not entry.in_scope:
        return not is_answered(entry)
    return entry.right and not entry.choices


def _meant(entry: Prediction) -> str:
    if not entry.in_scope:
        return f"answered with {entry.predicted}, out of scope"
    return f"wanted {entry.intent}, {'not sure enough' if is_read_right(entry) else f'read as {entry.predicted}'}"


def _enough(count: int, rules: Rules) -> Finding:
    words = f"{counted(count, 'held-out question', 'held-out questions')} about intents that both versions know"
    if count < rules.least_questions:
        return Finding("held-out questions", False, f"{words}; to compare them takes {rules.least_questions:,}.")
    return Finding("held-out questions", True, f"{words}.")


def _first(candidate: Report) -> str:
    known = [entry for entry in candidate.predictions if entry.in_scope]
    if not known:
        return "Goes live as the first version; too few examples to hold questions out."
    right = percent(sum(is_read_right(entry) for entry in known) / len(known))
    return f"Goes live as the first version: {right} right on {len(known):,} questions that it had not seen."


def _goes_live(both: Comparison) -> str:
    pairs, (before, after) = both.accuracy, both.shares_right()
    return (
        f"Goes live: {percent(after)} right instead of {percent(before)} on {pairs.count:,} questions that neither had "
        f"seen; {pairs.mended:,} mended, {pairs.broken:,} broken."
    )
