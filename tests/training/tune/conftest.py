"""Toy questions that an untrained encoder tells apart badly, and a short run of fine-tuning on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from training.progress import SILENT
from training.tune import Tuned, Tuning, tune_encoder
from training.tune.plan import Rows

WORDS = {
    "refund": ("money", "refund", "repaid", "owed", "back"),
    "parcel": ("parcel", "box", "truck", "sent", "road"),
    "opening": ("open", "hours", "sunday", "closed", "late"),
    "password": ("login", "secret", "locked", "key", "user"),
}
FRAMES = (
    "where {0} {1}", "my {0} and {1}", "{0} or {1} please", "is it {1} {0}", "{1} {0} now", "hi {0} {1} thanks",
    "{0} {1}", "why {0} not {1}", "what {0} the {1}", "can I {0} {1}", "{0} with {1}", "no {0} no {1}",
    "when {0} {1}", "a {0} for {1}", "{0} {1} again",
)  # fmt: skip


class Toy:
    """Two words of an intent in a frame: 4 intents, 300 texts each, every text its own group."""

    def __init__(self) -> None:
        rows = [
            (frame.format(first, second), number)
            for number, words in enumerate(WORDS.values())
            for frame in FRAMES
            for first in words
            for second in words
            if first != second
        ]
        order = np.random.default_rng(0).permutation(len(rows))
        self.texts = [rows[row][0] for row in order]
        self.labels: Rows = np.array([rows[row][1] for row in order], dtype=np.int64)
        self.answers = [f"the answer about {list(WORDS)[label]}" for label in self.labels.tolist()]


@pytest.fixture
def quick() -> Tuning:
    """Enough for the toy questions in about a second."""
    return QUICK


QUICK = Tuning(epochs=2, least_steps=1, batch=32, learning_rate=3e-3, head_rate=1e-2, frozen=0, blend=1.0, threads=1)


@pytest.fixture(scope="session")
def toy() -> Toy:
    return Toy()


@pytest.fixture(scope="session")
def plain(small_encoder: Path, toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """The small encoder after the `quick` run."""
    folder = tmp_path_factory.mktemp("plain")
    given = (str(small_encoder), toy.texts, toy.labels, toy.texts, toy.answers)
    return tune_encoder(*given, folder=folder / "model", logs=folder / "logs", tuning=QUICK, steps=SILENT)


Tune = Callable[..., Tuned]


@pytest.fixture
def tune(small_encoder: Path, toy: Toy, tmp_path: Path) -> Tune:
    """Fine-tune the small encoder on the toy questions, into a folder of its own."""
    runs = iter(range(100))

    def run(tuning: Tuning = QUICK, base: Path = small_encoder, **more: object) -> Tuned:
        folder = tmp_path / f"run-{next(runs)}"
        given = {"texts": toy.texts, "labels": toy.labels, "groups": toy.texts, "answers": toy.answers, "steps": SILENT}
        given |= more
        return tune_encoder(str(base), folder=folder / "model", logs=folder / "logs", tuning=tuning, **given)  # type: ignore[arg-type]

    return run
