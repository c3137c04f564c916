"""How honest are the probabilities? Ours beside two baselines, on questions that took no part in fitting.

    python benchmarks/calibration.py --data FOLDER

FOLDER holds banking77/train.csv; only that file is read. All of it but 3,000 questions trains (full), or ten examples
an intent (10-shot). Expected calibration error in 15 bins and how well right is told from wrong (AUROC), on 1,500 of
the 3,000 questions, of

fused          the mixed channels' probability as it is
temperature    the same with its log-odds scaled, fitted on the other 1,500 questions
isotonic       the same through an isotonic regression, fitted on the other 1,500 questions
certainty      ours (chatbot/trust.py): it never saw any of the 3,000

`unknown_share` is 0 in one run, as these questions hold no unknown ones, and the default in another.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from benchmarks.draws import Labelled, few_shot, read_csv
from benchmarks.tables import percent, provenance, table
from benchmarks.trained import Shop, trained_shop, without_cascade
from chatbot.settings import Settings
from chatbot.trust import log_odds, sigmoid
from training.metrics import auroc, expected_calibration_error

ASKED = 3000
SHOTS = 10

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with banking77/")
    parser.add_argument("--only", choices=("full", "10-shot"), help="one of the two")
    arguments = parser.parse_args(given)
    rows = read_csv(arguments.data / "banking77/train.csv")
    order = np.random.default_rng(0).permutation(len(rows))
    asked, rest = [rows[at] for at in order[:ASKED]], [rows[at] for at in order[ASKED:]]
    print(f"{provenance(('service-chatbot',))}\n", flush=True)
    found = []
    for name, learned in (("full", rest), ("10-shot", few_shot(rest, SHOTS, seed=0))):
        for share in (0.0, Settings().unknown_share) if arguments.only in (None, name) else ():
            with trained_shop(learned, unknown_share=share) as shop:
                found += [[name, percent(share), *line] for line in compare(shop, asked)]
    print(table(["training", "unknown share", "probability", "calibration error", "AUROC right from wrong"], found))


def compare(shop: Shop, asked: Sequence[Labelled]) -> list[list[str]]:
    readings = without_cascade(shop.bot).read_many(shop.redact(row.text for row in asked))
    right = np.array([reading.best()[0] == row.intent for reading, row in zip(readings, asked, strict=True)])
    fused = np.array([reading.ranked(1)[0][1] for reading in readings])
    certainty = np.array([reading.best()[1] for reading in readings])
    half = np.arange(len(asked)) % 2 == 0
    judged = {
        "fused": fused,
        "temperature": scaled(fused, temperature(fused[half], right[half])),
        "isotonic": IsotonicRegression(out_of_bounds="clip").fit(fused[half], right[half]).predict(fused),
        "certainty": certainty,
    }
    return [
        [
            name,
            f"{expected_calibration_error(values[~half], right[~half]):.4f}",
            f"{separation(values[~half], right[~half]):.4f}",
        ]
        for name, values in judged.items()
    ]


def separation(values: Floats, right: Flags) -> float:
    found = auroc(values[right], values[~right])
    return float("nan") if found is None else found


def temperature(probability: Floats, right: Flags) -> float:
    """The factor on the log-odds that makes the questions likeliest."""

    def loss(factor: float) -> float:
        given = np.clip(scaled(probability, factor), 1e-9, 1 - 1e-9)
        return float(-np.where(right, np.log(given), np.log(1 - given)).sum())

    return float(minimize_scalar(loss, bounds=(0.05, 5), method="bounded").x)


def scaled(probability: Floats, factor: float) -> Floats:
    return sigmoid(factor * log_odds(probability))


if __name__ == "__main__":
    main()
