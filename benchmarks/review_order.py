"""Is the desk's order worth anything? An agent who is always right labels 500 items, by value and at random.

    python -m benchmarks.review_order --data FOLDER --pictures FOLDER

FOLDER holds banking77/train.csv (the test file is never read) and clinc150/train_val.json. A bot starts with 5 examples
of each of BANKING77's intents. Customers ask it other questions of the train file, some of them several times within
a week, and a tenth is about nothing that the bank does. The product's own code reads them, fills the queue in a real
database, hands out items, teaches what was decided and reads like questions again. 2,000 questions that nobody asked
say what that was worth: at once, and after a training on what was taught.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.desk import Desk, RememberingBots
from benchmarks.draws import Labelled, few_shot, read_clinc, read_csv, sample, split
from benchmarks.tables import percent, provenance, table
from benchmarks.trained import first_message, retrained, trained_shop
from chatbot.bot import Bot
from chatbot.decide import decide
from chatbot.settings import Settings
from chatbot.store.knowledge import Changes
from chatbot.types import OUT_OF_SCOPE, Action, Vector
from chatbot.wiring import House, open_house
from training.pictures import GREEN, GREY

PER_INTENT = 5
HELD_OUT = 2000
MESSAGES = 4000
NOISE = 0.1
REPEATED = 1 / 8
"""Share of the questions that are asked several times, 2 to 9."""

LABELS, EVERY, TRAINED_EVERY = 500, 50, 100
CHATTER = (
    "are_you_a_bot", "do_you_have_pets", "fun_fact", "how_old_are_you", "meaning_of_life", "tell_joke",
    "what_are_your_hobbies", "where_are_you_from",
)  # fmt: skip
"""What people ask a bot for fun, in CLINC150's words; its list of out-of-scope questions is too short for a tenth."""

ORDERS = ("value", "random")


@dataclass(frozen=True, slots=True)
class Parts:
    """`asked` are the messages in their order; what is out of scope is labelled so."""

    learned: list[Labelled]
    asked: list[Labelled]
    held_out: list[Labelled]


@dataclass(frozen=True, slots=True)
class Point:
    """What the held-out questions get after so many labels; shares."""

    labels: int
    accuracy: float
    answered_right: float
    wrong_of_answered: float


@dataclass(frozen=True, slots=True)
class Curve:
    """`live` without a training, `trained` after one; `nonsense` is the share of the labels that were out of scope."""

    order: str
    seed: int
    live: list[Point]
    trained: list[Point]
    nonsense: float


def main(given: Sequence[str] | None = None) -> None:
    arguments = parse(given)
    print(f"{provenance(('service-chatbot',))}\n", flush=True)
    rows = read_csv(arguments.data / "banking77/train.csv")
    noise = nonsense(arguments.data / "clinc150/train_val.json")
    memory: dict[str, Vector] = {}
    curves = [
        curve
        for seed in range(arguments.seeds)
        for curve in compare(divide(rows, noise, seed), seed, memory, labels=arguments.labels)
    ]
    print(f"\n{report(curves)}")
    if arguments.pictures:
        print(f"\n{draw(curves, arguments.pictures / 'review_order.png')}")


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with banking77/ and clinc150/")
    parser.add_argument("--pictures", type=Path, help="folder for the curve")
    parser.add_argument("--seeds", type=int, default=3, help="draws of examples, questions and random order")
    parser.add_argument("--labels", type=int, default=LABELS)
    return parser.parse_args(given)


# --- What is asked -------------------------------------------------------------------------------------------


def nonsense(file: Path) -> list[Labelled]:
    parts = read_clinc(file)
    rows = parts["oos_train"] + parts["oos_val"] + [row for row in parts["train"] if row.intent in CHATTER]
    return [row._replace(intent=OUT_OF_SCOPE) for row in rows]


def divide(rows: Sequence[Labelled], noise: Sequence[Labelled], seed: int) -> Parts:
    held_out, rest = split(rows, HELD_OUT / len(rows), seed)
    learned = few_shot(rest, PER_INTENT, seed)
    asked = traffic(sorted({*rest} - {*learned}), noise, MESSAGES, seed)
    return Parts(learned, asked, held_out)


