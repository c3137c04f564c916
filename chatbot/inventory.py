"""The versions as an operator wants to know them: what there is, which one is meant, and what two of them differ in."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from chatbot import history
from chatbot.durable import size_of
from chatbot.errors import ModelDamaged, ModelError, NotFound
from chatbot.registry import Registry
from chatbot.store.versions import Event

ACTIVE = "active"
"""May be given for a version's name."""

REPORTS = "reports"
REPORT = "report.html"
PICTURES = "report"
"""What a version of an earlier release has instead of a report, in its own folder."""

APART = {"created_at", "files", "metrics"}
"""Of the manifest: told elsewhere, or different in any two versions."""

DATA = {"data", "titles", "examples", "intents", "strangers", "holdout", "must_pass"}


class State(StrEnum):
    ACTIVE = "active"
    WAS_ACTIVE = "was active"
    CANDIDATE = "candidate"
    REFUSED = "refused"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Entry:
    """One version on disk. `serving`: it answers, which a damaged active one does not. `why` tells of the damage or of
    the refusal. `erased`: how many of its examples were erased since. What a damaged one does not tell is None."""

    name: str
    state: State
    serving: bool
    pinned: bool
    damaged: bool
    erased: int
    why: str
    made_at: datetime | None
    by: str
    examples: int | None
    accuracy: float | None
    wrong_of_answered: float | None
    size_bytes: int
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def marks(self) -> list[str]:
        """All that is to be said of its state."""
        told: list[str] = [self.state.value]
        told += [State.DAMAGED.value] if self.damaged and self.state is not State.DAMAGED else []
        told += ["serves in its place"] if self.serving and self.state is not State.ACTIVE else []
        told += ["pinned"] if self.pinned else []
        return told + (["holds what was erased"] if self.erased else [])

    @property
    def report(self) -> Path | None:
        """It stands beside the versions: it quotes examples, so that it has to be erasable."""
        reports = self.folder.parent.parent / REPORTS / self.name
        return next((place for place in (reports / REPORT, self.folder / PICTURES) if place.exists()), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """None on the side that does not have it."""

    subject: str
    name: str
    before: Any
    after: Any


def inventory(registry: Registry) -> list[Entry]:
    """Every version on disk, the newest first. Reads all of their files."""
    events = registry.events()
    places = history.made(events)
    names = sorted(registry.names(), key=lambda name: (places.get(name, -1), name), reverse=True)
    return [entry(registry, name, events=events) for name in names]


def entry(registry: Registry, name: str, *, events: Sequence[Event] | None = None) -> Entry:
    events = registry.events() if events is None else events
    pointed, serving = _active(registry)
    damage, manifest = _inspected(registry, name)
    metrics = manifest.get("metrics", {})
    refused = history.refusals(events)
    if name == pointed:
        state = State.ACTIVE
    elif name in history.promoted(events):
        state = State.WAS_ACTIVE
    else:
        state = State.REFUSED if name in refused else State.CANDIDATE
    if damage and state is not State.ACTIVE:
        state = State.DAMAGED
    why = damage or (history.reasons(refused, name) if state is State.REFUSED else "")
    born = next((event for event in events if event.version == name and event.event == history.REGISTERED), None)
    return Entry(
        name=name,
        state=state,
        serving=name == serving,
        pinned=name in history.pinned(events),
        damaged=bool(damage),
        erased=history.erased(events).get(name, 0),
        why=why,
        made_at=born.at if born else None,
        by=born.by if born else "",
        examples=metrics.get("examples"),
        accuracy=metrics.get("accuracy"),
        wrong_of_answered=metrics.get("wrong_of_answered"),
        size_bytes=size_of(registry.root / name),
        folder=registry.root / name,
        manifest=manifest,
    )


def find(registry: Registry, given: str) -> str:
    """The version that is meant: by its name, the beginning of it where only one begins so, or "active".

    Raises NotFound that names the nearest, or those that it could be.
    """
    if given == ACTIVE:
        return registry.pointer().name
    names = registry.names()
    if given in names:
        return given
    possible = [name for name in names if given and name.startswith(given)]
    if len(possible) == 1:
        return possible[0]
    if possible:
        some = ", ".join(possible[:5]) + (" ..." if len(possible) > 5 else "")
        raise NotFound(f'"{given}" is the beginning of {len(possible)} versions: {some}; give more of the name')
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else '"chatbot models list" shows all'
    raise NotFound(f'there is no version "{given}"; {hint}')


def differences(registry: Registry, before: str, after: str) -> list[Difference]:
    """What changes from one version to the other: figures, data, settings, thresholds, intents and libraries."""
    one, other = _told(registry, before), _told(registry, after)
    keys = sorted({*one, *other}, key=lambda key: (_SUBJECTS.index(key[0]), key[1]))
    return [Difference(*key, one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)]


_SUBJECTS = ("metrics", "data", "settings", "thresholds", "intents", "libraries")


def _told(registry: Registry, name: str) -> dict[tuple[str, str], Any]:
    manifest = registry.manifest(name)
    folder = registry.root / name
    told: dict[tuple[str, str], Any] = {}
    for key, value in _flat(manifest.get("metrics", {})):
        told["data" if key in DATA else "metrics", key] = value
    for key, value in _flat({key: value for key, value in manifest.items() if key not in APART}):
        head, _, rest = key.partition(".")
        subject = "libraries" if head == "libraries" else "data" if head in DATA else "settings"
        told[subject, rest if head == "libraries" else key] = value
    told |= {("thresholds", key): value for key, value in _flat(_read(folder / "policy.json"))}
    intents = _read(folder / "classifier" / "classifier.json").get("intents", [])
    return told | {("intents", intent): "known" for intent in intents}


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _read(file: Path) -> dict[str, Any]:
    """What a version of another release does not have is not compared."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _active(registry: Registry) -> tuple[str | None, str | None]:
    """Which one is named as active, and which one answers."""
    try:
        pointed = registry.pointer().name
    except ModelError:
        return None, None
    try:
        return pointed, registry.active().name
    except ModelError:
        return pointed, None


def _inspected(registry: Registry, name: str) -> tuple[str, dict[str, Any]]:
    """What is wrong with it, or nothing; and what it says of itself, where that can be read."""
    try:
        manifest = registry.manifest(name)
    except ModelDamaged as error:
        return str(error), {}
    try:
        registry.verify(name)
    except ModelDamaged as error:
        return str(error), manifest
    return "", manifest
