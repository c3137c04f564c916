"""What the log of events says about versions: which served before which, which are pinned, and which were refused.

Pure functions of the log. Going back shortens the line of versions that served: what was gone back from is in it no
more, so that it neither stands in for a damaged version nor is gone back to again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chatbot.store.versions import Event

REGISTERED = "registered"
PROMOTED = "promoted"
ROLLED_BACK = "rolled_back"
REFUSED = "refused"
PINNED = "pinned"
UNPINNED = "unpinned"
PRUNED = "pruned"
HOLDS_ERASED = "holds_erased"


@dataclass(frozen=True, slots=True)
class Keeping:
    """Which versions stay and which go, in the order in which they go."""

    stay: frozenset[str]
    go: tuple[str, ...]


def line_of(events: Sequence[Event]) -> list[str]:
    """The versions that were promoted one after the other, the first one first.

    An event names the version that it took over from. Where that is not the last of the line, a promotion before it
    was recorded and then killed before it took effect: it never served.
    """
    line: list[str] = []
    for event in events:
        taken_over = event.detail.get("from")
        if event.event == PROMOTED:
            _back_to(line, taken_over)
            _back_to(line, event.version)
            if event.version not in line:
                line.append(event.version)
        elif event.event == ROLLED_BACK:
            _back_to(line, event.detail.get("to"))
    return line


def _back_to(line: list[str], version: object) -> None:
    if version in line:
        del line[line.index(version) + 1 :]


def before(events: Sequence[Event], version: str | None) -> list[str]:
    """What served before a version, newest first; the whole line for a version that never served, or none at all."""
    line = line_of(events)
    return line[: line.index(version) if version in line else None][::-1]


def promoted(events: Sequence[Event]) -> set[str]:
    return {event.version for event in events if event.event == PROMOTED}


def pinned(events: Sequence[Event]) -> set[str]:
    last = {event.version: event.event for event in events if event.event in (PINNED, UNPINNED)}
    return {version for version, event in last.items() if event == PINNED}


def left(events: Sequence[Event]) -> set[str]:
    """What somebody went back from, and nobody has promoted again."""
    last = {event.version: event.event for event in events if event.event in (PROMOTED, ROLLED_BACK)}
    return {version for version, event in last.items() if event == ROLLED_BACK}


def refusals(events: Sequence[Event]) -> dict[str, tuple[str, ...]]:
    """By version: why the gate refused it when it was judged last."""
    judged = [event for event in events if event.event == REFUSED]
    return {event.version: tuple(str(reason) for reason in event.detail.get("reasons", ())) for event in judged}


def erased(events: Sequence[Event]) -> dict[str, int]:
    """By version: how many examples that it was trained on were erased since."""
    found: dict[str, int] = {}
    for event in events:
        if event.event == HOLDS_ERASED:
            found[event.version] = found.get(event.version, 0) + int(event.detail.get("examples", 1))
    return found


def made(events: Sequence[Event]) -> dict[str, int]:
    """The place of each version in the order in which they were registered: names of one second do not tell it."""
    places: dict[str, int] = {}
    for event in events:
        if event.event == REGISTERED:
            places.setdefault(event.version, len(places))
    return places


def keeping(
    events: Sequence[Event],
    *,
    names: Sequence[str],
    active: str | None,
    keep: int,
    also: Collection[str] = (),
    without_erased: bool = False,
) -> Keeping:
    """What stays of `names`: the active one, `keep` before it in the line, what is pinned or in `also`, and of those
    made since the active one the `keep` newest, which somebody may still want to promote. Refused ones go first; only
    the newest version of all stays although refused, so that it can be looked at. `without_erased`: what was trained
    on words that were erased since goes too, unless it is active, pinned or in `also`."""
    places = made(events)
    ordered = sorted(names, key=lambda name: (places.get(name, -1), name))
    refused = refusals(events).keys() - promoted(events)
    since = [name for name in ordered if places.get(name, -1) > places.get(active or "", -1) and name not in refused]
    stay = {*before(events, active)[:keep], *since[::-1][:keep], *ordered[-1:]}
    if active is None:  # nothing serves: which of them could is for a person to decide
        stay |= set(names) - refused
    else:
        stay.add(active)
    if without_erased:
        stay -= erased(events).keys() - {active}
    stay |= {*pinned(events), *also}
    go = [name for name in ordered if name not in stay]
    return Keeping(frozenset(stay), tuple(sorted(go, key=lambda name: name not in refused)))


def reasons(refused: Mapping[str, tuple[str, ...]], version: str) -> str:
    """In one line."""
    return "; ".join(refused.get(version, ())) or "no reason was recorded"
