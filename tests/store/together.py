"""Two processes that begin the same work at the same moment."""

from __future__ import annotations

import subprocess
import sys

COUNT = 2


def run_together(program: str, *arguments: str) -> list[tuple[int, str, str]]:
    """Run `program`, which reads a line before it starts its work; exit code, output and errors of each.

    It has to print "ready" before it reads, so that none begins while another still imports.
    """
    command = [sys.executable, "-c", program, *arguments]
    processes = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        for _ in range(COUNT)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = []
    for process in processes:
        output, errors = process.communicate(timeout=120)
        outcomes.append((process.returncode, output, errors))
    return outcomes
