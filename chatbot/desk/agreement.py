"""How far two agents agree, and how sure one can be of a share: small statistics for the lead's page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

Z = 1.959964
"""Of a 95 % interval."""


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa: agreement beyond what chance would give, 1 for perfect, 0 for chance (Cohen 1960).

    None where it says nothing: without pairs, or when both only ever used the same one label.
    """
    if not pairs:
        return None
    observed = sum(one == other for one, other in pairs) / len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(first[label] * second[label] for label in first) / len(pairs) ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def kappa_of(label: str, pairs: Sequence[tuple[str, str]]) -> float | None:
    """Of one label against all others."""
    return kappa([(str(one == label), str(other == label)) for one, other in pairs])


def interval(hits: int, trials: int) -> tuple[float, float] | None:
    """The 95 % interval of a share (Wilson 1927); None without trials."""
    if trials == 0:
        return None
    share, spread = hits / trials, Z**2 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    # Rounding must not leave a little more than nothing where nothing was found.
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == trials else middle + half)
