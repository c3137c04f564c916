"""In a process of its own: what was taken from the system is not given back by a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAPS_OF_MANY_THREADS = """
import ctypes, sys, threading
from chatbot.memory import share_heaps

if sys.argv[1] == "shared":
    assert share_heaps()
here = threading.Barrier(33)

def work():
    kept = bytearray(5000)
    here.wait()
    here.wait()

threads = [threading.Thread(target=work) for _ in range(32)]
for thread in threads:
    thread.start()
here.wait()
system = ctypes.CDLL(None)
system.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(system.fopen(sys.argv[2].encode(), b"w"))
system.malloc_info(0, file)
system.fclose(file)
here.wait()
"""


def _heaps(how: str, file: Path) -> int:
    subprocess.run([sys.executable, "-c", HEAPS_OF_MANY_THREADS, how, str(file)], check=True, timeout=60)
    return file.read_text(encoding="ascii").count("<heap nr=")


def test_threads_share_two_heaps(tmp_path: Path) -> None:
    assert _heaps("shared", tmp_path / "shared.xml") <= 2
    assert _heaps("alone", tmp_path / "alone.xml") > 2
