"""A sentence encoder that trains a shop in a second: for tests, and for a second encoder in benchmarks."""

from __future__ import annotations

import string
from pathlib import Path


def tiny_encoder(folder: Path) -> Path:
    """The folder, made in `folder`, of an encoder with random weights and 48 numbers a vector.

    It knows letters and digits; all else, Chinese too, is the same unknown token to it.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = (*string.ascii_lowercase, *string.digits)
    vocabulary = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters))
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    shape = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=96,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    BertModel(shape).save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    modules = [Transformer(str(folder), max_seq_length=64), Pooling(48)]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder / "saved"))
    return folder / "saved"
