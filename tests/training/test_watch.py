"""When retraining runs by itself: a clock that jumps instead of sleeping, and a real process where signals matter."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatbot.errors import SettingsError, StoreBusy, TrainingRefused
from training.watch import Schedule, duration, in_a_process, watch

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)

WATCHING = """
import sys, time
from datetime import timedelta
from training.watch import Schedule, SystemClock, in_a_process, watch

clock = SystemClock()
run = in_a_process([sys.executable, "-c", sys.argv[1]], seconds=float(sys.argv[2]))
with clock.listening():
    watch(
        run,
        Schedule(timedelta(days=1)),
        last_version=None,
        taught_since=lambda since: 0,
        clock=clock,
        say=lambda line: print(line, flush=True),
    )
"""


NO_JUMP = timedelta(0)


class Jumping:
    """Sleeps in no time, and is woken at `until`."""

    def __init__(self, until: timedelta) -> None:
        self.time = NOON
        self.until = NOON + until
        self.interrupts = False

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> bool:
        self.time += timedelta(seconds=seconds)
        return self.time < self.until

    @contextmanager
    def working(self) -> Iterator[None]:
        yield


class Runs:
    """Notes when it is run; what comes of it is given, the last one for ever. A run takes ten minutes."""

    def __init__(self, clock: Jumping, *ends: int | BaseException) -> None:
        self.clock = clock
        self.ends = list(ends)
        self.at: list[timedelta] = []

    def __call__(self) -> int:
        self.at.append(self.clock.time - NOON)
        self.clock.time += timedelta(minutes=10)
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if isinstance(end, BaseException):
            raise end
        return end


def watched(
    *ends: int | BaseException,
    until: timedelta,
    schedule: Schedule | None = None,
    last: datetime | None = None,
    taught_since: Callable[[datetime | None], int] = lambda since: 0,  # noqa: ARG005 # what it is called with
    clock: Jumping | None = None,
) -> tuple[list[timedelta], list[str]]:
    clock, said = clock or Jumping(until), list[str]()
    runs = Runs(clock, *ends)
    watch(runs, schedule or Schedule(DAY), last_version=last, taught_since=taught_since, clock=clock, say=said.append)
    return runs.at, said


@pytest.mark.parametrize(
    ("given", "length"),
    [
        ("24h", timedelta(hours=24)),
        ("30m", timedelta(minutes=30)),
        ("7d", timedelta(days=7)),
        ("1h30m", timedelta(minutes=90)),
        ("90s", timedelta(seconds=90)),
        (" 2 W ", timedelta(days=14)),
        ("1.5h", timedelta(minutes=90)),
    ],
)
def test_lengths_of_time(given: str, length: timedelta) -> None:
    assert duration(given) == length


@pytest.mark.parametrize("given", ["", "24", "h", "-1h", "one day", "1h!", "1y", "99999999999d"])
def test_what_is_no_length_of_time_shows_how_to_write_one(given: str) -> None:
    with pytest.raises(SettingsError, match="write it like"):
        duration(given)


def test_nobody_trains_every_second() -> None:
    with pytest.raises(SettingsError, match=r'"0m" is too short to train in; one minute \(1m\) is the least'):
        duration("0m")


def test_it_runs_at_once_and_then_at_the_interval() -> None:
    at, said = watched(0, 3, 4, until=timedelta(days=2, hours=1))
    assert at == [timedelta(0), DAY, 2 * DAY], "from beginning to beginning, however long a run takes"
    assert said == [
        "Watching: retraining every 24 hours; next run 2026-05-01 12:00 UTC",
        "2026-05-01 12:00 UTC  a new version is live; took 600 s; next run 2026-05-02 12:00 UTC at the latest",
        "2026-05-02 12:00 UTC  the new version is no better: the one that was live stays; took 600 s; "
        "next run 2026-05-03 12:00 UTC at the latest",
        "2026-05-03 12:00 UTC  nothing new to learn; took 600 s; next run 2026-05-04 12:00 UTC at the latest",
        "Stopped watching.",
    ]


def test_a_restart_does_not_train_again() -> None:
    at, said = watched(0, until=timedelta(hours=20), last=NOON - timedelta(hours=6))
    assert at == [timedelta(hours=18)]
    assert said[0].endswith("next run 2026-05-02 06:00 UTC")


def test_what_was_missed_is_made_up_for_once() -> None:
    at, _ = watched(0, until=timedelta(hours=2), last=NOON - timedelta(days=9))
    assert at == [timedelta(0)]


def test_a_failure_is_tried_again_later_and_later_but_within_the_interval() -> None:
    schedule = Schedule(timedelta(hours=1))
    at, said = watched(1, until=timedelta(hours=6), schedule=schedule)
    pauses = [later - earlier - timedelta(minutes=10) for earlier, later in zip(at, at[1:], strict=False)]
    minutes = [pause.total_seconds() / 60 for pause in pauses]
    assert minutes[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert "failed with exit code 1; its own lines say why" in said[1]


def test_after_a_success_the_patience_is_new() -> None:
    at, _ = watched(1, 1, 0, 1, 0, until=timedelta(days=1, hours=1))
    tenth = timedelta(minutes=10)
    assert at == [
        timedelta(0),
        tenth + timedelta(minutes=1),
        2 * tenth + timedelta(minutes=3),
        timedelta(minutes=23) + DAY,
        timedelta(minutes=34) + DAY,
    ]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (TrainingRefused("one intent only; import more"), "failed: one intent only; import more"),
        (ZeroDivisionError("by nought"), "failed: ZeroDivisionError: by nought"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (SystemExit(2), "failed with exit code 2"),
        (-9, "failed: ended by SIGKILL; too little memory is a common cause"),
    ],
)
def test_whatever_a_run_dies_of_the_watch_goes_on(end: int | BaseException, told: str) -> None:
    at, said = watched(end, 0, until=timedelta(hours=1))
    assert at == [timedelta(0), timedelta(minutes=11)]
    assert told in said[1]
    assert "a new version is live" in said[2]


def test_while_another_run_is_at_work_it_waits_a_little() -> None:
    at, said = watched(6, 6, 0, until=timedelta(hours=2))
    assert at == [timedelta(minutes=minutes) for minutes in (0, 15, 30)]
    assert "another run is at work" in said[1]


def test_enough_reviews_start_a_run_before_its_time() -> None:
    taught = [NOON + timedelta(minutes=7 * number) for number in range(1, 30)]
    clock = Jumping(timedelta(hours=4))

    def taught_since(since: datetime | None) -> int:
        return sum(at <= clock.time and (since is None or at > since) for at in taught)

    at, said = watched(
        0,
        until=timedelta(hours=4),
        schedule=Schedule(DAY, after_reviews=10),
        last=NOON - timedelta(hours=1),
        taught_since=taught_since,
        clock=clock,
    )
    assert at == [timedelta(minutes=70), timedelta(minutes=140)], "the tenth review after the last run's beginning"
    assert said[0].startswith("Watching: retraining every 24 hours, or after 10 new reviews; ")


def test_reviews_that_cannot_be_learnt_from_yet_do_not_start_one_run_after_the_other() -> None:
    counted: list[datetime | None] = []

    def taught_since(since: datetime | None) -> int:
        counted.append(since)
        return 0 if since is not None and since >= NOON else 50

    at, _ = watched(
        5,
        until=timedelta(hours=5),
        schedule=Schedule(DAY, after_reviews=10),
        last=NOON - timedelta(hours=1),
        taught_since=taught_since,
    )
    assert at == [timedelta(0)]
    assert counted[-1] == NOON


def test_after_a_failure_reviews_do_not_undo_the_patience() -> None:
    at, _ = watched(
        1,
        until=timedelta(minutes=60),
        schedule=Schedule(DAY, after_reviews=10),
        taught_since=lambda _since: 50,
    )
    assert [each.total_seconds() / 60 for each in at] == [0, 11, 23, 37, 55]


def test_a_busy_database_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    def busy(_since: datetime | None) -> int:
        raise StoreBusy("the database is busy; try again")

    at, _ = watched(0, until=timedelta(hours=1), schedule=Schedule(DAY, after_reviews=1), last=NOON, taught_since=busy)
    assert at == []
    assert "new reviews could not be counted: the database is busy" in caplog.text


def test_an_interrupted_run_ends_the_watch() -> None:
    at, said = watched(KeyboardInterrupt(), until=DAY)
    assert at == [timedelta(0)]
    assert said[1:] == ["2026-05-01 12:00 UTC  cancelled after 600 s", "Stopped watching."]


def test_the_exit_code_of_a_process_is_the_runs() -> None:
    assert in_a_process([sys.executable, "-c", "raise SystemExit(4)"])() == 4


def watching(program: str, *, seconds: float = 30.0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WATCHING, program, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_when_idle_it_stops_within_a_second(number: signal.Signals) -> None:
    process = watching("raise SystemExit(4)")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    assert "nothing new to learn" in lines[1]
    time.sleep(0.1)
    told = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - told < 1.0
    assert (process.returncode, out, err) == (0, "Stopped watching.\n", "")


TIDY = """
import pathlib, sys, time
mark = pathlib.Path({mark!r})
mark.with_suffix(".began").touch()
try:
    time.sleep(60)
