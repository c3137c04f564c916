"""The encoder before and after: what is frozen, how fast each part learns, LoRA in and out, and what is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chatbot.encoder import TorchEncoder
from training.tune.plan import Rows, Tuning

HEAD = "intent_head"
MOST_FOR_A_DIRECTION = 16
"""Examples of an intent whose mean is where its direction starts."""


def directions(encoder: TorchEncoder, texts: Sequence[str], labels: Rows, intents: int) -> NDArray[np.float32]:
    """Where each intent's direction starts: at the mean of some of its examples, so that little is left to learn."""
    order = np.random.default_rng(0).permutation(len(texts))
    seen = np.zeros(intents, dtype=np.int64)
    rows = []
    for row in order:
        seen[labels[row]] += 1
        if seen[labels[row]] <= MOST_FOR_A_DIRECTION:
            rows.append(row)
    vectors = encoder.encode([texts[row] for row in rows])
    start = np.random.default_rng(0).normal(0, 1e-3, (intents, vectors.shape[1])).astype(np.float32)
    np.add.at(start, labels[rows], vectors)
    return np.asarray(start / np.linalg.norm(start, axis=1, keepdims=True), dtype=np.float32)


def prepare(model: Any, tuning: Tuning) -> int:
    """Freeze what stays, set the dropout, put LoRA in; tells how many layers the encoder has."""
    inner = model[0].model
    layers = int(getattr(inner.config, "num_hidden_layers", 0))
    if tuning.dropout is not None:
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = tuning.dropout
    if tuning.lora_rank:
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(r=tuning.lora_rank, lora_alpha=2 * tuning.lora_rank, target_modules="all-linear")
        model[0].model = get_peft_model(inner, config)
    for name, value in model.named_parameters():
        # The pooler of BERT is not part of a sentence's vector: several processes would wait for its gradient.
        if depth_of(name, layers) < tuning.frozen or ".pooler." in name:
            value.requires_grad_(False)
    return layers


def trainable(model: Any) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in model.named_parameters() if value.requires_grad]


def parameter_groups(model: Any, tuning: Tuning, layers: int) -> list[dict[str, Any]]:
    """Learning rates fall from the head down; biases and norms do not decay."""
    groups: dict[tuple[float, float], list[Any]] = {}
    for name, value in trainable(model):
        if name.endswith("intent_head.weight"):
            rate, decay = tuning.head_rate, 0.0
        else:
            rate = tuning.learning_rate * tuning.layer_decay ** (layers - depth_of(name, layers))
            decay = tuning.weight_decay if value.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(value)
    return [{"params": values, "lr": rate, "weight_decay": decay} for (rate, decay), values in groups.items()]


def depth_of(name: str, layers: int) -> int:
    """0 for the table of word pieces, 1 for the lowest layer, ..., and `layers` for what stands above all."""
    parts = name.split(".")
    if "embeddings" in parts:
        return 0
    after = {before: part for before, part in zip(parts, parts[1:], strict=False) if part.isdigit()}
    return int(after["layer"]) + 1 if "layer" in after else layers


def copy(model: Any) -> dict[str, Any]:
    return {name: value.detach().clone().cpu() for name, value in trainable(model)}


def blend(model: Any, kept: Mapping[str, Any], share: float) -> None:
    """Between the weights before and after (Wortsman et al., 2022): strange questions stay strange."""
    with torch.no_grad():
        for name, value in trainable(model):
            if name in kept:
                value.lerp_(kept[name].to(value.device), 1 - share)


def save(model: Any, tokens: int, folder: Path, tuning: Tuning) -> None:
    """The encoder alone, as serving knows it: no head, LoRA within the weights, on the processor, in float32."""
    model.to("cpu")
    delattr(model, HEAD)
    if tuning.lora_rank:
        model[0].model = model[0].model.merge_and_unload()
    model.max_seq_length = tokens
    model.eval()
    model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
