"""A year of weekly retraining: wrong labels every week, two weeks of nothing but wrong labels, and a gate.

    python -m benchmarks.year --data FOLDER --pictures FOLDER

FOLDER holds multidogo/airline and multidogo/software: sentences of real support dialogues with their intents. A bot
begins with a part of the training file; each week brings some of the rest, 5 % of them with a wrong label. In two weeks
all labels are permuted, as by a broken import. `retrain` decides by itself what goes live; what it refuses is taken out
again by the operator. Sentences of the test file, which the bot never sees, say how good the live version is.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.draws import Labelled
from benchmarks.tables import percent, provenance, table
from chatbot.settings import Settings
from chatbot.store.knowledge import Changes
from chatbot.types import OUT_OF_SCOPE, Example, Status
from chatbot.wiring import House, open_house
from training.pictures import GREEN, GREY, ORANGE
from training.plan import Effort
from training.retrain import retrain
from training.runs import Trained, Wishes

DOMAINS = ("airline", "software")
WEEKS = 52
POISONED = (0.35, 0.7)
"""When in the year the labels are permuted."""

BEGIN_SHARE = 0.3
WRONG = 0.05
LEAST = 20
"""Sentences of an intent below which it is left out: some labels of the set stand there once or twice."""

ASKED = 1000
SAYS_NOTHING = {"contentonly"}
"""A label of sentences such as "viswa" that mean nothing without the turn before."""


@dataclass(frozen=True, slots=True)
class Week:
    """`right` is the share of the test sentences that the live version reads right at the end of the week; `failed` are
    the rules that a version failed."""

    number: int
    examples: int
    poisoned: bool
    outcome: str
    right: float
    seconds: float
    failed: tuple[str, ...] = ()

    @property
    def promoted(self) -> bool:
        return self.outcome == "promote"


def sentences(file: Path) -> list[Labelled]:
    """Those with one intent, each text once."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    found = {
        row["utterance"].strip().casefold(): Labelled(row["utterance"].strip(), _intent(row["intent"]))
        for row in rows
        if "<div>" not in row["intent"] and row["intent"] not in SAYS_NOTHING and row["utterance"].strip()
    }
    return list(found.values())


def year(house: House, learned: Sequence[Labelled], asked: Sequence[Labelled], weeks: int, seed: int) -> Iterator[Week]:
    chance = random.Random(seed)
    rows = list(learned)
    chance.shuffle(rows)
    begin = round(BEGIN_SHARE * len(rows))
    intents = sorted({row.intent for row in rows})
    yield _week(house, 0, _noisy(rows[:begin], intents, chance), asked, poisoned=False)
    poisoned = {round(share * weeks) for share in POISONED}
    for number in range(1, weeks + 1):
        batch = rows[
            begin + (number - 1) * (len(rows) - begin) // weeks : begin + number * (len(rows) - begin) // weeks
        ]
        wrong = number in poisoned
        labelled = _permuted(batch, intents, chance) if wrong else _noisy(batch, intents, chance)
        yield _week(house, number, labelled, asked, poisoned=wrong)


def _week(house: House, number: int, batch: Sequence[Labelled], asked: Sequence[Labelled], *, poisoned: bool) -> Week:
    started = time.monotonic()
    known = {example.text for example in house.store.knowledge.snapshot().examples}
    examples = [Example(house.redactor.redact(row.text).text, row.intent, source=f"week {number}") for row in batch]
    new = [example for example in examples if example.text not in known]
    house.store.knowledge.apply(Changes(examples=tuple(new)))
    trained = _retrain(house)
    if not trained.promoted and poisoned:  # the report says what to look at, and the operator takes it out
        house.store.knowledge.apply(Changes(examples=tuple(replace(each, status=Status.RETIRED) for each in new)))
    return Week(
        number,
        len(trained.data.used),
        poisoned,
        trained.verdict.outcome.value,
        _right(house, asked),
        time.monotonic() - started,
        tuple(finding.rule for finding in trained.verdict.failures),
    )


def _retrain(house: House) -> Trained:
    wishes = Wishes(effort=Effort.QUICK, unproven=False, by="retrain")
    return retrain(house.settings, store=house.store, registry=house.registry, steps=_Silent(), wishes=wishes)


def _right(house: House, asked: Sequence[Labelled]) -> float:
    bot = house.bots.current()
    read = bot.read_many([house.redactor.redact(row.text) for row in asked], closely=True)
    return sum(each.ranked(1)[0][0] == row.intent for each, row in zip(read, asked, strict=True)) / len(asked)


