"""A log that takes nothing ends no work, and changes no exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.heard import heard_or_not

SPEAKS = """
import sys
import typer
from rich.console import Console
from chatbot.heard import heard_or_not

console = Console()
with heard_or_not():
    for _ in range(3):
        console.print("a line")
        print("another", flush=True)
        typer.echo("and one")
        sys.stderr.write("a word\\n")
raise SystemExit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", [0, 3])
def test_on_a_full_disk_the_exit_code_is_that_of_the_work(code: int) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", SPEAKS, str(code)], stdout=full, stderr=full, check=False)
    assert done.returncode == code


def test_a_reader_who_has_left_is_not_missed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SPEAKS, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as speaker:
        assert speaker.stdout is not None
        speaker.stdout.close()
        assert speaker.stderr is not None
        assert speaker.stderr.read() == b"a word\n" * 3
    assert speaker.returncode == 0


def test_what_can_be_written_is(capsys: pytest.CaptureFixture[str]) -> None:
    with heard_or_not():
        sys.stdout.write("to be read\n")
        sys.stderr.write("in red\n")
    sys.stdout.write("after\n")
    assert capsys.readouterr() == ("to be read\nafter\n", "in red\n")


def test_it_asks_all_else_of_the_stream() -> None:
    with heard_or_not():
        assert sys.stdout.isatty() is False
        assert sys.stdout.encoding.lower() == "utf-8"
