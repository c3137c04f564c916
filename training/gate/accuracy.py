"""Whether a candidate reads questions no worse than the active version: all together, and intent by intent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from training.evaluate import Earlier
from training.gate.comparing import Comparison, Pair, rights
from training.gate.paired import chance_of_being_no_worse, fallen, is_provable, lowest_difference, pair
from training.gate.soundness import FEW_NAMES, is_read_right
from training.gate.verdict import Finding, Rules, counted, percent, points


def findings_of_accuracy(both: Comparison, rules: Rules) -> list[Finding]:
    return [_accuracy(both, rules), _each_intent(both.known, rules), *_new_intents(both.new)]


def finding_of_harm(both: Comparison, rules: Rules) -> Finding:
    """What even the fewest questions can show: that a candidate is worse."""
    pairs, (before, after) = both.accuracy, both.shares_right()
    words = f"{percent(after)} right instead of {percent(before)}: {pairs.mended:,} mended, {pairs.broken:,} broken."
    if chance_of_being_no_worse(pairs) <= rules.level:
        return Finding("questions read right", False, f"{words} It is worse by more than chance explains.")
    return Finding("questions read right", True, words)


def _accuracy(both: Comparison, rules: Rules) -> Finding:
    pairs, (before, after) = both.accuracy, both.shares_right()
    lowest = lowest_difference(pairs)
    figures = (
        f"{percent(after)} right instead of {percent(before)} on {pairs.count:,} questions: "
        f"{pairs.mended:,} mended, {pairs.broken:,} broken."
    )
    if lowest < -rules.margin and is_provable(pairs.count, rules.margin):
        return Finding(
            "questions read right",
            False,
            f"{figures} It may be up to {points(lowest)} worse, and {points(rules.margin)} are allowed.",
        )
    if chance_of_being_no_worse(pairs) <= rules.level:
        return Finding("questions read right", False, f"{figures} It is worse by more than chance explains.")
    if lowest < -rules.margin:
        # So few would not show it of an equal version either. To allow no loss at all would end all retraining: what is
        # live was chosen by these very questions and has had luck with them, so the next equal one mostly has less.
        passed = pairs.difference >= -rules.margin / 2
        return Finding(
            "questions read right",
            passed,
            f"{figures} So few questions cannot show that it is at most {points(rules.margin)} worse (not proven); "
            f"on balance it has lost {'no more than half of that' if passed else 'more than half of that'}.",
        )
    sure = f"at least {points(lowest)} better" if lowest > 0 else f"at most {points(lowest)} worse"
    return Finding("questions read right", True, f"{figures} With 95 % confidence it is {sure}.")


def findings_of_the_long_run(earlier: Earlier | None, rules: Rules) -> Iterator[Finding]:
    """Losses within the margin, several times in a row, are a loss beyond it."""
    if earlier is None:
        return
    pairs = pair(earlier.before, earlier.after)
    lost_surely = pairs.difference < -rules.margin / 2 and chance_of_being_no_worse(pairs) <= rules.level
    before, after = (percent(sum(side) / pairs.count) for side in (earlier.before, earlier.after))
    words = (
        f"{after} right instead of {before} on {pairs.count:,} questions that {earlier.version}, which served before, "
        f"was asked too: {pairs.mended:,} mended, {pairs.broken:,} broken."
    )
    if pairs.difference < -rules.margin or lost_surely:
        yield Finding("the long run", False, f"{words} Small losses have added up.")
    else:
        yield Finding("the long run", True, words)


def _each_intent(known: Sequence[Pair], rules: Rules) -> Finding:
    """Tests only what can be told; intents with too few questions are one group together."""
    groups = _groups(known, rules.least_of_an_intent)
    pairs = {name: pair(*rights(group)) for name, group in groups.items()}
    beyond_chance = dict(zip(pairs, fallen(list(pairs.values()), rules.level), strict=True))
    lower = {name: each.difference for name, each in pairs.items() if each.difference < -rules.intent_margin}
    surely = sorted((name for name in lower if beyond_chance[name]), key=lambda name: (lower[name], name))
    if surely:
        named = "; ".join(_fall(name, groups[name]) for name in surely[:FEW_NAMES])
        return Finding("each intent", False, f"Read worse by more than chance explains: {named}.")
    words = (
        f"No intent fell by more than {points(rules.intent_margin)} beyond what chance explains "
        f"({counted(len(groups), 'group', 'groups')} of at least {rules.least_of_an_intent} questions)."
    )
    if lower:
        few = sorted(lower, key=lambda name: (lower[name], name))[:FEW_NAMES]
        words += f" Worth a look: {'; '.join(_fall(name, groups[name]) for name in few)}."
    return Finding("each intent", True, words)


def _groups(known: Sequence[Pair], least: int) -> dict[str, list[Pair]]:
    by_intent: dict[str, list[Pair]] = defaultdict(list)
    for each in known:
        by_intent[each.after.intent].append(each)
    small = [name for name, group in by_intent.items() if len(group) < least]
    together = [each for name in small for each in by_intent.pop(name)]
    named = f"those with fewer than {least} questions together" if len(small) > 1 else "".join(small)
    return {**by_intent, named: together} if len(together) >= least or not by_intent else dict(by_intent)


def _fall(name: str, group: Sequence[Pair]) -> str:
    before, after = (sum(side) for side in rights(group))
    return f"{name} (right {after} of {len(group)}, before {before})"


def _new_intents(new: Sequence[Pair]) -> Iterator[Finding]:
    if new:
        names = sorted({each.after.intent for each in new})
        right = sum(is_read_right(each.after) for each in new)
        yield Finding(
            "new intents",
            True,
            f"{counted(len(names), 'new intent', 'new intents')} ({', '.join(names[:FEW_NAMES])}"
            f"{', …' if len(names) > FEW_NAMES else ''}): {right:,} of {len(new):,} questions right; "
            "they count for neither version.",
        )
