"""What fine-tuning is worth as the product does it: effort quick beside standard on the same draws, through `answer()`.

    python -m benchmarks.efforts --data FOLDER --sizes full 10 5 --seeds 3
    python -m benchmarks.efforts --data FOLDER --set clinc150 --sizes full
    python -m benchmarks.efforts --data FOLDER --weekly

On a machine with a GPU the same script says what the GPU is worth: device and number format stand in each row. Of
BANKING77 a fifth of the training file is asked, or with `--on test` the test file, once, at the end; of CLINC150 the
validation part, never its test. `--weekly` tunes on 95 % of the examples, adds the rest, tunes on from there, and puts
beside it what tuning on everything from the start costs and reads.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.draws import Labelled, few_shot, read_clinc, read_csv, sample, split
from benchmarks.tables import interval, percent, provenance, table
from benchmarks.trained import Shop, learn, retrained, trained_shop
from training.evaluate import Evaluation, summarise
from training.metrics import wilson
from training.plan import Effort

WEEK = 0.05
FIGURES = ["intent right", "answered right", "wrong of answered", "ECE", "processor, s", "clock, s"]


def main(given: Sequence[str] | None = None) -> None:
    arguments = parse(given)
    print(f"{provenance(('service-chatbot', 'torch', 'sentence-transformers'))}\n", flush=True)
    learned, asked = read(arguments.data, arguments.set, arguments.on)
    asked = sample(asked, arguments.most_asked, 0)
    told = weekly(learned, asked) if arguments.weekly else compare(learned, asked, arguments.sizes, arguments.seeds)
    print(f"\n{told}")


def parse(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with banking77/ and clinc150/")
    add("--set", choices=("banking77", "clinc150"), default="banking77")
    add("--on", choices=("test", "validation"), default="validation", help="test: BANKING77's test file")
    add("--sizes", nargs="+", default=["full", "10", "5"], help="full, or so many examples of each intent")
    add("--seeds", type=int, default=3)
    add("--most-asked", type=int, default=100_000)
    add("--weekly", action="store_true", help="an update with 5 %% new examples instead")
    return parser.parse_args(given)


def read(data: Path, name: str, on: str) -> tuple[list[Labelled], list[Labelled]]:
    """What is learned and what is asked."""
    if name == "clinc150":
        parts = read_clinc(data / "clinc150/train_val.json")
        return parts["train"], parts["val"]
    train = read_csv(data / "banking77/train.csv")
    return (train, read_csv(data / "banking77/test.csv")) if on == "test" else split(train, 0.8, seed=0)


def compare(learned: Sequence[Labelled], asked: Sequence[Labelled], sizes: Sequence[str], seeds: int) -> str:
    rows, means = [], []
    for size in sizes:
        found: dict[Effort, list[float]] = {Effort.QUICK: [], Effort.STANDARD: []}
        for seed in range(seeds):
            drawn = list(learned) if size == "full" else few_shot(learned, int(size), seed)
            for effort, right in found.items():
                if effort is Effort.QUICK and size == "full" and seed:
                    continue  # nothing in it is drawn
                with trained_shop(drawn, effort=effort, seed=seed) as shop:
                    evaluation = summarise(shop.predict(asked))
                    rows.append([size, str(seed), label(shop, effort), *figures(evaluation, shop)])
                right.append(evaluation.intent_accuracy)
                print("  ".join(rows[-1]), flush=True)
        for effort, right in found.items():
            mean = statistics.fmean(right)
            told = interval(mean, *wilson(round(mean * len(asked)), len(asked)))
            means.append([size, effort.value, told, " ".join(percent(each) for each in right)])
    return "\n\n".join(
        (
            table(["size", "seed", "effort", *FIGURES], rows),
            table(["size", "effort", "mean intent right", "seeds"], means),
        )
    )


def weekly(learned: Sequence[Labelled], asked: Sequence[Labelled]) -> str:
    old, new = split(learned, 1 - WEEK, seed=0)
    rows = []
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shop = stack.enter_context(trained_shop(old, home, effort=Effort.STANDARD))
        rows.append(["before", *figures(summarise(shop.predict(asked)), shop)])
        learn(shop.house, new)
        shop = retrained(shop.house, effort=Effort.STANDARD)
        came = "" if shop.trained.promoted else ", refused: the figures are those of before"
        rows.append([f"{len(new):,} examples later{came}", *figures(summarise(shop.predict(asked)), shop)])
        print(*rows, sep="\n", flush=True)
    with trained_shop(learned, effort=Effort.STANDARD) as shop:
        rows.append(["from scratch", *figures(summarise(shop.predict(asked)), shop)])
    return table(["tuned", *FIGURES], rows)


def label(shop: Shop, effort: Effort) -> str:
    tuned = shop.trained.candidate.about.get("tuning")
    return effort.value if tuned is None else f"{effort.value} ({tuned['device']}, {_format(tuned['bf16'])})"


def _format(bf16: bool) -> str:
    return "bf16" if bf16 else "fp32"


def figures(evaluation: Evaluation, shop: Shop) -> Iterator[str]:
    right = round(evaluation.intent_accuracy * evaluation.n_in_scope)
    yield interval(evaluation.intent_accuracy, *wilson(right, evaluation.n_in_scope))
    yield percent(evaluation.answered_right)
    yield percent(evaluation.wrong_of_answered)
    yield f"{evaluation.ece:.4f}"
    yield f"{shop.cost.cpu_seconds:.0f}"
    yield f"{shop.cost.seconds:.0f}"


if __name__ == "__main__":
    main()
