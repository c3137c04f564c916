"""Figures as Markdown: tables that docs/benchmarks.md takes as they are printed."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with its quartiles: shared machines make means and extremes tell of the neighbours."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if not values:
            raise ValueError("no value to summarise")
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def text(self, digits: int = 1) -> str:
        if self.low == self.high:
            return f"{self.median:,.{digits}f}"
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"


def quantile(values: Iterable[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    ranked = sorted(values)
    if not ranked:
        raise ValueError("no value to summarise")
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def ratios(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """How many times `one` is `other`, turn by turn: both had the same noise in the same turn."""
    return [first / second for first, second in zip(one, other, strict=True)]


def times(ratio: Spread, digits: int = 1) -> str:
    return f"{ratio.text(digits)} x"


def percent(share: float) -> str:
    return f"{share:.2%}".replace("%", " %")


def interval(share: float, low: float, high: float) -> str:
    """A share with its interval, both in per cent."""
    return f"{share * 100:.2f} % ({low * 100:.2f} to {high * 100:.2f})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    for row in lines:
        if len(row) != len(header):
            raise ValueError(f"{len(row)} cells under {len(header)} headings: {row}")
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def provenance(packages: Sequence[str]) -> str:
    """Date, machine and versions, in one line."""
    named = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{date.today()}, Python {platform.python_version()}, {processor()}, {os.cpu_count()} cores"
        f"{', ' + named if named else ''}"
    )


def processor() -> str:
    """The model's name where the system tells, else its architecture."""
    about = Path("/proc/cpuinfo")
    if about.is_file():
        for line in about.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()
