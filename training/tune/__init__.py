"""Fine-tuning the encoder, once for both of its jobs: telling intents apart and finding the nearest example.

    tuned = tune_encoder("default", texts, labels, groups, answers, folder=..., logs=..., tuning=Tuning(), steps=...)

plan.py says what can be chosen, run.py is the story of one run, parts/ holds what is made of torch, batches.py draws
the batches, and distributed.py is what torchrun starts on several GPUs or machines.
"""

from __future__ import annotations

from training.tune.machine import gains_from_bf16
from training.tune.plan import Point, Tuned, Tuning, hold_out
from training.tune.run import tune_encoder

__all__ = ["Point", "Tuned", "Tuning", "gains_from_bf16", "hold_out", "tune_encoder"]
