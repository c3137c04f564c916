"""The second half of the report: how the version behaves and learned, what it learned from, and what would help it."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluate import Behaviour
from training.gate.verdict import counted
from training.page.blocks import Block, Cell, Columns, Mood, Picture, Pictures, Quote, Quotes, Table, Words
from training.page.charts import training_chart
from training.page.told import Told

MOST_QUOTES = 8
MOST_LISTED = 15
MOST_ROWS = 12
KINDS = {"minimum": "a minimum", "invariance": "same meaning, same reading", "directional": "a direction"}


def behaviours(told: Told) -> Iterator[Block]:
    then = {behaviour.name: behaviour for behaviour in (told.active.behaviours if told.active else ())}
    asked = [behaviour for behaviour in told.candidate.behaviours if behaviour.cases]
    if asked:
        header = ["behaviour", "before", "now"] if then else ["behaviour", "now"]
        rows: list[list[str | Cell]] = []
        for now in asked:
            before = [_kept(then.get(now.name))] if then else []
            fell = now.passed < now.cases
            mood = Mood.BAD if fell and now.kind == "minimum" else Mood.EVEN
            named = Cell(f"{now.name[:1].upper()}{now.name[1:]}", KINDS.get(now.kind, now.kind))
            rows.append([named, *before, Cell(_kept(now), mood=mood)])
        yield Table(header, rows)
    failures = [Quote(text or "(nothing)", f"{each.name}: {why}") for each in asked for text, why in each.failures[:2]]
    if failures:
        yield Quotes("For example", failures[:MOST_QUOTES], Mood.EVEN, max(len(failures) - MOST_QUOTES, 0))


def _kept(behaviour: Behaviour | None) -> str:
    if behaviour is None or not behaviour.cases:
        return "–"
    return f"{behaviour.passed:,} of {behaviour.cases:,}"


def learning(told: Told) -> Iterator[Block]:
    chart = training_chart(told.curve)
    if chart is None:
        yield Words("The encoder stayed as it was in this run; only what reads its vectors learned.")
    else:
        yield Pictures([Picture("Training of the encoder", "Training ends when the orange line stops rising.", chart)])


def data(told: Told) -> Iterator[Block]:
    came = told.data
    since = f", {came.new_since:,} of them new since the live version" if told.active is not None else ""
    repeated = ""
    if came.repeated:
        repeated = f" {counted(came.repeated, 'text', 'texts')} said what another says and counted once."
    yield Words(f"{counted(came.examples, 'example', 'examples')}{since}.{repeated}")
    if came.by_intent_new:
        ordered = sorted(came.by_intent_new.items(), key=lambda item: (-item[1], item[0]))
        yield Table(["new examples by intent", "new"], [[name, f"{count:,}"] for name, count in ordered[:MOST_ROWS]])
        if len(ordered) > MOST_ROWS:
            rest = sum(count for _, count in ordered[MOST_ROWS:])
            yield Words(f"And {rest:,} more in {counted(len(ordered) - MOST_ROWS, 'intent', 'intents')}.")
    doubted = (("Labelled in two ways", came.conflicts), ("Labels that the others contradict", came.suspicions))
    columns = [
        Quotes(f"{title}: {len(found):,}", [Quote(*each) for each in found[:MOST_QUOTES]], Mood.EVEN,
               max(len(found) - MOST_QUOTES, 0))
        for title, found in doubted if found
    ]  # fmt: skip
    if columns:
        yield Columns(columns)


def label_next(told: Told) -> Iterator[Block]:
    if told.label_next:
        more = max(len(told.label_next) - MOST_LISTED, 0)
        yield Quotes(
            "Left to people; more examples like these would help",
            [Quote(*each) for each in told.label_next[:MOST_LISTED]],
            more=more,
        )


def settings(told: Told) -> Iterator[Block]:
    rows: list[list[str | Cell]] = [[name, value, "changed by this run"] for name, value in told.overridden.items()]
    rows += [[name, value, "from the live version"] for name, value in told.inherited.items()]
    if rows:
        yield Table(["setting", "value", "where from"], rows, names=3)