def _noisy(rows: Sequence[Labelled], intents: Sequence[str], chance: random.Random) -> list[Labelled]:
    return [
        Labelled(row.text, chance.choice([name for name in intents if name != row.intent]))
        if chance.random() < WRONG
        else row
        for row in rows
    ]


def _permuted(rows: Sequence[Labelled], intents: Sequence[str], chance: random.Random) -> list[Labelled]:
    """Each intent under the name of another, as when a column slipped."""
    order = list(intents)
    while any(one == other for one, other in zip(order, intents, strict=True)):
        chance.shuffle(order)
    other = dict(zip(intents, order, strict=True))
    return [Labelled(row.text, other[row.intent]) for row in rows]


def _intent(label: str) -> str:
    return OUT_OF_SCOPE if label == "outofdomain" else label


class _Silent:
    def step(self, name: str, total: int = 1) -> _Silent:  # noqa: ARG002 - the form of Steps
        return self

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, count: int = 1) -> None:
        del count


def falls(weeks: Sequence[Week]) -> list[float]:
    """By how much the share right fell at each promotion after the first version; negative where it rose."""
    pairs = zip(weeks, weeks[1:], strict=False)
    return [before.right - after.right for before, after in pairs if after.promoted]


def summary(domain: str, weeks: Sequence[Week]) -> list[str]:
    bad = [week for week in weeks if week.poisoned]
    outcomes = Counter(week.outcome for week in weeks[1:])
    return [
        domain,
        f"{weeks[0].examples:,} to {weeks[-1].examples:,}",
        f"{percent(weeks[0].right)} to {percent(weeks[-1].right)}",
        f"{outcomes['promote']} of {len(weeks) - 1}",
        f"{sum(not week.promoted for week in bad)} of {len(bad)}",
        f"{100 * max(falls(weeks), default=0.0):.1f}",
        f"{sum(week.seconds for week in weeks[1:]) / max(len(weeks) - 1, 1):.0f}",
    ]


def draw(years: dict[str, list[Week]], folder: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4 * len(years)), layout="constrained")
    for place, (domain, weeks) in enumerate(years.items(), 1):
        axes = figure.add_subplot(len(years), 1, place)
        axes.plot([week.number for week in weeks], [100 * week.right for week in weeks], color=GREEN, linewidth=1.6)
        for week in weeks:
            if week.poisoned:
                axes.axvline(week.number, color=ORANGE, linewidth=1.2, linestyle="--")
            elif not week.promoted:
                axes.axvline(week.number, color=GREY, linewidth=0.6)
        axes.set_title(f"{domain}: test sentences that the live version reads right, %")
        axes.set_xlabel("week (orange: all labels wrong; grey: the old version was kept)")
        axes.grid(alpha=0.3)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "year.png"
    figure.savefig(file, dpi=130)
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with multidogo/")
    parser.add_argument("--domains", nargs="+", default=DOMAINS, choices=DOMAINS)
    parser.add_argument("--weeks", type=int, default=WEEKS)
    parser.add_argument("--most", type=int, default=6000, help="sentences of the year")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, help="folder for year.png")
    arguments = parser.parse_args()
    print(provenance(("scikit-learn", "onnxruntime")))
    years: dict[str, list[Week]] = {}
    for domain in arguments.domains:
        folder = arguments.data / "multidogo" / domain
        learned = sentences(folder / "train.tsv")
        frequent = {intent for intent, count in Counter(row.intent for row in learned).items() if count >= LEAST}
        known = {row.text.casefold() for row in learned}
        learned = [row for row in learned if row.intent in frequent]
        random.Random(arguments.seed).shuffle(learned)
        asked = [
            row for row in sentences(folder / "test.tsv") if row.intent in frequent and row.text.casefold() not in known
        ]
        random.Random(arguments.seed).shuffle(asked)
        years[domain] = []
        with tempfile.TemporaryDirectory() as home, open_house(Settings(home=Path(home), threads=1)) as house:
            for week in year(house, learned[: arguments.most], asked[:ASKED], arguments.weeks, arguments.seed):
                years[domain].append(week)
                note = f"{' poisoned' if week.poisoned else ''} {', '.join(week.failed)}".rstrip()
                print(
                    f"{domain} week {week.number}: {week.examples:,} examples, {week.outcome}{note}, "
                    f"{percent(week.right)} right, {week.seconds:.0f} s",
                    flush=True,
                )
    columns = [
        "domain", "examples", "right, first to last", "weeks live", "poisoned weeks refused",
        "most lost at a promotion, points", "seconds a week",
    ]  # fmt: skip
    print(table(columns, [summary(domain, weeks) for domain, weeks in years.items()]))
    if arguments.pictures:
        print(draw(years, arguments.pictures))


if __name__ == "__main__":
    main()
