"""What is around the server, for /metrics: the disk, the process, and the jobs that run beside it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chatbot import jobs, logs

_OPEN_FILES = Path("/proc/self/fd")


class Premises(Collector):
    """`database`: the file of an SQLite database; None for another one, which has its own watch."""

    def __init__(self, home: Path, database: Path | None) -> None:
        self._home = home
        self._database = database
        self._started = time.time()

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield gauge("chatbot_start_time_seconds", "When this server started, in seconds since 1970", self._started)
        yield gauge("chatbot_open_files", "Files and connections that this process has open", open_files())
        lost = CounterMetricFamily("chatbot_log_lines_lost", "Lines of the log that could not be written")
        lost.add_metric((), logs.lost_lines())
        yield lost
        yield from self._disk()
        yield from self._jobs()

    def _disk(self) -> Iterator[Metric]:
        try:
            usage = shutil.disk_usage(self._home)
        except OSError:  # the folder is gone: that there is no figure is told by its absence
            return
        yield gauge("chatbot_disk_free_bytes", "Room on the disk of the home folder", usage.free)
        yield gauge("chatbot_disk_size_bytes", "Size of that disk", usage.total)
        if self._database is not None:
            yield gauge("chatbot_database_bytes", "The database's file and its write-ahead log", self._size())

    def _size(self) -> int:
        assert self._database is not None, "it has a file"
        files = (self._database, self._database.with_name(f"{self._database.name}-wal"))
        return sum(file.stat().st_size for file in files if file.is_file())

    def _jobs(self) -> Iterator[Metric]:
        ended = GaugeMetricFamily(
            "chatbot_job_timestamp_seconds", "When a job ended last, by its outcome", labels=("name", "outcome")
        )
        good = GaugeMetricFamily(
            "chatbot_job_success_timestamp_seconds", "When a job ended well last; 0 for never", labels=("name",)
        )
        took = GaugeMetricFamily("chatbot_job_seconds", "How long the last run of a job took", labels=("name",))
        for name in jobs.JOBS:
            job = jobs.last(self._home, name)
            good.add_metric((name,), job.good_at if job else 0.0)
            if job is not None:
                ended.add_metric((name, job.outcome), job.at)
                took.add_metric((name,), job.seconds)
        yield from (ended, good, took)


def gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=float(value))


def open_files() -> float:
    """Not a number where the system does not tell."""
    try:
        return float(len(os.listdir(_OPEN_FILES)))  # noqa: PTH208 - paths of what is gone at once are no use
    except OSError:
        return float("nan")
