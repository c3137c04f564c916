"""The runtimes that benchmarks/runtime.py compares: each in its own process, one line of JSON in, one line out.

    python -m benchmarks.candidates NAME FOLDER     # answer commands
    python -m benchmarks.candidates --convert FOLDER  # OpenVINO's models from FOLDER/float32, in OpenVINO's environment

Only the standard library and numpy at the top: OpenVINO's environment has no torch, and ours has no OpenVINO.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]

BATCH = 32


def sentences(_: Path) -> Encode:
    """sentence-transformers as its documentation shows it."""
    from chatbot.encoder import TorchEncoder

    model = TorchEncoder().model
    return lambda texts: np.asarray(model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False))


def sentences_bf16(folder: Path) -> Encode:
    import torch

    encode = sentences(folder)

    def autocast(texts: Sequence[str]) -> Vectors:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return encode(texts)

    return autocast


def onnx(name: str) -> Callable[[Path], Encode]:
    def load(folder: Path) -> Encode:
        from chatbot.encoder import OnnxEncoder

        return OnnxEncoder(folder / name).encode

    return load


def openvino(name: str, precision: str) -> Callable[[Path], Encode]:
    def load(folder: Path) -> Encode:
        from openvino import Core
        from tokenizers import Tokenizer

        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        model = Core().compile_model(str(folder / f"openvino-{name}.xml"), "CPU", hints)
        inputs = [entry.get_any_name() for entry in model.inputs]
        request = model.create_infer_request()
        about = json.loads((folder / "float32" / "encoder.json").read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / "float32" / "tokenizer.json"))
        tokenizer.enable_truncation(about["max_tokens"])
        tokenizer.enable_padding(pad_id=about["pad_id"], pad_token=about["pad_token"])

        def encode(texts: Sequence[str]) -> Vectors:
            encoded = tokenizer.encode_batch(list(texts))
            fields = {
                "input_ids": [entry.ids for entry in encoded],
                "attention_mask": [entry.attention_mask for entry in encoded],
                "token_type_ids": [entry.type_ids for entry in encoded],
            }
            request.infer({field: np.array(fields[field], np.int64) for field in inputs})
            return np.array(request.get_output_tensor(0).data, np.float32)

        return encode

    return load


CANDIDATES: dict[str, Callable[[Path], Encode]] = {
    "sentence-transformers": sentences,
    "torch, bf16 autocast": sentences_bf16,
    "ONNX Runtime, fp32": onnx("float32"),
    "ONNX Runtime, fp32 fused": onnx("fused"),
    "ONNX Runtime, int8 per tensor": onnx("int8-tensor"),
    "ONNX Runtime, int8 per channel": onnx("int8-channel"),
    "OpenVINO, fp32": openvino("float32", "f32"),
    "OpenVINO, bf16": openvino("float32", "bf16"),
    "OpenVINO, int8 weights": openvino("int8", "f32"),
}


def convert(folder: Path) -> None:
    import nncf
    from openvino import convert_model, save_model

    model = convert_model(str(folder / "float32" / "model.onnx"))
    save_model(model, str(folder / "openvino-float32.xml"), compress_to_fp16=False)
    small = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    save_model(small, str(folder / "openvino-int8.xml"), compress_to_fp16=False)


def obey(encode: Encode, command: dict[str, Any]) -> dict[str, Any]:
    texts = command["texts"]
    match command["do"]:
        case "time":
            return {"milliseconds": one_by_one(encode, texts)}
        case "batches":
            return {"per_second": in_batches(encode, texts)}
        case "vectors":
            batches = [encode(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
            np.save(command["file"], np.vstack(batches).astype(np.float32))
            return {}
        case other:
            raise ValueError(f"unknown command {other!r}")


def one_by_one(encode: Encode, texts: Sequence[str]) -> list[float]:
    """Milliseconds of each message alone; a few come first untimed, because others had the caches just now."""
    for text in texts[-5:]:
        encode([text])
    gc.collect()
    taken = []
    for text in texts:
        start = time.perf_counter()
        encode([text])
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def in_batches(encode: Encode, texts: Sequence[str]) -> float:
    """Messages a second in full batches."""
    encode(texts[:BATCH])
    full = len(texts) // BATCH * BATCH
    start = time.perf_counter()
    for first in range(0, full, BATCH):
        encode(texts[first : first + BATCH])
    return full / (time.perf_counter() - start)


def main(given: Sequence[str]) -> None:
    # Libraries print what they like; answers go out where only the asker listens.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    name, folder = given
    if name == "--convert":
        convert(Path(folder))
        return
    start = time.perf_counter()
    encode = CANDIDATES[name](Path(folder))
    encode(["where is my order?"])
    print(json.dumps({"load_seconds": time.perf_counter() - start}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(encode, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
