"""Which runtime serves the sentence encoder: candidates side by side, each in its own process, taking turns.

    python benchmarks/runtime.py --data FOLDER [--texts 4000] [--rounds 7] [--candidates NAME ...]

FOLDER holds banking77/train.csv; its test file is not read. OpenVINO is installed once, pinned, into an environment of
its own (build/openvino); where that fails, its rows are left out. Every candidate gets the same MiniLM weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import venv
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # also when it is run as a file

from benchmarks.candidates import BATCH, CANDIDATES  # noqa: E402 - after the path
from benchmarks.draws import Labelled, read_csv  # noqa: E402
from benchmarks.tables import Spread, provenance, quantile, ratios, table  # noqa: E402
from chatbot.encoder import OnnxEncoder, TorchEncoder, export_onnx  # noqa: E402
from chatbot.types import Vector  # noqa: E402

FIRST = "sentence-transformers"
OPENVINO = "OpenVINO"
REQUIREMENTS = Path(__file__).with_name("openvino.txt")
TOKENS = range(13, 18)
"""Of the messages that are timed alone, with the marks of beginning and end."""

SINGLES, BATCHED = 40, 4 * BATCH
"""Messages of one turn."""


def prepare(folder: Path, rows: Sequence[Labelled]) -> None:
    """The same encoder in all the forms that ONNX Runtime takes; OpenVINO converts the first."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model

    from training.compress import export_encoder

    encoder = TorchEncoder()
    export_onnx(encoder, folder / "float32")
    texts, labels = [row.text for row in rows[:100]], np.zeros(100, np.int64)
    made = export_encoder(encoder, folder / "int8-channel", texts, labels, threads=0)
    if made["precision"] != "int8":
        raise RuntimeError(f"the serving export is not in eight bits: {made}")
    for name in ("fused", "int8-tensor"):
        (folder / name).mkdir()
        for file in ("encoder.json", "tokenizer.json"):
            (folder / name / file).write_bytes((folder / "float32" / file).read_bytes())
    fused = folder / "fused" / "model.onnx"
    heads = {"num_heads": encoder.attention_heads, "hidden_size": encoder.dimension}
    optimize_model(str(folder / "float32" / "model.onnx"), model_type="bert", opt_level=0, **heads).save_model_to_file(
        str(fused)
    )
    options = {"MatMulConstBOnly": True, "DefaultTensorType": 1}  # 1 is float in ONNX
    file = str(folder / "int8-tensor" / "model.onnx")
    quantize_dynamic(str(fused), file, weight_type=QuantType.QInt8, per_channel=False, extra_options=options)


def openvino_python(folder: Path) -> Path:
    """The interpreter of the environment with exactly openvino.txt; raises CalledProcessError where it cannot be."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    mark, wanted = folder / "installed.txt", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not (python.exists() and mark.is_file() and mark.read_text(encoding="utf-8") == wanted):
        print(f"Installing OpenVINO into {folder} (a few minutes, once) ...", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS], check=True)
        mark.write_text(wanted, encoding="utf-8")
    return python


class Candidate:
    """One runtime at work in its own interpreter; what it measured is gathered here."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process
        self.load_seconds = float(self._answer()["load_seconds"])
        self.milliseconds: list[list[float]] = []
        self.per_second: list[float] = []

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def turn(self, singles: Sequence[str], batched: Sequence[str]) -> None:
        self.milliseconds.append(self.ask(do="time", texts=singles)["milliseconds"])
        self.per_second.append(self.ask(do="batches", texts=batched)["per_second"])

    @property
    def medians(self) -> list[float]:
        return [quantile(taken, 0.5) for taken in self.milliseconds]

    def resident(self) -> int:
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with exit status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def started(name: str, folder: Path, python: Path) -> Iterator[Candidate]:
    command = [str(python), "-m", "benchmarks.candidates", name, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=None, text=True) as process:
        try:
            yield Candidate(name, process)
        finally:
            process.kill()


def take_turns(candidates: Sequence[Candidate], singles: Sequence[str], batched: Sequence[str], rounds: int) -> None:
    """Each round begins with another candidate; while one works, all others wait for a line."""
    for number in range(rounds):
        first = number % len(candidates)
        for candidate in (*candidates[first:], *candidates[:first]):
            part = slice(number * SINGLES % len(singles), None)
            candidate.turn([*singles[part], *singles][:SINGLES], batched)


