"""A training and an import that are asked to leave in the middle: nothing half-written, and the next one succeeds."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import signal
import string
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.torture.acknowledged import damage
from benchmarks.torture.halves import half_made
from benchmarks.torture.outcome import Outcome
from benchmarks.torture.place import Place, rows

LEFT_WITHIN_SECONDS = 10.0
LEFT_AT_ALL_SECONDS = 20.0
"""For the short form, which runs on busy machines."""
TRAINING = ("retrain", "--effort", "quick", "--force")
ENDED = frozenset({0, 3, 5})
"""Exit codes of a training that went to its end: live, kept the old one, too little to tell."""
IMPORTED, FEW_IMPORTED = 20_000, 2_000
BEGUN_SECONDS = 120.0

_KNOWLEDGE = (
    "SELECT (SELECT count(*) FROM examples), (SELECT count(*) FROM templates), (SELECT max(id) FROM knowledge_revision)"
)


def in_training(place: Place, *, moments: int) -> Outcome:
    """Stopped at as many moments of one training, the last of them near its end; then it has to succeed."""
    home = place.settle()
    began = time.monotonic()
    status = place.run(*TRAINING, module="training")
    whole = time.monotonic() - began
    if status not in ENDED:
        raise RuntimeError(f"the training itself ended with status {status}:\n{_said(home)}")
    took, left, finished = list[float](), list[str](), 0
    for number in range(moments):
        with _begun(place, *TRAINING, module="training") as process:
            time.sleep(whole * (number + 0.7) / (moments + 0.4))
            took.append(_terminate(process))
        finished += process.returncode in ENDED
        left += half_made(home)
    again = place.run(*TRAINING, module="training")
    hurt = list(damage(home))
    return Outcome(
        "stopped in the middle of a training",
        f"SIGTERM at {moments} moments of its {whole:.0f} s",
        max(took) <= LEFT_WITHIN_SECONDS and not left and again in ENDED and not hurt,
        f"gone after {max(took):.1f} s at most, {finished} had ended before; left behind: {left or 'nothing'}; "
        f"the next run ended with status {again}; {hurt or 'database sound'}",
    )


def once_in_training(place: Place) -> Outcome:
    """Stopped when it has begun to build a version; and the lock is free again."""
    from chatbot.errors import TrainingBusy
    from training.lock import alone

    home = place.settle()
    with _begun(place, *TRAINING, module="training") as process:
        _await(home, "Rehearsing", process)
        built = [path.name for path in (home / "models").glob(".building-*")]
        took = _terminate(process)
    left, free = half_made(home), True
    try:
        with alone(home / "models"):
            pass
    except TrainingBusy:
        free = False
    return Outcome(
        "stopped in the middle of a training",
        "SIGTERM once",
        took <= LEFT_AT_ALL_SECONDS and bool(built) and not left and free and process.returncode == -signal.SIGTERM,
        f"gone after {took:.1f} s with status {process.returncode}; it was building {len(built)} version; "
        f"left behind: {left or 'nothing'}; its lock is {'free' if free else 'HELD'}",
    )


def in_import(place: Place, *, moments: int) -> Outcome:
    """Stopped at as many moments of one import: each leaves all of it or nothing, and it can be done again."""
    home = place.settle()
    file = _many(home, IMPORTED)
    before = rows(home, _KNOWLEDGE)
    rehearsal = replace(place, home=home.with_name(f"{home.name}-rehearsal"))
    began = time.monotonic()
    if rehearsal.run("import", str(file)):
        raise RuntimeError(f"the import itself failed:\n{_said(rehearsal.home)}")
    whole = time.monotonic() - began
    after = _counts(rehearsal.home)
    shutil.rmtree(rehearsal.home)
    took, halves, complete = list[float](), 0, 0
    for number in range(moments):
        with _begun(place, "import", str(file)) as process:
            time.sleep(whole * (number + 0.7) / (moments + 0.4))
            took.append(_terminate(process))
        complete += _counts(home) == after
        halves += rows(home, _KNOWLEDGE) != before and _counts(home) != after
    again = place.run("import", str(file))
    hurt, same = list(damage(home)), _counts(home) == after
    return Outcome(
        "stopped in the middle of an import",
        f"SIGTERM at {moments} moments of the {whole:.0f} s that {IMPORTED:,} examples take",
        max(took) <= LEFT_WITHIN_SECONDS and not halves and again == 0 and same and not hurt,
        f"gone after {max(took):.1f} s at most; {halves} half-written, {complete} complete, "
        f"{moments - halves - complete} untouched; again: status {again}, {'all' if same else 'NOT all'} there; "
        f"{hurt or 'database sound'}",
    )


def once_in_import(place: Place) -> Outcome:
    """Stopped when it has said what it is about to write."""
    home = place.settle()
    file = _many(home, FEW_IMPORTED)
    ((examples, templates, _),) = before = rows(home, _KNOWLEDGE)
    after = [(examples + FEW_IMPORTED, templates)]
    with _begun(place, "import", str(file)) as process:
        _await(home, " new ", process)
        took = _terminate(process)
    untouched, complete = rows(home, _KNOWLEDGE) == before, _counts(home) == after
    again = place.run("import", str(file))
    same = _counts(home) == after
    return Outcome(
        "stopped in the middle of an import",
        f"SIGTERM as {FEW_IMPORTED:,} examples are written",
        took <= LEFT_AT_ALL_SECONDS and (untouched or complete) and again == 0 and same,
        f"gone after {took:.1f} s; {'untouched' if untouched else 'complete' if complete else 'HALF-WRITTEN'}; "
        f"again: status {again}, {'all' if same else 'NOT all'} there",
    )


@contextlib.contextmanager
def _begun(place: Place, *arguments: str, module: str = "chatbot") -> Iterator[subprocess.Popen[bytes]]:
    process = place.begin(*arguments, module=module)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _await(home: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    """Until the command says them; RuntimeError where it never does."""
    until = time.monotonic() + BEGUN_SECONDS
    while words not in _said(home):
        if time.monotonic() > until or process.poll() is not None:
            raise RuntimeError(f'it never said "{words}" (exit status {process.poll()}):\n{_said(home)}')
        time.sleep(0.01)


def _terminate(process: subprocess.Popen[bytes]) -> float:
    """Seconds until it is gone; more than any limit where it had to be killed."""
    asked = time.monotonic()
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(LEFT_AT_ALL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return time.monotonic() - asked


def _counts(home: Path) -> list[tuple[object, ...]]:
    """Examples and templates; imported twice, they would be more."""
    return [row[:2] for row in rows(home, _KNOWLEDGE)]


def _many(home: Path, count: int) -> Path:
    """No two of the examples have the same words once numbers are masked."""
    file = home / "many.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for letters in itertools.islice(itertools.product(string.ascii_lowercase, repeat=4), count):
            words = f"where is the {''.join(letters)} that I have ordered"
            lines.write(json.dumps({"type": "example", "text": words, "intent": "track_order"}) + "\n")
    return file


def _said(home: Path) -> str:
    return (home / "commands.log").read_text(encoding="utf-8", errors="replace")[-3000:]
