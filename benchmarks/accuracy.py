"""Does it find the right answer? Bitext templates and BANKING77 intents, nothing fine-tuned, and the sample shop.

    python benchmarks/accuracy.py --data FOLDER

FOLDER holds bitext/templates_train.csv, bitext/validation.csv, banking77/train.csv and banking77/test.csv. Each set is
imported into a fresh home, trained with `retrain`, and its questions go through `answer()`, as with `chatbot evaluate`.
The test files are read once, at the end; every setting was chosen on training data.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from chatbot.importers import make_plan, parse, read_questions
from chatbot.settings import Settings
from chatbot.wiring import open_house
from training.evaluate import Evaluation, Prediction, is_answered, predict, summarise
from training.metrics import wilson
from training.progress import steps
from training.retrain import retrain

SHOP = Path(__file__).parent.parent / "data"


@dataclass(frozen=True, slots=True)
class Set:
    name: str
    knowledge: Path
    questions: Path
    order_number: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with bitext/ and banking77/")
    parser.add_argument("--only", help="name of one set")
    arguments = parser.parse_args()
    for entry in (
        Set("bitext", arguments.data / "bitext/templates_train.csv", arguments.data / "bitext/validation.csv"),
        Set("banking77", arguments.data / "banking77/train.csv", arguments.data / "banking77/test.csv"),
        Set("shop", SHOP / "shop", SHOP / "questions.csv", order_number=r"JP-\d{6}"),
    ):
        if arguments.only in (None, entry.name):
            run(entry)


def run(entry: Set) -> None:
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), order_number=entry.order_number)
        with open_house(settings) as house:
            parsed = parse([entry.knowledge], redactor=house.redactor, language="en")
            plan = make_plan(parsed, house.store.knowledge.snapshot())
            house.store.knowledge.apply(plan.changes)
            started, cpu = time.monotonic(), time.process_time()
            trained = retrain(settings, store=house.store, registry=house.registry, steps=steps())
            seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu
            questions = read_questions(entry.questions)
            predictions = predict(
                house.bots.current(), questions, redactor=house.redactor, language="en", steps=steps()
            )
    show(entry, predictions, summarise(predictions))
    print(f"  trained in {seconds:.0f} s ({cpu_seconds:.0f} s of CPU); {trained.policy.promise}\n", flush=True)


def show(entry: Set, predictions: list[Prediction], result: Evaluation) -> None:
    known = [each for each in predictions if each.in_scope]
    right_answers = sum(is_answered(each) and each.right for each in known)
    right_intents = sum(each.predicted == each.intent for each in known)
    print(f"\n{entry.name}: {result.n_in_scope:,} questions in scope, {result.n_out_of_scope:,} out of scope")
    print(f"  intent right            {_share(right_intents, len(known))}   macro F1 {result.macro_f1:.2%}")
    print(f"  answered right          {_share(right_answers, len(known))}")
    print(f"  answered or offered     {result.answered_right + result.clarified_right:.2%}")
    print(f"  wrong of answered       {result.wrong_of_answered:.2%}   calibration error {result.ece:.4f}")
    if result.oos_auroc is not None:
        print(f"  out of scope answered   {result.oos_answered:.2%}   AUROC {result.oos_auroc:.3f}")
    print(f"  one message             {result.p50_ms:.1f} ms median, {result.p99_ms:.1f} ms p99")


def _share(successes: int, count: int) -> str:
    low, high = wilson(successes, count)
    return f"{successes / count:.2%} ({low:.2%} to {high:.2%})"


if __name__ == "__main__":
    main()
