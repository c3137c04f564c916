"""Every fault, one after the other, and the table of what came of it. Status 1 where a row failed.

python -m benchmarks.torture [--only NAME ...] [--short] [--folder DIR] [--prepared HOME]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.tables import provenance
from benchmarks.torture.outcome import Outcome, Size, as_table
from benchmarks.torture.place import Place, prepare

FAULTS = (
    "kill",
    "disk",
    "failing_writes",
    "spoiled",
    "locked",
    "migration",
    "backup",
    "overload",
    "guessing",
    "clock",
    "stopping",
    "soak",
)
"""Modules of this package; each has `torture(place, *, size)`, which yields outcomes."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", action="append", choices=FAULTS, metavar="NAME", help=f"one of {', '.join(FAULTS)}")
    parser.add_argument("--short", action="store_true", help="seconds rather than hours; the figures are no evidence")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to use; a temporary one by default")
    parser.add_argument("--prepared", type=Path, help="a trained home folder to copy; otherwise a tiny shop is trained")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        prepared = chosen.prepared
        if prepared is None:
            say("training a tiny shop ...")
            prepared = prepare(folder)
        size = Size.SHORT if chosen.short else Size.LONG
        outcomes = list(torture_all(chosen.only or FAULTS, folder / "homes", prepared, size=size))
    print(f"{provenance(())}; {size.value} form\n")
    print(as_table(outcomes))
    return 0 if all(each.passed for each in outcomes) else 1


def torture_all(names: Sequence[str], folder: Path, prepared: Path, *, size: Size) -> Iterator[Outcome]:
    """A fault that breaks its own measurement is a failed row, and the others still run."""
    for name in names:
        began = time.monotonic()
        say(f"{name} ...")
        try:
            for outcome in import_module(f"benchmarks.torture.{name}").torture(
                Place(folder / name, prepared), size=size
            ):
                say(f"{name}, {time.monotonic() - began:.0f} s: {outcome.fault}: {outcome.figures}")
                yield outcome
        except Exception as error:
            say(f"{name}, {time.monotonic() - began:.0f} s: {error}")
            yield Outcome(name, "could not be measured", False, f"{type(error).__name__}: {error}"[-1000:])


def say(line: str) -> None:
    """Progress, beside the table that goes to the standard output."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
