"""Whether a candidate does no worse to customers than the active version: what it answers wrongly or leaves to people,
how it behaves, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from training.evaluate import Behaviour, Prediction, Report, is_answered, is_clarified
from training.gate.comparing import Comparison, Pair, sides
from training.gate.paired import chance_of_being_no_worse, chance_of_so_few, chance_of_so_many, pair
from training.gate.verdict import Finding, Rules, counted, percent, points


def findings_of_conduct(both: Comparison, candidate: Report, active: Report, rules: Rules) -> list[Finding]:
    return [
        _wrong_answers(both, rules),
        _error_budget(candidate, active, rules),
        _strangers(both.strangers, rules),
        _help(both.known, rules),
        *findings_of_behaviour(candidate.behaviours, active.behaviours, rules),
        _time(candidate, active, rules),
        _size(candidate, active, rules),
    ]


def _wrong_answers(both: Comparison, rules: Rules) -> Finding:
    """Wrong answers are what customers suffer from; clarified or handed to a person is not wrong."""
    before = [_is_wrong(each.before) for each in both.old]
    after = [_is_wrong(each.after) for each in both.old]
    pairs = pair([not wrong for wrong in before], [not wrong for wrong in after])
    words = (
        f"{counted(sum(after), 'wrong answer', 'wrong answers')} instead of {sum(before):,}: "
        f"{pairs.broken:,} new, {pairs.mended:,} gone."
    )
    if chance_of_being_no_worse(pairs) <= rules.level:
        return Finding("wrong answers", False, f"{words} That is more than chance explains.")
    if pairs.difference < -rules.margin:
        return Finding("wrong answers", False, f"{words} That is more than {points(rules.margin)} of the questions.")
    return Finding("wrong answers", True, words)


def _error_budget(candidate: Report, active: Report, rules: Rules) -> Finding:
    wrong, answered = _wrong_of_answered(candidate)
    wrong_before, answered_before = _wrong_of_answered(active)
    share, before = wrong / max(answered, 1), wrong_before / max(answered_before, 1)
    words = f"{wrong:,} of {answered:,} answers are wrong ({percent(share)}; allowed: {percent(rules.error_budget)})."
    if chance_of_so_many(wrong, answered, rules.error_budget) > rules.level:
        return Finding("error budget", True, words)
    # Where labels are wrong, answers seem so; a version that is as far beyond the budget as the one before is no worse.
    beyond_before = chance_of_so_many(wrong_before, answered_before, rules.error_budget) <= rules.level
    if beyond_before and share <= before + rules.margin:
        return Finding("error budget", True, f"{words} Too many, but the active version has {percent(before)}.")
    return Finding("error budget", False, f"{words} That is more than chance explains.")


def _strangers(strangers: Sequence[Pair], rules: Rules) -> Finding:
    if not strangers:
        return Finding("out of scope", True, "No question that it should not answer was held out.")
    before, after = ([is_answered(one) for one in side] for side in sides(strangers))
    pairs = pair([not answered for answered in before], [not answered for answered in after])
    words = f"It answers {sum(after):,} of {len(after):,} questions that no intent covers, before {sum(before):,}."
    if chance_of_being_no_worse(pairs) <= rules.level:
        return Finding("out of scope", False, f"{words} That is more than chance explains.")
    return Finding("out of scope", True, words)


def _help(known: Sequence[Pair], rules: Rules) -> Finding:
    """A version that hands everything to people is never wrong, and no use."""
    before, after = ([(is_answered(one) or is_clarified(one)) and one.right for one in side] for side in sides(known))
    pairs = pair(before, after)
    words = (
        f"{percent(sum(after) / max(len(after), 1))} of the questions end with the right answer or the right choice, "
        f"before {percent(sum(before) / max(len(before), 1))}."
    )
    if pairs.difference < -rules.help_margin and chance_of_being_no_worse(pairs) <= rules.level:
        return Finding(
            "help",
            False,
            f"{words} It leaves {points(pairs.difference)} more to people; if you lowered the error budget and want "
            "that, promote it by hand.",
        )
    return Finding("help", True, words)


def findings_of_behaviour(after: Sequence[Behaviour], before: Sequence[Behaviour], rules: Rules) -> Iterator[Finding]:
    """One finding for each behaviour that was lost, and one for all that were kept."""
    known = {behaviour.name: behaviour for behaviour in before if behaviour.cases}
    both = [(now, known[now.name]) for now in after if now.cases and now.name in known]
    lost = [(now, then) for now, then in both if not _still_behaves(now, then, rules)]
    for now, then in lost:
        yield Finding(
            "behaviour",
            False,
            # Which ones stands in the page, where they can be erased.
            f"{now.name[:1].upper()}{now.name[1:]}: {now.passed:,} of {now.cases:,} as it should be, before "
            f"{then.passed:,} of {then.cases:,}.",
        )
    if len(lost) < len(both):
        kept = len(both) - len(lost)
        yield Finding("behaviours", True, f"{counted(kept, 'behaviour is', 'behaviours are')} as before or better.")


def _still_behaves(now: Behaviour, then: Behaviour, rules: Rules) -> bool:
    if now.kind == "minimum" and then.passed == then.cases:
        return now.passed == now.cases
    fall = then.passed / then.cases - now.passed / now.cases
    chance = chance_of_so_few(now.passed, now.cases, then.passed, then.cases)
    return fall <= rules.behaviour_margin or chance > rules.level


def _time(candidate: Report, active: Report, rules: Rules) -> Finding:
    now, then = candidate.summary.p50_ms, active.summary.p50_ms
    words = f"Half of the answers take at most {now:.1f} ms, before {then:.1f} ms."
    if now <= rules.unfelt_milliseconds or now <= rules.most_latency_ratio * then:
        return Finding("time", True, words)
    return Finding("time", False, f"{words} At most {rules.most_latency_ratio:g} times as long is allowed.")


def _size(candidate: Report, active: Report, rules: Rules) -> Finding:
    now, then = candidate.size_bytes / 1e6, active.size_bytes / 1e6
    words = f"It is {now:,.0f} MB large, before {then:,.0f} MB."
    if now <= rules.unfelt_megabytes or now <= rules.most_size_ratio * then:
        return Finding("size", True, words)
    return Finding("size", False, f"{words} At most {rules.most_size_ratio:g} times as large is allowed.")


def _is_wrong(entry: Prediction) -> bool:
    return is_answered(entry) and not entry.right


def _wrong_of_answered(report: Report) -> tuple[int, int]:
    answered = [entry for entry in report.predictions if is_answered(entry)]
    return sum(not entry.right for entry in answered), len(answered)
