"""How a process that lives for months takes memory from the system."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # of glibc's malloc.h
HEAPS = 2


def share_heaps() -> bool:
    """Let all threads share a few heaps, where there is glibc; True if it does. To be called before threads are begun.

    By itself it gives a server of two cores sixteen. What a thread frees stays in its heap, and after each change of
    versions the next one is loaded into other heaps: 20 changes under load took 100 MB, and with two heaps 4 MB.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another system, another way to manage memory
        return False
    return bool(mallopt(_M_ARENA_MAX, HEAPS))
