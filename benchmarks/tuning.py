"""What fine-tuning gains, and at what settings: three channels on questions that neither encoder nor heads have seen.

    python -m benchmarks.tuning --data FOLDER --set banking77 frozen=2 contrastive=1.0
    python -m benchmarks.tuning --data FOLDER --set banking77 --per-intent 10 --draw 1
    python -m benchmarks.tuning --data FOLDER --set clinc150 --frozen

The test files are never read. Of BANKING77's training file four fifths train (or so many examples of each intent) and
the last fifth is asked; of CLINC150 the training part trains and the validation part is asked. The weights of the
channels are chosen on one half of the questions and measured on the other, both ways. With `--left-out 10` so many
intents are taken away, and their questions have to be told from the others (AUROC). One line of JSON a run.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.draws import Labelled, few_shot, left_out, read_clinc, read_csv, sample, split
from benchmarks.trained import clock, since
from chatbot.classifier import FLOOR, Scores, softmax, vote_matrix
from chatbot.encoder import TorchEncoder
from chatbot.knowledge import NEIGHBOURS
from chatbot.retriever import build_index
from chatbot.types import Vector
from training.fit import PRIOR, channel_weights
from training.heads import Lesson, counted, fit_heads
from training.metrics import auroc
from training.progress import steps
from training.tune import Tuning, tune_encoder

TRAIN_SHARE = 0.8
MOST_ASKED = 2000


@dataclass(frozen=True, slots=True)
class Material:
    """What is learned, what is asked, and what nobody has prepared."""

    learned: list[Labelled]
    asked: list[Labelled]
    strangers: list[Labelled]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with banking77/ and clinc150/")
    parser.add_argument("--set", choices=("banking77", "clinc150"), default="banking77")
    parser.add_argument("--per-intent", type=int, default=0, help="examples of each intent; 0: all there are")
    parser.add_argument("--left-out", type=int, default=0, help="intents that are taken away")
    parser.add_argument("--draw", type=int, default=0)
    parser.add_argument("--frozen", action="store_true", help="the encoder as it comes")
    parser.add_argument("knobs", nargs="*", metavar="knob=value", help="of training/tune/plan.py")
    arguments = parser.parse_args()
    material = draw(arguments.data, arguments.set, arguments.per_intent, arguments.left_out, arguments.draw)
    tuning = chosen(arguments.knobs, arguments.draw)
    with tempfile.TemporaryDirectory() as scratch:
        start = clock()
        base, about = ("default", {}) if arguments.frozen else tune(material, tuning, Path(scratch))
        cost = since(start)
        told = about | measure(material, TorchEncoder(base))
    run = {"set": arguments.set, "per_intent": arguments.per_intent, "left_out": arguments.left_out}
    run |= {"draw": arguments.draw, "frozen": arguments.frozen, "knobs": arguments.knobs}
    told |= {"seconds": round(cost.seconds), "cpu_seconds": round(cost.cpu_seconds)}
    told["resident_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(run | told), flush=True)


def draw(data: Path, name: str, per_intent: int, without: int, seed: int) -> Material:
    if name == "clinc150":
        parts = read_clinc(data / "clinc150/train_val.json")
        learned, asked, strangers = parts["train"], parts["val"], parts["oos_val"]
    else:
        learned, asked = split(read_csv(data / "banking77/train.csv"), TRAIN_SHARE, seed)
        strangers = []
    gone = left_out({row.intent for row in learned}, without, seed)
    strangers = strangers + [row for row in asked if row.intent in gone]
    learned, asked = ([row for row in rows if row.intent not in gone] for rows in (learned, asked))
    if per_intent:
        learned = few_shot(learned, per_intent, seed)
    return Material(learned, sample(asked, MOST_ASKED, seed), strangers)


def chosen(knobs: Sequence[str], seed: int) -> Tuning:
    """The defaults, but for what is said: `frozen=2`, `augment=typos,words`."""
    known = {field.name: getattr(Tuning(), field.name) for field in fields(Tuning)}
    said: dict[str, Any] = {"seed": seed}
    for knob in knobs:
        name, value = knob.split("=", 1)
        if name not in known:
            raise SystemExit(f'no knob is called "{name}"; there are {", ".join(known)}')
        before = known[name]
        kind = float if before is None else type(before)
        said[name] = tuple(filter(None, value.split(","))) if kind is tuple else kind(value)
    return replace(Tuning(), **said)


def tune(material: Material, tuning: Tuning, folder: Path) -> tuple[str, dict[str, Any]]:
    names = sorted({row.intent for row in material.learned})
    labels = np.array([names.index(row.intent) for row in material.learned], dtype=np.int64)
    texts = [row.text for row in material.learned]
    tuned = tune_encoder(
        "default",
        texts,
        labels,
        texts,
        [None] * len(texts),
        folder=folder / "model",
        logs=folder / "logs",
        tuning=tuning,
        steps=steps(),
    )
    named = {"steps": tuned.about["steps"], "device": tuned.about["device"], "bf16": tuned.about["bf16"]}
    return str(tuned.folder), named | {"curve": [point.validation for point in tuned.curve if point.validation]}


def measure(material: Material, encoder: TorchEncoder) -> dict[str, Any]:
    """Accuracy of each channel and of the three together, and how well strangers are told apart."""
    names = sorted({row.intent for row in material.learned})
    rows = [*material.learned, *material.asked, *material.strangers]
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers.get(row.intent, -1) for row in rows], dtype=np.int64)
    texts = [row.text for row in rows]
    channels = read(texts, labels, len(material.learned), encoder.encode(texts), len(names))
    known = len(material.asked)
    truth = labels[len(material.learned) :][:known]
    told = {
        f"{name}_accuracy": round(float((scores[:known].argmax(axis=1) == truth).mean()), 4)
        for name, scores in zip(("dense", "lexical", "neighbours"), channels, strict=True)
    }
    accuracy, certain = mixed(channels, truth, known)
    told |= {"accuracy": round(accuracy, 4), "asked": known}
    apart = auroc(certain[:known], certain[known:])
    if apart is not None:
        told["auroc"] = round(apart, 4)
    return told


def read(texts: Sequence[str], labels: NDArray[np.int64], learned: int, vectors: Vector, intents: int) -> list[Scores]:
    """What dense head, lexical head and neighbours say of the rows after the learned ones."""
    counts, ngrams = counted(texts)
    fitted, asked = np.arange(learned), np.arange(learned, len(texts))
    nothing = [np.zeros(1, dtype=np.int64)] * len(texts)
    lesson = Lesson(texts, vectors, labels, len(texts), counts, ngrams, np.zeros_like(vectors), nothing, 1)
    heads = fit_heads(lesson, fitted, intents)
    similarities, ids = build_index(vectors.shape[1], fitted, vectors[fitted]).search(vectors[asked], NEIGHBOURS)
    votes = vote_matrix(similarities.astype(np.float64), labels[ids], intents)
    return [heads.dense.scores(vectors[asked]), heads.lexical.scores(lesson, asked), np.log(votes + FLOOR)]


def mixed(channels: Sequence[Scores], truth: NDArray[np.int64], known: int) -> tuple[float, NDArray[np.float64]]:
    """Accuracy with weights chosen on the other half, and how certain all three are of each row."""
    halves = np.arange(known) % 2
    right = np.zeros(known, dtype=bool)
    certain = np.zeros(len(channels[0]))
    for half in (0, 1):
        fit, ask = np.flatnonzero(halves != half), np.flatnonzero(halves == half)
        weights = channel_weights([scores[fit] for scores in channels], truth[fit], PRIOR)
        together = softmax(np.tensordot(weights, np.stack(channels), axes=1))
        right[ask] = together[ask].argmax(axis=1) == truth[ask]
        certain += together.max(axis=1) / 2
    return float(right.mean()), certain


if __name__ == "__main__":
    main()
