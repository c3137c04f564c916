"""The Nth write or fsync fails, in each command that writes and under a server with customers at work.

A small library that is loaded before the C library lets it fail; it is made here with the C compiler. Where there is
none, the commands are given a limit on the size of files instead, a page more each time, and no fsync fails.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.torture.acknowledged import Acknowledged
from benchmarks.torture.asking import request, seconds_until
from benchmarks.torture.customers import at_work, hire
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import Place
from benchmarks.torture.small_disk import Disk
from benchmarks.torture.writing import COMMANDS, Attempt, Trial, tried

SOURCE = Path(__file__).with_name("failing.c")
PAGE = 4096
WRITES = (1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 28, 37, 50, 67, 90, 120, 160, 213, 284, 380, 507, 676, 900)
"""Which one fails: all of the first, then further and further apart."""
FEW_WRITES = (1, 6)
SYNCS = tuple(range(1, 21))
FEW_SYNCS = (2,)
KINDS = (("write", errno.ENOSPC, WRITES, FEW_WRITES), ("sync", errno.EIO, SYNCS, FEW_SYNCS))
SERVER_SECONDS = 8.0
FAILING_EACH = 200, 40
"""Under the server the first so many go well, then so many fail, and then all go well again."""
RECOVERED_WITHIN_SECONDS = 5.0


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    place.home.mkdir(parents=True, exist_ok=True)
    library = compiled(place.home)
    for number, command in enumerate(COMMANDS):
        for call, error, many, few in KINDS if library else KINDS[:1]:
            which = many if size is Size.LONG else few
            trial = Trial(replace(place, home=place.home / f"{call}{number}"), command)
            if library:
                attempts = [_failing(library, trial, call, error, each) for each in which]
                how = (
                    f"the Nth {call} of a file of the home fails ({os.strerror(error)}), N = {which[0]} ... {which[-1]}"
                )
            else:
                attempts = [_limited(trial, each) for each in which]
                how = "no C compiler: files limited to N pages"
            found = tried(trial, attempts)
            yield Outcome(f"failing {call}: {command.name}", how, found.passed, found.words)
    for call, error, _, _ in KINDS if library else ():
        yield at_a_server(replace(place, home=place.home / f"server-{call}"), library, call, error, size)


def compiled(folder: Path) -> Path | None:
    """The library; None without a C compiler."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        return None
    library = folder / "failing.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


def fault(library: Path, home: Path, call: str, error: int, at: int, *, times: int = 0) -> Mapping[str, str]:
    """Environment of a process in whose files under `home` it happens."""
    mark = home.parent / f"{home.name}.failed"
    return {
        "LD_PRELOAD": str(library),
        "FAIL_UNDER": str(home.absolute()),
        "FAIL_CALL": call,
        "FAIL_AT": str(at),
        "FAIL_TIMES": str(times),
        "FAIL_WITH": str(error),
        "FAIL_MARK": str(mark),
    }


def _failing(library: Path, trial: Trial, call: str, error: int, at: int) -> Attempt:
    def run() -> tuple[int, str]:
        environment = trial.place.environment() | dict(fault(library, trial.place.home, call, error, at))
        return Disk(trial.place.home, is_small=True).run(trial.arguments, environment)

    return Attempt(f"with {call} {at} and all later ones failing", run)


def _limited(trial: Trial, pages: int) -> Attempt:
    def run() -> tuple[int, str]:
        disk = Disk(trial.place.home, is_small=False)
        disk.fill(left=pages * PAGE)
        return disk.run(trial.arguments, trial.place.environment())

    return Attempt(f"with files of at most {pages} pages", run)


def at_a_server(place: Place, library: Path | None, call: str, error: int, size: Size) -> Outcome:
    """Some fail in the middle of the work, each server a little later than the one before."""
    assert library is not None
    rounds = size.pick(long=8, short=1)
    log = Acknowledged(place.home.parent / f"{place.home.name}.jsonl")
    hire(place.settle(), ("Ana",))
    recovered, marked = [], 0
    for number in range(rounds):
        after, times = FAILING_EACH
        environment = fault(library, place.home, call, error, after + 7 * number, times=times)
        mark = Path(environment["FAIL_MARK"])
        mark.unlink(missing_ok=True)
        with (
            place.serve(environment=environment, audit_share="0.2") as server,
            at_work(server.port, log, customers=8, agents=("Ana",)) as crowd,
        ):
            marked += seconds_until(mark.exists, patience=4 * SERVER_SECONDS) < 4 * SERVER_SECONDS
            time.sleep(SERVER_SECONDS / 2)
            url = f"{server.url}/readyz"
            recovered.append(seconds_until(lambda at=url: request(at).status == 200, patience=20))  # type: ignore[misc]
            crowd.finish()
    found = log.compare(place.home)
    return Outcome(
        f"failing {call} under a server",
        f"{rounds} servers, {FAILING_EACH[1]} failures ({os.strerror(error)}) in the middle of the work in each",
        found.agrees and not log.strange and marked == rounds and max(recovered) <= RECOVERED_WITHIN_SECONDS,
        f"{found.words}; {log.repeats:,} requests sent again, {dict(log.strange) or 'no answer that should not be'}; "
        f"ready {max(recovered):.1f} s after at most",
    )
