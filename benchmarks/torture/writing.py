"""Each command that writes, tried while the disk refuses: it does all of it, or leaves all as it was and says why."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.torture.place import Place, rows

KNOWLEDGE = ("intents", "facts", "templates", "examples", "passages", "knowledge_revision")
DISK_WORDS = ("No space left", "disk is full", "its disk", "File too large", "Input/output error", "disk I/O error")
OLD_SCHEMA = "0004"
_OWN = ("files", "metrics", "created_at")


@dataclass(frozen=True, slots=True)
class Command:
    """`before` makes ready what it needs. `kept` is what a refused one may not touch, and `made` what a done one has
    changed.
    """

    name: str
    arguments: Callable[[Place], Sequence[str]]
    before: Callable[[Place], None]
    kept: Callable[[Place], str]
    made: Callable[[Place], str]


@dataclass(frozen=True, slots=True)
class Attempt:
    """`run` does the command under one circumstance; gives its exit status and its words."""

    circumstance: str
    run: Callable[[], tuple[int, str]]


class Trial:
    """A command made ready on a home."""

    def __init__(self, place: Place, command: Command) -> None:
        self.place = place
        self.command = command
        place.settle()
        command.before(place)
        self.arguments = ["chatbot", *command.arguments(place)]


@dataclass(slots=True)
class Found:
    refused: int = 0
    unharmed: int = 0
    said: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.wrong

    @property
    def words(self) -> str:
        told = f"refused {self.refused} times as a whole"
        told += f", done all the same {self.unharmed} times" if self.unharmed else ""
        told += f", done once it could be; said: {min(self.said, key=len, default='nothing')}"
        return told + (f"; WRONG: {'; '.join(self.wrong[:3])}" if self.wrong else "")


def tried(trial: Trial, attempts: Iterable[Attempt]) -> Found:
    """Until one is done, and at least once under no circumstance at all."""
    found, place, command = Found(), trial.place, trial.command
    for each in attempts:
        kept, made = command.kept(place), command.made(place)
        code, said = each.run()
        if code == 0:
            found.unharmed += 1
            break
        found.refused += 1
        found.said.add(said.strip().splitlines()[-1] if said.strip() else "nothing")
        found.wrong += _wrong(each.circumstance, said, changed=command.kept(place) != kept)
    else:
        made = command.made(place)
        code, said = at_ease(trial)
    if code != 0 or command.made(place) == made:
        found.wrong.append(
            f"at last it ended with {code}, and it is {command.made(place) != made} that it did it: {said[-300:]}"
        )
    found.wrong += [f"left behind: {path.relative_to(place.home)}" for path in _litter(place.home)]
    return found


def at_ease(trial: Trial) -> tuple[int, str]:
    log = trial.place.home / "commands.log"
    before = log.stat().st_size if log.exists() else 0
    code = trial.place.run(*trial.arguments[1:])
    return code, log.read_bytes()[before:].decode("utf-8", "replace")


def content(home: Path, *tables: str) -> str:
    """A digest of the rows of these tables, or of the whole database."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(home / "chatbot.db")) as database:
        lines: Iterable[Any] = database.iterdump()
        if tables:
            lines = (row for table in tables for row in database.execute(f"SELECT * FROM {table} ORDER BY 1, 2"))
        for line in lines:
            digest.update(repr(line).encode())
    return digest.hexdigest()


def _wrong(circumstance: str, said: str, *, changed: bool) -> Iterator[str]:
    if changed:
        yield f"{circumstance} it was refused and changed something"
    if "Traceback" in said:
        yield f"{circumstance} a traceback: {said[-600:]}"
    elif not any(words in said for words in DISK_WORDS):
        yield f"{circumstance} nothing about the disk: {said[-300:]}"


def _litter(home: Path) -> Iterator[Path]:
    """What only a half-done piece of work leaves, once another was done."""
    for pattern in ("**/.building-*", "**/.*.new", "**/*.part", "**/.tuning-*", "**/.pruned-*"):
        yield from home.glob(pattern)


def _knowledge(place: Place) -> str:
    return content(place.home, *KNOWLEDGE)


def _import_file(place: Place) -> None:
    lines = (f"how do I use voucher number {number} of the spring sale,start_return\n" for number in range(400))
    (place.home / "more.csv").write_text("text,intent\n" + "".join(lines), encoding="utf-8")


def _active(place: Place) -> str:
    return (place.home / "models" / "CURRENT").read_text(encoding="ascii")


def _versions(place: Place) -> list[str]:
    return sorted(path.parent.name for path in (place.home / "models").glob("[!.]*/manifest.json"))


def _served(place: Place) -> str:
    """Which version is active, and what the log of events says of that."""
    promoted = "SELECT version, event FROM model_events WHERE event = 'promoted' ORDER BY id"
    return f"{_active(place)} {rows(place.home, promoted)}"


def _one_more_example(place: Place) -> None:
    file = place.home / "one.csv"
    file.write_text("text,intent\nhow can I hand these shoes in again,start_return\n", encoding="utf-8")
    if place.run("import", str(file)):
        raise RuntimeError("an example could not be imported")


def _another_version(place: Place) -> None:
    """The same once more, under another name."""
    from chatbot.registry import MANIFEST, Registry
    from chatbot.store import Store

    with closing(Store.open(f"sqlite:///{place.home / 'chatbot.db'}")) as store:
        registry = Registry(place.home / "models", store.versions)
        active = registry.active()
        about = {name: value for name, value in registry.manifest(active.name).items() if name not in _OWN}
        with registry.new_version() as building:
            shutil.copytree(active, building, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
            registry.register(building, about=about, metrics={}, by="torture")


def _promote_other(place: Place) -> Sequence[str]:
    active = _active(place)
    return ("models", "promote", next(name for name in _versions(place) if name != active), "--yes")


def _old_export(place: Place) -> None:
    (place.home / "all.jsonl").write_text("the good old file\n", encoding="utf-8")


def _exported(place: Place) -> str:
    return hashlib.sha256((place.home / "all.jsonl").read_bytes()).hexdigest()


def _old_schema(place: Place) -> None:
    from chatbot.store.engine import Database
    from chatbot.store.migrations import downgrade

    with closing(Database(f"sqlite:///{place.home / 'chatbot.db'}")) as database:
        backup = downgrade(database, OLD_SCHEMA)
    if backup:
        backup.unlink()


def _all(place: Place) -> str:
    return content(place.home)


COMMANDS = (
    Command("import", lambda place: ("import", str(place.home / "more.csv")), _import_file, _knowledge, _knowledge),
    Command("promotion", _promote_other, _another_version, _served, _served),
    Command("export", lambda place: ("export", str(place.home / "all.jsonl")), _old_export, _exported, _exported),
    Command("migration", lambda _: ("db", "upgrade"), _old_schema, _all, _all),
    Command("training", lambda _: ("train",), _one_more_example, _served, lambda place: str(_versions(place))),
)
