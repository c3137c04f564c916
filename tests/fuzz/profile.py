"""How much is tried. The normal suite tries the same few hundred examples each time; `FUZZ_TIMES=50 pytest tests/fuzz`
tries fifty times as many, other ones in each run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
PATIENCE = 2.0
"""Seconds of processor time that nothing may take: other work on the machine is not this code's fault."""


def tried(examples: int) -> settings:
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        database=None,
        deadline=None,  # other work on the machine may stall one example
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def in_time(what: object = "") -> Iterator[None]:
    started = time.process_time()
    yield
    spent = time.process_time() - started
    assert spent < PATIENCE, f"{spent:.1f} s for {what!r:.200}"