def hits(vectors: Vector, labels: Sequence[str]) -> NDArray[np.float64]:
    """1 where a linear head that was fitted on the other half reads the row right, else 0."""
    from sklearn.linear_model import LogisticRegression

    asked, found = np.asarray(labels), np.zeros(len(labels))
    half = np.arange(len(labels)) % 2 == 0
    for fit, held in ((half, ~half), (~half, half)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 50 rounds are enough to compare vectors
            model = LogisticRegression(C=20.0, max_iter=50).fit(vectors[fit], asked[fit])
        found[held] = model.predict(vectors[held]) == asked[held]
    return found


def qualities(vectors: Mapping[str, Vector], labels: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Mean cosine to the first's vectors, accuracy, and what was gained or lost, with its 95 % interval."""
    first = next(iter(vectors.values()))
    base = hits(first, labels)
    found = {}
    for name, mine in vectors.items():
        right = hits(mine, labels)
        gain = right - base
        error = 1.96 * float(gain.std()) / len(gain) ** 0.5
        cosine = float((mine * first).sum(axis=1).mean())
        change = "" if mine is first else f"{gain.mean() * 100:+.2f} ± {error * 100:.2f}"
        found[name] = (f"{cosine:.5f}", f"{right.mean() * 100:.2f} %", change)
    return found


def report(candidates: Sequence[Candidate], found: Mapping[str, tuple[str, str, str]]) -> str:
    first = candidates[0]
    rows = []
    for each in candidates:
        taken = [value for turn in each.milliseconds for value in turn]
        faster, more = ratios(first.medians, each.medians), ratios(each.per_second, first.per_second)
        rows.append(
            [
                each.name,
                f"{quantile(taken, 0.5):.2f} / {quantile(taken, 0.99):.1f}",
                Spread.of(faster).text(2),
                f"{Spread.of(each.per_second).median:,.0f}",
                Spread.of(more).text(2),
                f"{each.resident() / 1e6:,.0f}",
                f"{each.load_seconds:.1f}",
                *found[each.name],
            ]
        )
    header = [
        "runtime", "one message p50 / p99, ms", "faster, times", f"batch of {BATCH}, messages/s", "more, times",
        "resident, MB", "load, s", "cosine", "linear head", "gain, points",
    ]  # fmt: skip
    return table(header, rows)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with banking77/train.csv")
    parser.add_argument("--texts", type=int, default=4000, help="that accuracy is measured on")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--candidates", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "openvino", help="environment of OpenVINO")
    chosen = parser.parse_args(given)
    rows = read_csv(chosen.data / "banking77" / "train.csv")
    random.Random(0).shuffle(rows)
    names = [FIRST, *(name for name in chosen.candidates if name != FIRST)]
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        prepare(folder, rows)
        pythons = dict.fromkeys(names, Path(sys.executable))
        if any(name.startswith(OPENVINO) for name in names):
            pythons = with_openvino(pythons, chosen.venv, folder)
        candidates = [stack.enter_context(started(name, folder, python)) for name, python in pythons.items()]
        tokens = OnnxEncoder(folder / "float32")
        singles = [row.text for row in rows if len(tokens.pieces(row.text)) + 2 in TOKENS][: SINGLES * chosen.rounds]
        take_turns(candidates, singles, [row.text for row in rows[:BATCHED]], chosen.rounds)
        vectors = {}
        for candidate in candidates:
            candidate.ask(do="vectors", texts=[row.text for row in rows[: chosen.texts]], file=str(folder / "rows.npy"))
            vectors[candidate.name] = np.load(folder / "rows.npy")
        found = qualities(vectors, [row.intent for row in rows[: chosen.texts]])
        print(f"{provenance(('torch', 'sentence-transformers', 'onnxruntime'))}{_openvino_version(pythons)}")
        print(f"{chosen.rounds} rounds, {min(chosen.texts, len(rows)):,} texts\n\n{report(candidates, found)}")


def with_openvino(pythons: Mapping[str, Path], place: Path, folder: Path) -> dict[str, Path]:
    """The candidates with OpenVINO's interpreter where it is to be had, and without OpenVINO where it is not."""
    try:
        python = openvino_python(place)
        subprocess.run([python, "-m", "benchmarks.candidates", "--convert", folder], cwd=ROOT, check=True, stdout=2)
    except subprocess.CalledProcessError as error:
        print(f"Without OpenVINO: {error}")
        return {name: python for name, python in pythons.items() if not name.startswith(OPENVINO)}
    return {name: python if name.startswith(OPENVINO) else own for name, own in pythons.items()}


def _openvino_version(pythons: Mapping[str, Path]) -> str:
    pins = REQUIREMENTS.read_text(encoding="utf-8").split()
    wanted = [pin.replace("==", " ") for pin in pins if pin.startswith(("openvino==", "nncf=="))]
    return "".join(f", {pin}" for pin in wanted) if any(name.startswith(OPENVINO) for name in pythons) else ""


if __name__ == "__main__":
    main()
