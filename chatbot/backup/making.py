"""Taking a backup while servers write.

The database is copied as it stands at one moment, in which nobody promotes or prunes; the versions of that moment are
held until the end. Only what was read again from the finished file and found right gets its name.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from chatbot import history
from chatbot.backup.archive import CURRENT, MODELS, OUTSIDE, REPORTS, Manifest, Writer, opened, writing
from chatbot.backup.shelf import put, workshop
from chatbot.durable import SHARED, held, sha256, size_of
from chatbot.errors import BackupRefused, ModelDamaged
from chatbot.exports import exports_folder
from chatbot.registry import Registry
from chatbot.settings import Settings, settings_file
from chatbot.store import Store
from chatbot.store.backups import DATABASE
from chatbot.store.copying import check_whole, snapshot, without_remnants
from chatbot.store.experiments import Experiments

MARGIN_BYTES = 64 << 20
"""Of space that is left on the disk."""
APART = frozenset({"home", "host", "port", "database_url", "must_pass", "threads", "log_level", "log_format"})
"""Settings of a machine rather than of a shop: they are not noted, and neither are secret ones."""
NO_SQLITE = (
    "the database is no SQLite file, and its own tools back it up at one moment: run "
    '"pg_dump --format=custom --file=chatbot.dump URL" for PostgreSQL, and copy the folder {} with it'
)


NOTED = f"{OUTSIDE}/settings.json"


@dataclass(frozen=True, slots=True)
class Made:
    """`notes` say what is not in it that one would expect there."""

    file: Path
    size: int
    sha256: str
    seconds: float
    manifest: Manifest
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Versions:
    """What was on disk at the moment of the backup: the version that was active, and those that are wanted."""

    pointed: str | None
    served: Sequence[str]
    wanted: Sequence[str]


def make_backup(
    target: Path, *, settings: Settings, store: Store, registry: Registry, all_versions: bool = False
) -> Made:
    """Raises BackupRefused where the database is no SQLite file or the disk has no room, and leaves nothing behind."""
    began, now = time.monotonic(), datetime.now(UTC)
    file = store.database.file
    if file is None:
        raise BackupRefused(NO_SQLITE.format(settings.models))
    _check_room(target.parent, 2 * file.stat().st_size + size_of(settings.models))
    # Held as by an export: what is erased is either not in it, or found in it by the erasure.
    with exports_folder(settings.exports), workshop(target.parent) as folder, ExitStack() as holding:
        copy, making = folder / DATABASE, folder / "archive"
        with ExitStack() as moment:
            with registry.still():
                taken = moment.enter_context(snapshot(file))
                versions = _choose(registry, store, all_versions=all_versions)
                for name in registry.names():
                    holding.enter_context(held(registry.root / name, SHARED))
            taken.copy_to(folder / "pages")
        without_remnants(folder / "pages", copy)
        (folder / "pages").unlink()
        schema = check_whole(copy)
        if schema is None:
            raise BackupRefused(f'{file} has no schema yet; "chatbot import" fills it')
        sound, notes = _sound(registry, versions)
        with writing(making, made_at=now) as writer:
            writer.add(DATABASE, copy)
            copy.unlink()
            _add_versions(writer, registry, settings, versions.pointed, sound)
            notes += _add_outside(writer, settings)
            manifest = writer.seal(
                program=installed_version("service-chatbot"), schema=schema, active=versions.pointed, versions=sound
            )
        with opened(making) as archive:
            archive.check()
        size, digest = making.stat().st_size, sha256(making)
        put(making, target)
    return Made(target, size, digest, time.monotonic() - began, manifest, tuple(notes))


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN_BYTES:
        raise BackupRefused(
            f"a backup may need {needed / 1e6:,.0f} MB in {folder}, where {free / 1e6:,.0f} MB are free; make room or "
            "name another folder"
        )


def _choose(registry: Registry, store: Store, *, all_versions: bool) -> _Versions:
    events, names, pointed = registry.events(), registry.names(), registry.pointed_at()
    running = Experiments(store.database).running()
    tried = {running.candidate, running.active} if running else set()
    served = [name for name in ([pointed] if pointed else []) + history.before(events, pointed) if name in names]
    wanted = names if all_versions else [name for name in names if name in tried | history.pinned(events)]
    return _Versions(pointed, served, wanted)


def _sound(registry: Registry, versions: _Versions) -> tuple[tuple[str, ...], list[str]]:
    """The newest two sound ones that served, and whatever else is wanted; and what is damaged."""
    serving: list[str] = []
    damaged: dict[str, str] = {}

    def is_sound(name: str) -> bool:
        try:
            registry.verify(name)
        except ModelDamaged as error:
            damaged[name] = f"{error}; it is not in the backup"
            return False
        return True

    for name in versions.served:
        if len(serving) < 2 and is_sound(name):
            serving.append(name)
    more = [name for name in versions.wanted if name not in {*serving, *damaged} and is_sound(name)]
    notes = [*damaged.values()]
    if versions.pointed and versions.pointed not in versions.served:
        notes.append(f"version {versions.pointed} should be active and is not there; it is not in the backup")
    return tuple(sorted({*serving, *more})), notes


def _add_versions(
    writer: Writer, registry: Registry, settings: Settings, pointed: str | None, names: Sequence[str]
) -> None:
    if pointed is not None:
        writer.add_text(f"{MODELS}/{CURRENT}", pointed)
    for name in names:
        registered = registry.manifest(name)["files"]
        for within, file in _files(registry.root / name):
            content = writer.add(f"{MODELS}/{name}/{within}", file)
            if registered.get(within, content.sha256) != content.sha256:
                raise ModelDamaged(f"version {name}: {within} changed while it was being backed up; run it again")
        for within, file in _files(settings.reports / name):
            writer.add(f"{REPORTS}/{name}/{within}", file)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield file.relative_to(folder).as_posix(), file


def _add_outside(writer: Writer, settings: Settings) -> list[str]:
    """The settings as they were in force, their file, and the must-pass questions; notes on what cannot be read."""
    writer.add_text(NOTED, json.dumps(noted(settings), indent=1, ensure_ascii=False))
    notes = []
    for kind, file, name in (
        ("settings", settings_file(), "chatbot.toml"),
        ("must-pass questions", Path(settings.must_pass) if settings.must_pass else None, None),
    ):
        if file is None:
            continue
        try:
            writer.add(f"{OUTSIDE}/{name or f'must-pass{file.suffix.lower()}'}", file)
        except OSError as error:
            notes.append(f"the file of the {kind}, {file}, cannot be read ({error.strerror}); it is not in the backup")
    return notes


def noted(settings: Settings) -> dict[str, Any]:
    """What a shop is set to, by name."""
    fields = Settings.model_fields
    told = settings.model_dump(mode="json")
    return {name: value for name, value in told.items() if name not in APART and fields[name].repr}
