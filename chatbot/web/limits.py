"""How often one key (an address, a conversation) may do something: a token bucket with bounded memory."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MINUTE = 60.0
REMEMBERED = 50_000


class RateLimiter:
    """`per_minute` tokens a key, all there at first, coming back one by one. Safe to share between threads.

    Kept for a key is one number, the moment at which its bucket will be full again (the generic cell rate algorithm).
    A bucket that is full is forgotten, and beyond `remembered` keys the one unused for longest is.
    """

    def __init__(
        self, per_minute: int, *, clock: Callable[[], float] = time.monotonic, remembered: int = REMEMBERED
    ) -> None:
        if per_minute < 1 or remembered < 1:
            raise ValueError("per_minute and remembered are at least 1")
        self._token = MINUTE / per_minute  # seconds until one comes back
        self._clock = clock
        self._remembered = remembered
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> float:
        """Take a token; the seconds to wait for one when there is none, 0.0 when it was granted."""
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(key, now), now) + self._token
            # A thousandth of a token of tolerance: sums of fractions must not refuse the last one of the minute.
            missing = full_at - now - MINUTE
            if missing > self._token / 1000:
                return missing
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
            self._forget(now)
            return 0.0

    def give_back(self, key: str) -> None:
        """The last token taken for this key was not meant to count."""
        with self._lock:
            if key in self._full_at:
                self._full_at[key] -= self._token

    def __len__(self) -> int:
        return len(self._full_at)

    def _forget(self, now: float) -> None:
        while self._full_at:
            oldest, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= self._remembered:
                return
            del self._full_at[oldest]


def whole_seconds(wait: float) -> int:
    """For a `Retry-After` header: whole seconds, never 0."""
    return max(1, math.ceil(wait))