finally:
    mark.touch()
"""


def began(mark: Path) -> None:
    end = time.monotonic() + 20
    while not mark.with_suffix(".began").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert mark.with_suffix(".began").exists()


def test_a_run_under_way_clears_up_before_it_stops(tmp_path: Path) -> None:
    mark = tmp_path / "cleared"
    process = watching(TIDY.format(mark=str(mark)))
    began(mark)
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert mark.exists()
    assert "cancelled after" in out
    assert out.endswith("Stopped watching.\n")


def test_a_run_that_will_not_stop_is_ended(tmp_path: Path) -> None:
    mark = tmp_path / "stubborn"
    stubborn = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + TIDY.format(mark=str(mark))
    process = watching(stubborn, seconds=0.2)
    began(mark)
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, mark.exists()) == (0, False)
    assert out.endswith("Stopped watching.\n")


@pytest.mark.parametrize("jump", [-DAY, -300 * DAY, DAY])
def test_a_clock_that_jumps_neither_stops_it_nor_makes_it_run_for_ever(jump: timedelta) -> None:
    """The clock is set at the third hour."""

    class Set(Jumping):
        passed = timedelta(0)

        def sleep(self, seconds: float) -> bool:
            before, self.passed = self.passed, self.passed + timedelta(seconds=seconds)
            self.time += timedelta(seconds=seconds) + (jump if before < timedelta(hours=3) <= self.passed else NO_JUMP)
            return self.passed < 4 * DAY

    clock, ran = Set(timedelta(0)), list[timedelta]()

    def run() -> int:
        ran.append(clock.passed)
        return 0

    watch(run, Schedule(DAY), last_version=None, taught_since=lambda _: 0, clock=clock, say=lambda _: None)
    gaps = [after - before for before, after in itertools.pairwise(ran)]
    assert 4 <= len(ran) <= 5
    assert max(gaps) <= DAY + timedelta(hours=3, minutes=1), "one day after the clock was set at the latest"


def test_reviews_count_again_after_the_clock_was_put_back() -> None:
    """The last version was made while the clock was ahead: whatever is taught now is dated before it."""
    asked: list[datetime | None] = []

    def taught(since: datetime | None) -> int:
        asked.append(since)
        return 0

    watched(0, until=timedelta(minutes=5), schedule=Schedule(DAY, 10), last=NOON + 300 * DAY, taught_since=taught)
    assert asked[0] == NOON
    assert set(asked) == {NOON}
