from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.candidates import BATCH, CANDIDATES, in_batches, obey, one_by_one
from benchmarks.runtime import OPENVINO, REQUIREMENTS, ROOT, Candidate, hits, qualities, started, take_turns
from chatbot.types import Vector


class Recording:
    """Vectors of length one that are the number of each text's letters in turn."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, texts: Sequence[str]) -> Vector:
        self.asked.append(len(texts))
        return np.eye(4, dtype=np.float32)[[len(text) % 4 for text in texts]]


def test_each_message_is_timed_alone_after_a_few_that_are_not() -> None:
    encode = Recording()
    assert len(one_by_one(encode, ["a"] * 8)) == 8
    assert encode.asked == [1] * 13


def test_only_full_batches_count() -> None:
    encode = Recording()
    assert in_batches(encode, ["a"] * (2 * BATCH + 3)) > 0
    assert encode.asked == [BATCH] * 3


def test_vectors_come_in_the_order_of_the_texts(tmp_path: Path) -> None:
    texts = ["a" * (number % 7) for number in range(BATCH + 5)]
    file = tmp_path / "rows.npy"
    assert obey(Recording(), {"do": "vectors", "texts": texts, "file": str(file)}) == {}
    np.testing.assert_array_equal(np.load(file), Recording()(texts))
    with pytest.raises(ValueError, match="unknown command 'dance'"):
        obey(Recording(), {"do": "dance", "texts": []})


def test_a_head_reads_right_what_the_vectors_tell_apart() -> None:
    rows = np.random.default_rng(0).normal(scale=0.05, size=(200, 2)).astype(np.float32)
    rows[np.arange(200) // 2 % 2 == 0] += 1
    labels = ["even" if number // 2 % 2 == 0 else "odd" for number in range(200)]
    assert hits(rows, labels).mean() == 1
    mixed = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    found = qualities({"one": rows, "other": mixed}, labels)
    assert found["one"][1:] == ("100.00 %", "")
    assert float(found["other"][2].split(" ")[0]) < -30


class Turns(Candidate):
    """Writes down whose turn it was, and of which texts."""

    order: list[tuple[str, str]] = []

    def __init__(self, name: str) -> None:
        self.name = name

    def turn(self, singles: Sequence[str], batched: Sequence[str]) -> None:
        del batched
        self.order.append((self.name, singles[0]))


def test_each_round_begins_with_another_and_has_its_own_messages() -> None:
    take_turns([Turns("x"), Turns("y")], [str(number) for number in range(80)], [], 3)
    assert Turns.order == [("x", "0"), ("y", "0"), ("y", "40"), ("x", "40"), ("x", "0"), ("y", "0")]


def test_a_candidate_that_ends_is_told_by_name(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="ONNX Runtime, fp32 ended with exit status 1"),
        started("ONNX Runtime, fp32", tmp_path, Path(sys.executable)),
    ):
        pass


def test_candidates_start_without_what_their_environment_lacks() -> None:
    program = (
        "import sys, benchmarks.candidates\n"
        "print(sorted({'torch', 'chatbot', 'onnxruntime', 'openvino', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_openvino_is_pinned_and_has_its_candidates() -> None:
    pins = [line for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in pins)
    assert {"openvino", "nncf", "tokenizers"} <= {line.split("==")[0] for line in pins}
    assert sum(name.startswith(OPENVINO) for name in CANDIDATES) == 3
