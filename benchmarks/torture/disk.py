"""The disk is full: under a server with customers and agents at work, and under each command that writes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.torture.acknowledged import Acknowledged
from benchmarks.torture.asking import Visitor, begin, request, say, seconds_until
from benchmarks.torture.customers import at_work, hire
from benchmarks.torture.outcome import Outcome, Size
from benchmarks.torture.place import Place, Serving
from benchmarks.torture.small_disk import Disk, size_of, small_disk
from benchmarks.torture.writing import COMMANDS, Attempt, Trial, tried

ROOM_BYTES = 256 << 20
"""Besides what lies in the home: a training needs some."""
CALM_SECONDS = 1.5
NOTICED_WITHIN_SECONDS = 15.0
RECOVERED_WITHIN_SECONDS = 5.0
LANGUAGES = ("en", "zh-CN")
LEFT_BYTES = (0, 16 << 10, 48 << 10, 96 << 10, 192 << 10, 384 << 10, 768 << 10, 1536 << 10, 3 << 20, 8 << 20, 20 << 20)
"""What a command finds left of the disk: it gets a little further each time."""
FEW_LEFT_BYTES = (0, 96 << 10)


def torture(place: Place, *, size: Size) -> Iterator[Outcome]:
    room = size_of(place.prepared) + ROOM_BYTES
    with small_disk(place.home / "disk", size=room) as disk:
        yield at_a_server(replace(place, home=disk.root / "home"), disk, rounds=size.pick(long=10, short=1))
    left = LEFT_BYTES if size is Size.LONG else FEW_LEFT_BYTES
    for number, command in enumerate(COMMANDS):
        with small_disk(place.home / f"disk{number}", size=room) as disk:
            trial = Trial(replace(place, home=disk.root / "home"), command)
            found = tried(trial, [_filled(disk, trial, room) for room in left])
            how = f"{disk.how}, from {left[0] >> 10} KB left on"
            yield Outcome(f"disk full: {command.name}", how, found.passed, found.words)


# --- Under a server ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """What was told while the disk was full, and how many seconds it took to notice and to recover."""

    reasons: set[str] = field(default_factory=set)
    sentences: set[str] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    noticed: list[float] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)


def at_a_server(place: Place, disk: Disk, *, rounds: int) -> Outcome:
    beside = disk.root.parent
    log, seen = Acknowledged(beside / "acknowledged.jsonl"), Seen()
    hire(place.settle(), ("Ana",))
    with (
        place.serve(log=beside / "server.log", audit_share="0.2") as server,
        at_work(server.port, log, customers=8, agents=("Ana",)) as crowd,
    ):
        conversation = begin(server.url)
        visitors = [Visitor(server.url, language) for language in LANGUAGES]
        for number in range(rounds):
            time.sleep(CALM_SECONDS)
            disk.fill(server.pid)
            seen.noticed.append(seconds_until(lambda: _refused(server), patience=NOTICED_WITHIN_SECONDS))
            _look(server, conversation, visitors, seen, key=f"round{number}-xxxxxxxxxxxx")
            time.sleep(CALM_SECONDS)
            disk.free()
            seen.recovered.append(_recovery(server, conversation, key=f"again{number}-xxxxxxxxxxxx"))
        crowd.finish()
        found = log.compare(place.home)
    well = found.agrees and not log.strange and all(_is_honest(said) for said in seen.sentences)
    in_time = max(seen.noticed) < NOTICED_WITHIN_SECONDS and max(seen.recovered) <= RECOVERED_WITHIN_SECONDS
    return Outcome(
        "disk full under a server",
        f"{disk.how}, {rounds} times full and freed, 8 customers and an agent at work",
        well
        and in_time
        and not server.failures()
        and seen.reasons == {"database: cannot be written: its disk is full"},
        f"{found.words}; {log.repeats:,} requests sent again, {dict(log.strange) or 'no answer that should not be'}; "
        f"/readyz 503 after {max(seen.noticed):.1f} s at most ({'; '.join(sorted(seen.reasons))}); "
        f"REST {', '.join(sorted(seen.answers))}; the page: {' / '.join(sorted(seen.sentences))}; "
        f"taking messages {max(seen.recovered):.1f} s at most after space was freed"
        + "".join(f"; {count} times {failure}" for failure, count in server.failures().items()),
    )


def _refused(server: Serving) -> bool:
    """Ready no more, and a message was refused too: what lay free in the log is used up."""
    return request(f"{server.url}/readyz").status == 503


def _look(server: Serving, conversation: str, visitors: Sequence[Visitor], seen: Seen, *, key: str) -> None:
    def is_refused() -> bool:
        answer = say(server.url, conversation, "where is my parcel", key=key)
        if answer.status != 503:
            return False
        seen.answers.add(f"503 with Retry-After {answer.headers.get('retry-after', 'missing')}")
        return True

    seconds_until(is_refused, patience=NOTICED_WITHIN_SECONDS)
    seen.reasons.add(str(request(f"{server.url}/readyz").body["detail"]))
    for number, visitor in enumerate(visitors):
        said = visitor.call("send", key=f"{key}{number}", text="where is my parcel")
        if "error" in said:
            seen.sentences.add(said["error"]["sentence"])


def _recovery(server: Serving, conversation: str, *, key: str) -> float:
    def is_well() -> bool:
        return (
            request(f"{server.url}/readyz").status == 200
            and say(server.url, conversation, "and now", key=key).status == 201
        )

    return seconds_until(is_well, patience=4 * RECOVERED_WITHIN_SECONDS)


def _is_honest(sentence: str) -> bool:
    """It says that there is no answer now, and not that something was saved, sent or understood."""
    return "cannot answer right now" in sentence or "暂时无法回答" in sentence


# --- Under a command ---------------------------------------------------------------------------------------------


def _filled(disk: Disk, trial: Trial, left: int) -> Attempt:
    def attempt() -> tuple[int, str]:
        disk.fill(left=left)
        try:
            return disk.run(trial.arguments, trial.place.environment())
        finally:
            disk.free()

    return Attempt(f"with {left >> 10} KB left", attempt)