def traffic(questions: Sequence[Labelled], noise: Sequence[Labelled], count: int, seed: int) -> list[Labelled]:
    """`count` messages in random order, NOISE of them noise; each of REPEATED of the questions comes 2 to 9 times."""
    chance = random.Random(seed)
    strange = sample(noise, round(count * NOISE), seed)
    asked: list[Labelled] = []
    for question in chance.sample(list(questions), len(questions)):
        asked += [question] * (chance.randint(2, 9) if chance.random() < REPEATED else 1)
        if len(asked) >= count - len(strange):
            break
    asked = asked[: count - len(strange)] + strange
    chance.shuffle(asked)
    return asked


def compare(parts: Parts, seed: int, memory: dict[str, Vector], *, labels: int) -> Iterator[Curve]:
    """Both orders from the same bot and the same queue."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with trained_shop(parts.learned, home / "start", threads=1) as shop:
            desk = Desk.of(shop.house, memory, parts.asked)
            desk.take_in(parts.asked)
            print(f"draw {seed}: {desk.queue.count('open'):,} items of {len(parts.asked):,} messages", flush=True)
        for order in ORDERS:
            with (
                copied(home / "start", home / order) as house,
                copied(home / "start", home / f"{order} later") as later,
            ):
                desk = Desk.of(house, memory, parts.asked)
                yield run(desk, later, parts, order, seed, memory, labels=labels)


@contextmanager
def copied(home: Path, to: Path) -> Iterator[House]:
    shutil.copytree(home, to)
    with open_house(Settings(home=to, threads=1)) as house:
        yield house


def run(
    desk: Desk, later: House, parts: Parts, order: str, seed: int, memory: dict[str, Vector], *, labels: int
) -> Curve:
    items = desk.by_value() if order == "value" else desk.at_random(seed)
    live, trained, strange = [], [], 0
    for count in range(labels + 1):
        if count % EVERY == 0:
            live.append(measure(desk.bots.current(), desk.house, parts.held_out, count))
        if count % TRAINED_EVERY == 0:
            later.store.knowledge.apply(Changes(examples=desk.house.store.knowledge.snapshot().examples))
            retrained(later)
            trained.append(measure(RememberingBots(later, memory).current(), later, parts.held_out, count))
            print(f"draw {seed}, {order}: {live[-1]} {trained[-1]}", flush=True)
        if count < labels:
            strange += desk.decide(next(items), rereads=order == "value") == OUT_OF_SCOPE
    return Curve(order, seed, live, trained, strange / labels)


def measure(bot: Bot, house: House, rows: Sequence[Labelled], labels: int) -> Point:
    """Each row as a first message of one question; read together, which is several times as fast as `answer`."""
    context = first_message()
    offer = bot.knowledge.offer(language=context.language, day=context.day, values=context.values)
    readings = bot.read_many([house.redactor.redact(row.text) for row in rows])
    decisions = [
        decide(
            reading,
            bot.knowledge.search(reading.vector, language=context.language, day=context.day),
            policy=bot.policy,
            offer=offer,
        )
        for reading in readings
    ]
    right = [reading.best()[0] == row.intent for reading, row in zip(readings, rows, strict=True)]
    answered = [decision.action is Action.ANSWER for decision in decisions]
    answered_right = sum(one and other for one, other in zip(right, answered, strict=True))
    wrong = 1 - answered_right / sum(answered) if any(answered) else 0.0
    return Point(labels, sum(right) / len(rows), answered_right / len(rows), wrong)


# --- What came of it -----------------------------------------------------------------------------------------


WHEN: tuple[tuple[str, Callable[[Curve], list[Point]]], ...] = (
    ("At once, without a training", lambda curve: curve.live),
    ("After a training", lambda curve: curve.trained),
)
FIGURES: dict[str, Callable[[Point], float]] = {
    "intent right": lambda point: point.accuracy,
    "answered right": lambda point: point.answered_right,
    "wrong of answered": lambda point: point.wrong_of_answered,
}


def report(curves: Sequence[Curve]) -> str:
    """Both orders, and how many labels the value order needs for what random order gains with all."""
    parts = [f"{title}:\n\n{curves_table(curves, points)}" for title, points in WHEN]
    return "\n\n".join([*parts, needed_table(curves)])


def curves_table(curves: Sequence[Curve], points: Callable[[Curve], list[Point]]) -> str:
    header = ["labels", *(f"{order}: {name}" for order in ORDERS for name in FIGURES)]
    rows = []
    for number, point in enumerate(points(curves[0])):
        found = {order: [points(curve)[number] for curve in curves if curve.order == order] for order in ORDERS}
        cells = [spread([figure(one) for one in found[order]]) for order in ORDERS for figure in FIGURES.values()]
        rows.append([str(point.labels), *cells])
    return table(header, rows)


def spread(values: Sequence[float]) -> str:
    """The mean, and from the least to the most."""
    mean = statistics.fmean(values)
    return f"{mean * 100:.1f} % ({min(values) * 100:.1f} to {max(values) * 100:.1f})"


def needed_table(curves: Sequence[Curve]) -> str:
    """Labels by which the value order has what random order gains with all of its labels, in each draw and of means."""
    by_order = {order: [curve for curve in curves if curve.order == order] for order in ORDERS}
    rows = []
    for title, points in WHEN:
        value, chance = ([points(curve) for curve in by_order[order]] for order in ORDERS)
        pairs = [*zip(value, chance, strict=True), (mean_curve(value), mean_curve(chance))]
        for name in ("intent right", "answered right"):
            found = [needed(one, FIGURES[name](other[-1]), FIGURES[name]) for one, other in pairs]
            rows.append([f"{title}: {name}", *(f"{each:.0f}" if each is not None else "more" for each in found)])
    for order in ORDERS:
        strange = [curve.nonsense for curve in by_order[order]]
        rows.append([f"out of scope, of the labels, {order}", *map(percent, [*strange, statistics.fmean(strange)])])
    draws = [f"draw {curve.seed}" for curve in by_order["value"]]
    return table([f"labels by value for the gain of {curves[0].live[-1].labels} at random", *draws, "mean"], rows)


def mean_curve(curves: Sequence[Sequence[Point]]) -> list[Point]:
    return [
        Point(points[0].labels, *(statistics.fmean(figure(point) for point in points) for figure in FIGURES.values()))
        for points in zip(*curves, strict=True)
    ]


def needed(points: Sequence[Point], level: float, figure: Callable[[Point], float]) -> float | None:
    """After how many labels a curve first reaches a level, on straight lines between its points."""
    for before, after in zip(points, points[1:], strict=False):
        if figure(after) >= level:
            share = (level - figure(before)) / max(figure(after) - figure(before), 1e-12)
            return before.labels + max(share, 0.0) * (after.labels - before.labels)
    return None


def draw(curves: Sequence[Curve], file: Path) -> Path:
    """Intents read right by labels: the mean of all draws as a line, from the least to the most as a band."""
    from matplotlib.figure import Figure

    file.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(9, 4), layout="constrained")
    sides = figure.subplots(1, 2, sharey=True)
    for axes, (title, points) in zip(sides, WHEN, strict=True):
        for order, colour in zip(ORDERS, (GREEN, GREY), strict=True):
            found = np.array([[100 * point.accuracy for point in points(c)] for c in curves if c.order == order])
            labels = [point.labels for point in points(curves[0])]
            axes.plot(
                labels, found.mean(axis=0), color=colour, label=f"by {order}" if order == "value" else f"at {order}"
            )
            axes.fill_between(labels, found.min(axis=0), found.max(axis=0), color=colour, alpha=0.2, linewidth=0)
        axes.set_title(title)
        axes.set_xlabel("items that an agent has labelled")
        axes.grid(alpha=0.3)
    sides[0].set_ylabel("questions read right, %")
    sides[0].legend()
    figure.savefig(file, dpi=100)
    return file


if __name__ == "__main__":
    main()
