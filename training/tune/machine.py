"""What this machine can do: processes, GPU, bf16."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from training.tune.plan import Tuning


@contextmanager
def torch_as_asked(tuning: Tuning) -> Iterator[None]:
    import torch
    from transformers.utils import logging

    threads, bars = torch.get_num_threads(), logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    if tuning.threads:
        torch.set_num_threads(tuning.threads)
    try:
        with warnings.catch_warnings():
            # Of the trainer's own workings, such as pinned memory without a GPU: nothing that a reader could change.
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
        if bars:
            logging.enable_progress_bar()


def processes() -> int:
    """Started by torchrun or accelerate launch, the trainer joins the others by itself."""
    from accelerate import PartialState

    return int(PartialState(cpu=device() == "cpu").num_processes)


def wait_for_the_first() -> None:
    from accelerate import PartialState

    PartialState().wait_for_everyone()


def device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def gains_from_bf16() -> bool:
    """Whether this machine computes in bf16 by itself. Without such instructions it converts: a step of 64 short texts
    took 16 s of processor time instead of 0.9."""
    import torch

    if device() == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capable = (getattr(torch.cpu, f"_is_{name}_supported", bool) for name in ("avx512_bf16", "amx_tile"))
    return any(bool(ask()) for ask in capable)
