"""What the report says, in which order: the figures first, then why, then what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from training.calibrate import Automation
from training.evaluate import Prediction, most_confused
from training.gate import failing
from training.gate.verdict import counted, percent
from training.page.background import behaviours, data, label_next, learning, settings
from training.page.blocks import (
    Block,
    Cell,
    Checks,
    Columns,
    Mood,
    Picture,
    Pictures,
    Quote,
    Quotes,
    Section,
    Table,
    Words,
)
from training.page.charts import (
    automation_chart,
    confusion_chart,
    intents_chart,
    reliability_chart,
    risk_chart,
)
from training.page.drawing import whole
from training.page.figures import Change, changes, crossed
from training.page.measures import measures
from training.page.told import Told

MOST_QUOTES = 8
MOST_LISTED = 15
MOST_ROWS = 12


def sections(told: Told) -> list[Section]:
    found = [
        Section("Before and after", [_measures(told)]),
        Section("What the gate looked at", [_checks(told), *_must_pass(told)]),
        Section("Intent by intent", list(_intents(told))),
        Section("Mended and broken" if told.active else "What it reads wrong", list(_crossed(told))),
        Section("What is taken for what", list(_confusion(told.candidate.predictions))),
        Section("How sure it is", list(_sureness(told))),
        Section("How it behaves", list(behaviours(told))),
        Section("How it learned", list(learning(told))),
        Section("What came in", list(data(told))),
        Section("What to label next", list(label_next(told))),
        Section("Settings", list(settings(told))),
    ]
    return [section for section in found if section.blocks]


def _measures(told: Told) -> Table:
    rows = measures(told.candidate, told.active)
    if told.active is None:
        return Table(["figure", "first version"], [[name, now] for name, _, now, _ in rows])
    return Table(["figure", "before", "now", "change"], rows)


def _checks(told: Told) -> Checks:
    """What failed stands first."""
    ordered = sorted(told.verdict.findings, key=lambda finding: finding.passed)
    return Checks([(finding.passed, finding.rule, finding.words) for finding in ordered])


def _must_pass(told: Told) -> Iterator[Block]:
    failed = [
        Quote(one.text, f"wanted {one.intent}, read as {one.predicted}") for one in failing(told.candidate.must_pass)
    ]
    if failed:
        more = max(len(failed) - MOST_QUOTES, 0)
        yield Quotes("Must-pass questions that fail", failed[:MOST_QUOTES], mood=Mood.BAD, more=more)


def _intents(told: Told) -> Iterator[Block]:
    before = told.active.predictions if told.active else None
    found = changes(told.candidate.predictions, before)
    chart = intents_chart(found)
    if chart is not None:
        yield Pictures([Picture("Share read right", "The intents that moved most.", chart)])
    moved = [change for change in found if change.before is None or change.gain]
    still = [change for change in found if change not in moved]
    header = ["intent", "questions", "precision", "recall", "F1"]
    if moved and told.active is None:
        yield Table(header, [_intent_row(change) for change in moved], folded=f"All {len(moved):,} intents")
    elif moved:
        yield Table([*header, "change of F1"], [_intent_row(change) for change in moved[:MOST_ROWS]])
        if len(moved) > MOST_ROWS:
            rest = [_intent_row(change) for change in moved[MOST_ROWS:]]
            yield Table([*header, "change of F1"], rest, folded=f"{len(rest):,} more that changed")
    if still:
        words = f"{counted(len(still), 'intent', 'intents')} read as before"
        yield Table([*header, "change of F1"], [_intent_row(change) for change in still], folded=words)
    if not found:
        yield Words("No questions about any intent were held out.")


def _intent_row(change: Change) -> list[str | Cell]:
    after, before = change.after, change.before
    row: list[str | Cell] = [change.intent, f"{after.asked:,}"]
    for name in ("precision", "recall", "f1"):
        now, then = getattr(after, name), getattr(before, name) if before else None
        row.append(Cell(_share(now), f"from {_share(then)}" if before is not None and then != now else ""))
    if before is not None:
        mood = Mood.EVEN if not change.gain else Mood.GOOD if change.gain > 0 else Mood.BAD
        row.append(Cell(f"{100 * change.gain:+.1f}".replace("-", "−") if change.gain else "0", mood=mood))
    return row


def _share(value: float | None) -> str:
    return "–" if value is None else whole(value)


def _crossed(told: Told) -> Iterator[Block]:
    if told.active is None:
        wrong = [entry for entry in told.candidate.predictions if entry.in_scope and entry.predicted != entry.intent]
        worst = sorted(wrong, key=lambda entry: -entry.probability)
        quotes = [Quote(entry.text, _misread(entry)) for entry in worst[:MOST_QUOTES]]
        if quotes:
            yield Quotes("The surest mistakes first", quotes, Mood.BAD, len(wrong) - len(quotes))
        return
    columns = []
    for title, mended in (("Mended", True), ("Broken", False)):
        pairs = crossed(told.candidate.predictions, told.active.predictions, mended=mended)
        quotes = [Quote(now.text, _crossing(then, now)) for then, now in pairs[:MOST_QUOTES]]
        more = len(pairs) - len(quotes)
        mood = Mood.GOOD if mended else Mood.BAD
        columns.append(Quotes(f"{title}: {len(pairs):,}", quotes, mood, more))
    yield Columns(columns)


def _misread(entry: Prediction) -> str:
    return f"wanted {entry.intent}, read as {entry.predicted or 'nothing'} ({whole(entry.probability)} sure)"


def _crossing(then: Prediction, now: Prediction) -> str:
    return (
        f"wanted {now.intent}; before {then.predicted or 'nothing'} ({whole(then.probability)}), "
        f"now {now.predicted or 'nothing'} ({whole(now.probability)})"
    )


def _confusion(predictions: Sequence[Prediction]) -> Iterator[Block]:
    chart = confusion_chart(predictions)
    if chart is None:
        yield Words("Nothing was taken for anything else.")
        return
    yield Pictures([Picture("Wanted (rows) and read (columns)", "The intents with the most mistakes.", chart)])
    pairs = most_confused(predictions, MOST_LISTED)
    if pairs:
        yield Table(
            ["wanted", "read as", "times"], [[wanted, read, f"{count:,}"] for wanted, read, count in pairs], names=2
        )


def _sureness(told: Told) -> Iterator[Block]:
    before = told.active.predictions if told.active else None
    drawn = [
        ("Honest probabilities", "On the dashed line as many are right as it says; a larger dot is more questions.",
         reliability_chart(told.held_out)),
        ("What answering more would cost", "From the surest questions on, out-of-scope ones among them.",
         risk_chart(told.candidate.predictions, before)),
        ("What each error budget would answer", "Grey: too little data to promise it. Orange: chosen.",
         automation_chart(told.automation, told.error_budget)),
    ]  # fmt: skip
    pictures = [Picture(title, caption, chart) for title, caption, chart in drawn if chart is not None]
    if pictures:
        yield Pictures(pictures)
    if told.automation:
        header = ["at most wrong", "answered by itself", "wrong of these"]
        yield Table(header, [_budget_row(entry) for entry in told.automation], folded="The same as a table")


def _budget_row(entry: Automation) -> list[str | Cell]:
    note = "" if entry.proven else "too little data to promise it"
    return [Cell(whole(entry.budget), note), percent(entry.answered), percent(entry.wrong)]
