"""Eight bits where they cost nothing, thirty-two where they would."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chatbot.encoder import OnnxEncoder, TorchEncoder, export_onnx
from training import compress
from training.compress import LEAST_CHECKED, MOST_LOSS, export_encoder, origin_of, reuse_encoder

KINDS = ("where is parcel {}", "refund {} please", "open on day {}")
TEXTS = [kind.format(f"{number} {'abcdefghij'[number % 10] * 3}") for number in range(80) for kind in KINDS]
LABELS: NDArray[np.int64] = np.tile(np.arange(3), 80)


@pytest.fixture(scope="module")
def encoder(small_encoder: Path) -> TorchEncoder:
    return TorchEncoder(str(small_encoder))


def about(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "encoder.json").read_text(encoding="utf-8")))


def test_it_is_in_eight_bits_and_says_what_that_cost(encoder: TorchEncoder, tmp_path: Path) -> None:
    full, small = tmp_path / "full", tmp_path / "new" / "small"
    export_onnx(encoder, full)
    told = export_encoder(encoder, small, TEXTS, LABELS, threads=1)
    assert told["precision"] == about(small)["precision"] == "int8"
    before, after = (OnnxEncoder(folder, threads=1) for folder in (full, small))
    cosines = (before.encode(TEXTS) * after.encode(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.97
    assert told["cosine"] == pytest.approx(cosines.mean(), abs=2e-3)
    assert told["checked"] == len(TEXTS) >= LEAST_CHECKED
    assert told["accuracy_float32"] > 0.9
    assert told["loss"] == pytest.approx(told["accuracy_float32"] - told["accuracy"])
    assert told["loss"] <= told["allowed_loss"]
    assert told["allowed_loss"] >= MOST_LOSS
    assert (small / "model.onnx").stat().st_size < (full / "model.onnx").stat().st_size
    assert [path.name for path in small.parent.iterdir()] == ["small"]  # nothing left over


def test_vectors_of_another_precision_are_never_mixed_in(encoder: TorchEncoder, tmp_path: Path) -> None:
    export_encoder(encoder, tmp_path / "small", TEXTS, LABELS, threads=1)
    small = OnnxEncoder(tmp_path / "small", threads=1)
    assert small.fingerprint != encoder.fingerprint
    assert small.fingerprint == f"{encoder.fingerprint}-int8"
    assert small.dimension == encoder.dimension == 48
    np.testing.assert_allclose(np.linalg.norm(small.encode(TEXTS[:5]), axis=1), 1, atol=1e-3)


def test_with_few_examples_the_cosine_alone_decides(encoder: TorchEncoder, tmp_path: Path) -> None:
    told = export_encoder(encoder, tmp_path / "few", TEXTS[:20], LABELS[:20], threads=1)
    assert told == {
        "precision": "int8",
        "cosine": pytest.approx(1, abs=0.03),
        "checked": 20,
        "loss": 0,
        "allowed_loss": 0,
    }


@pytest.mark.parametrize("limit", [("LEAST_COSINE", 1.01), ("MOST_LOSS", -1.0)], ids=["other vectors", "accuracy"])
def test_where_it_would_cost_accuracy_it_stays_as_it_was(
    limit: tuple[str, float],
    encoder: TorchEncoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No real encoder is that bad: the limit is moved instead. A negative one asks for a gain in accuracy."""
    monkeypatch.setattr(compress, *limit)
    monkeypatch.setattr(compress, "CHANCE", float("-inf"))
    with caplog.at_level(logging.WARNING, logger="training.compress"):
        told = export_encoder(encoder, tmp_path / "encoder", TEXTS, LABELS, threads=1)
    assert told["precision"] == "float32"
    assert set(told["int8_refused"]) >= {"cosine", "loss", "allowed_loss", "accuracy", "accuracy_float32"}
    assert "stays in float32" in caplog.text
    kept = OnnxEncoder(tmp_path / "encoder", threads=1)
    assert (kept.fingerprint, about(tmp_path / "encoder")["precision"]) == (encoder.fingerprint, "float32")
    assert (kept.encode(TEXTS[:20]) * encoder.encode(TEXTS[:20])).sum(axis=1).min() > 0.9999
    assert [path.name for path in tmp_path.iterdir()] == ["encoder"]


def test_the_libraries_say_nothing_and_logging_is_as_before(
    encoder: TorchEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        export_encoder(encoder, tmp_path / "small", TEXTS[:20], LABELS[:20], threads=1)
        assert logging.root.manager.disable == logging.NOTSET
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_encoder_of_the_same_model_is_taken_over(encoder: TorchEncoder, small_encoder: Path, tmp_path: Path) -> None:
    told = export_encoder(encoder, tmp_path / "first", TEXTS, LABELS, threads=1)
    again = reuse_encoder(tmp_path / "first", tmp_path / "second", str(small_encoder), len(TEXTS))
    assert again == told
    for file in ("model.onnx", "encoder.json", "tokenizer.json"):
        assert (tmp_path / "second" / file).read_bytes() == (tmp_path / "first" / file).read_bytes()


def test_what_was_too_few_to_measure_is_measured_when_there_are_more(
    encoder: TorchEncoder, small_encoder: Path, tmp_path: Path
) -> None:
    export_encoder(encoder, tmp_path / "first", TEXTS[:20], LABELS[:20], threads=1)
    assert reuse_encoder(tmp_path / "first", tmp_path / "to", str(small_encoder), 10_000) is None
    assert reuse_encoder(tmp_path / "first", tmp_path / "to", str(small_encoder), 20) is not None


def test_another_model_library_or_history_is_exported_anew(
    encoder: TorchEncoder, small_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "first"
    export_encoder(encoder, first, TEXTS[:20], LABELS[:20], threads=1)
    assert reuse_encoder(tmp_path / "nothing", tmp_path / "to", str(small_encoder), 20) is None
    assert origin_of("some-hub/model") is None
    assert reuse_encoder(first, tmp_path / "to", "some-hub/model", 20) is None
    with monkeypatch.context() as patched:
        patched.setattr(compress, "version", lambda library: f"{library} of tomorrow")
        assert reuse_encoder(first, tmp_path / "to", str(small_encoder), 20) is None
    known = about(first)
    (first / "encoder.json").write_text(json.dumps({key: known[key] for key in known if key != "origin"}))
    assert reuse_encoder(first, tmp_path / "to", str(small_encoder), 20) is None
    assert not (tmp_path / "to").exists()


def test_the_origin_is_every_byte_of_the_model(small_encoder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in small_encoder.rglob("*"):
        if file.is_file():
            target = copy / file.relative_to(small_encoder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    first = origin_of(str(small_encoder))
    assert origin_of(str(copy)) == first
    weights = copy / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert origin_of(str(copy)) != first
