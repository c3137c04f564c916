"""Files that are taken away under a running server, damaged, somebody else's, or on a disk that takes no log."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from benchmarks.torture.asking import begin, request, say, seconds_until
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import ROOT, Place, Serving, free_port, rows, status_of

NOTICED_WITHIN_SECONDS = 5.0
_PR_CAPBSET_DROP = 24
_DAC_OVERRIDE, _DAC_READ_SEARCH, _FOWNER = 1, 2, 3
QUESTION = "where is my parcel"


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    def at(name: str) -> Place:
        return replace(place, home=place.home / name)

    yield moved_away(at("deleted"))
    yield replaced(at("replaced"))
    yield damaged(at("damaged"), flips=size.pick(long=20, short=2))
    yield no_log(at("log"))
    if size is Size.LONG:
        yield no_temporary_files(at("temporary"))
    yield only_to_read(at("read"))


def moved_away(place: Place) -> Outcome:
    """The file and its log, one after the other, and back again."""
    with place.serve() as server:
        conversation, told, refused, back = begin(server.url), [], [], []
        for name in ("chatbot.db", "chatbot.db-wal"):
            say(server.url, conversation, QUESTION, key=f"before-{name}-xxxxxxxx")
            file = place.home / name
            file.rename(place.home / "elsewhere")
            refused.append(say(server.url, conversation, QUESTION, key=f"during-{name}-xxxxxxxx").status)
            seconds_until(lambda: _ready(server) == 503, patience=NOTICED_WITHIN_SECONDS)
            told.append(_reason(server))
            if file.exists():
                refused.append(-1)  # somebody made a new one in its place
            (place.home / "elsewhere").rename(file)
            back.append(seconds_until(lambda: _ready(server) == 200, patience=10.0))
            refused.append(say(server.url, conversation, QUESTION, key=f"after-{name}-xxxxxxxxx").status)
    stored = rows(place.home, "SELECT count(*) FROM messages WHERE conversation_id = ?", (conversation,))[0][0]
    return Outcome(
        "database file and its log moved away under a server",
        "one after the other",
        refused == [503, 201] * 2 and stored == 8 and max(back) <= NOTICED_WITHIN_SECONDS,
        f"answers {refused}; /readyz: {'; '.join(told)}; {stored} of 8 stored; "
        f"well {max(back):.1f} s after they came back",
    )


def replaced(place: Place) -> Outcome:
    """By an older copy, as somebody does who restores by hand."""
    place.settle()
    shutil.copy(place.home / "chatbot.db", place.home / "older.db")
    with place.serve() as server:
        conversation = begin(server.url)
        before = say(server.url, conversation, QUESTION, key="before-xxxxxxxxxxxx").status
        (place.home / "older.db").replace(place.home / "chatbot.db")
        during = say(server.url, conversation, QUESTION, key="during-xxxxxxxxxxxx").status
        seconds_until(lambda: _ready(server) == 503, patience=NOTICED_WITHIN_SECONDS)
        told = _reason(server)
    return Outcome(
        "database file replaced under a server",
        "by an older copy",
        (before, during) == (201, 503) and "deleted or replaced" in told,
        f"a message before: {before}, after: {during}, so nothing is acknowledged into a file that nobody finds; "
        f"/readyz: {told}",
    )


def damaged(place: Place, *, flips: int) -> Outcome:
    """Pages overwritten with noise while nothing runs; then asked, imported into, exported, examined."""
    chance, seen, wrong = random.Random(flips), [], []
    for number in range(flips):
        here = replace(place, home=place.home / str(number))
        file = here.settle() / "chatbot.db"
        content = bytearray(file.read_bytes())
        page = 0 if number == 0 else chance.randrange(1, len(content) // 4096)
        content[page * 4096 : page * 4096 + 512] = chance.randbytes(512)
        file.write_bytes(content)
        code, said = run(here, "doctor")
        seen.append(code)
        if "Traceback" in said or code == 0:
            wrong.append(f"page {page}: status {code}: {said[-300:]}")
    return Outcome(
        "database file damaged",
        f"a page overwritten with noise, {flips} times",
        not wrong,
        f'"chatbot doctor" found it {sum(code == 1 for code in seen)} of {flips} times'
        + (f"; WRONG: {wrong[0]}" if wrong else ""),
    )


def no_log(place: Place) -> Outcome:
    """Standard output and error are a disk that is full."""
    with Path("/dev/full").open("wb") as full, started(place, full) as server:
        ready = seconds_until(lambda: _ready(server) == 200, patience=60.0)
        answered = say(server.url, begin(server.url), QUESTION, key="no-log-xxxxxxxxxxxx").status
        server.stop()
        code = server.process.returncode
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "chatbot", "train"]
        trained = subprocess.run(command, cwd=ROOT, env=place.environment(), stdout=full, stderr=full, check=False)
    return Outcome(
        "the disk of the log is full",
        "standard output and error are /dev/full",
        (answered, code, trained.returncode) == (201, 0, 0),
        f"a server was ready after {ready:.1f} s, answered with {answered} and left with {code}; "
        f'"chatbot train" ended with {trained.returncode}',
    )


def no_temporary_files(place: Place) -> Outcome:
    """TMPDIR names what is no folder: another one has to do."""
    nowhere = str(place.settle() / "chatbot.db")  # no folder at all
    with place.serve(environment={"TMPDIR": nowhere}) as server:
        answered = say(server.url, begin(server.url), QUESTION, key="no-temp-xxxxxxxxxxx").status
        page = status_of(f"{server.url}/")
    return Outcome(
        "the folder for temporary files is none",
        "TMPDIR names a file",
        (answered, page) == (201, 200),
        f"a message: {answered}; the page: {page}",
    )


def only_to_read(place: Place) -> Outcome:
    """A server and commands of a user who may read the home and write nothing in it, as where it is another's."""
    home = place.settle()
    paths = [home, *home.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    found = {}
    for arguments in (("doctor",), ("import", str(ROOT / "data" / "questions.csv")), ("train",), ("db", "upgrade")):
        code, said = run(place, *arguments, mighty=False)
        found[arguments[0]] = code, said.strip().splitlines()[-1] if said.strip() else "", "Traceback" in said
    code, said = run(place, "serve", "--port", str(free_port()), mighty=False)
    found["serve"] = code, said.strip().splitlines()[-1] if said.strip() else "", "Traceback" in said
    for path in paths:
        path.chmod(path.stat().st_mode | 0o200)
    refused = all(code == 1 and not trace for code, _, trace in found.values())
    return Outcome(
        "home that this user may only read",
        "each command",
        refused,
        "; ".join(f"{name}: {code}, {words[-160:]}" for name, (code, words, _) in found.items()),
    )


def run(place: Place, *arguments: str, mighty: bool = True) -> tuple[int, str]:
    """Exit status and words of a command; where it is not `mighty`, file modes are for root too."""
    done = subprocess.run(
        [sys.executable, "-m", "chatbot", *arguments],
        cwd=ROOT,
        env=place.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=300,
        preexec_fn=None if mighty else _as_anybody,
        check=False,
    )
    return done.returncode, done.stdout


@contextmanager
def started(place: Place, out: BinaryIO) -> Iterator[Serving]:
    """As `Place.serve`, with another place for what it says."""
    port = free_port()
    place.settle()
    process = subprocess.Popen(
        [sys.executable, "-m", "chatbot", "serve", "--port", str(port)],
        cwd=ROOT,
        env=place.environment(),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    server = Serving(process, home=place.home, port=port, log=place.home / "server.log")
    try:
        yield server
    finally:
        server.stop()
        server.kill()


def _as_anybody() -> None:
    """Root may do what it likes with every file, by a capability that what it starts does not get from here."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH, _FOWNER):
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def _ready(server: Serving) -> int:
    return request(f"{server.url}/readyz").status


def _reason(server: Serving) -> str:
    found = request(f"{server.url}/readyz")
    return str(found.body.get("detail", found.status)) if isinstance(found.body, dict) else str(found.status)
