"""The serving encoder: exported, fused and put into eight-bit weights, where that costs no accuracy.

One short message is bound by reading the weights, so fewer bytes win: int8 over the fused graph took half the time of
float32 and a quarter of the memory (benchmarks/runtime.py). What it costs is measured on the shop's own
examples when the encoder is exported, and written down in the version's manifest; above MOST_LOSS the float32 graph
serves.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from chatbot.encoder import OnnxEncoder, TorchEncoder, export_onnx, resolve
from chatbot.types import Vector

log = logging.getLogger(__name__)

MOST_LOSS = 0.002
"""Of accuracy on validation, beyond what chance alone explains."""

CHECKED = 1000
LEAST_CHECKED = 200
LEAST_COSINE = 0.97
"""Mean cosine to the float32 vectors that any set of eight-bit vectors has to have, also where examples are too few for
an accuracy. all-MiniLM-L6-v2 has 0.993."""

CHANCE = 1.645
"""Standard errors of a one-sided test at 5 %."""


def export_encoder(
    encoder: TorchEncoder, folder: Path, texts: Sequence[str], labels: NDArray[np.int64], *, threads: int
) -> dict[str, Any]:
    """Write the serving encoder into `folder`; tells its precision and what was measured. Raises EncoderUnavailable."""
    measured = _export_smallest(encoder, folder, texts, labels, threads)
    about = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    origin = origin_of(encoder.name)
    if origin is not None:
        about["origin"] = origin | {"measured": measured}
        (folder / "encoder.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    return measured


def _export_smallest(
    encoder: TorchEncoder, folder: Path, texts: Sequence[str], labels: NDArray[np.int64], threads: int
) -> dict[str, Any]:
    export_onnx(encoder, folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".compress-") as scratch:
        small = Path(scratch)
        try:
            _quantise(folder, small)
        except Exception as error:  # whatever a library says of a graph that it does not know: the exact one serves
            log.warning("the encoder stays in float32: it cannot be put into eight bits (%s)", type(error).__name__)
            return {"precision": "float32"}
        found = _compare(OnnxEncoder(folder, threads=threads), OnnxEncoder(small, threads=threads), texts, labels)
        if found["cosine"] < LEAST_COSINE or found["loss"] > found["allowed_loss"]:
            log.warning("the encoder stays in float32: eight bits cost too much accuracy (%s)", found)
            return {"precision": "float32", "int8_refused": found}
        for file in ("model.onnx", "encoder.json"):
            (small / file).replace(folder / file)
    return {"precision": "int8", **found}


def reuse_encoder(earlier: Path, folder: Path, name: str, examples: int) -> dict[str, Any] | None:
    """Copy the serving encoder of an earlier version if it was made from the same model by the same program; tells its
    precision and what was measured then. None where it was not, where the model is not a folder to compare, or where
    there are now examples enough to measure what were too few then."""
    about = earlier / "encoder.json"
    origin = origin_of(name)
    if origin is None or not about.exists():
        return None
    known = json.loads(about.read_text(encoding="utf-8")).get("origin")
    if known is None or {**known, "measured": None} != {**origin, "measured": None}:
        return None
    measured = dict(known["measured"])
    if measured.get("checked", examples) < min(examples, LEAST_CHECKED):
        return None
    shutil.copytree(earlier, folder)
    return measured


def origin_of(name: str) -> dict[str, Any] | None:
    """What decides the exported files: SHA-256 of the model's files and versions of the libraries; None for a hub name,
    behind which the model may change."""
    source = Path(resolve(name))
    if not source.is_dir():
        return None
    digest = hashlib.sha256()
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(source)} {file.stat().st_size} ".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    libraries = {library: version(library) for library in ("torch", "transformers", "onnxruntime", "service-chatbot")}
    return {"sha256": digest.hexdigest(), "libraries": libraries}


def _quantise(folder: Path, small: Path) -> None:
    """The encoder of `folder` in eight bits, written into `small`."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model

    about = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    fused = small / "fused.onnx"
    with _quiet():
        # opt_level 0: only the fusions of this library; ONNX Runtime's own ones are made anew at each load.
        optimize_model(
            str(folder / "model.onnx"),
            model_type="bert",
            num_heads=about["heads"],
            hidden_size=about["hidden_size"],
            opt_level=0,
        ).save_model_to_file(str(fused))
        quantize_dynamic(
            str(fused),
            str(small / "model.onnx"),
            weight_type=QuantType.QInt8,
            per_channel=True,
            # The fused operators are ONNX Runtime's own, whose results the type inference does not know.
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    fused.unlink()
    (small / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    about |= {"precision": "int8", "fingerprint": about["fingerprint"] + "-int8"}
    (small / "encoder.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


@contextmanager
def _quiet() -> Iterator[None]:
    """The optimiser and the quantiser speak of their own workings through the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _compare(
    full: OnnxEncoder, small: OnnxEncoder, texts: Sequence[str], labels: NDArray[np.int64]
) -> dict[str, float]:
    """Mean cosine of both encoders' vectors; and of a linear head on each, fitted on one half of a sample and asked the
    other: accuracy, loss, and the loss that is allowed."""
    rows = np.random.default_rng(0).permutation(len(texts))[:CHECKED]
    chosen = [texts[row] for row in rows]
    before, after = full.encode(chosen), small.encode(chosen)
    found = {"cosine": float((before * after).sum(axis=1).mean()), "checked": float(len(rows))}
    if len(rows) < LEAST_CHECKED:
        return found | {"loss": 0.0, "allowed_loss": 0.0}
    hits = [_hits(vectors, labels[rows]) for vectors in (before, after)]
    lost = hits[0].astype(float) - hits[1]
    allowed = max(MOST_LOSS, CHANCE * float(lost.std()) / len(lost) ** 0.5)
    return found | {
        "accuracy_float32": float(hits[0].mean()),
        "accuracy": float(hits[1].mean()),
        "loss": float(lost.mean()),
        "allowed_loss": allowed,
    }


def _hits(vectors: Vector, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row is read right by a head fitted on the other half."""
    half = np.arange(len(labels)) % 2 == 0
    hits = np.zeros(len(labels), dtype=bool)
    for fit, held in ((half, ~half), (~half, half)):
        hits[held] = read_right(vectors[fit], labels[fit], vectors[held], labels[held])
    return hits


def read_right(
    learned: Vector, labels: NDArray[np.int64], asked: Vector, truth: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of the asked vectors a linear head reads right that has learned the others."""
    if len(np.unique(labels)) < 2:
        return np.zeros(len(truth), dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 30 rounds are enough to compare two encoders
        model = LogisticRegression(C=20.0, max_iter=30).fit(learned, labels)
    return np.asarray(model.predict(asked) == truth)
