"""Putting a backup back: on a fresh machine, or in the place of what is there, which is moved aside.

Everything is checked before anything is written, and again while it is written; it lies complete in the home folder
before it takes its place (`chatbot.home`).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chatbot import home
from chatbot.backup.archive import CURRENT, MANIFEST, MODELS, OUTSIDE, SUMS, Archive, Manifest, opened
from chatbot.backup.making import MARGIN_BYTES, NOTED, noted
from chatbot.durable import sync
from chatbot.errors import BackupRefused, StoreError
from chatbot.settings import Settings
from chatbot.store.backups import DATABASE
from chatbot.store.copying import check_whole
from chatbot.store.migrations import head_revision, known_revisions

READ_ONLY, PRIVATE = 0o444, 0o600
LEFT_OUT = {SUMS, MANIFEST}


@dataclass(frozen=True, slots=True)
class Restored:
    """`aside` holds what was there before; `notes` are worth reading before the server starts."""

    home: Path
    manifest: Manifest
    aside: Path | None
    notes: tuple[str, ...]


def check_backup(file: Path) -> Manifest:
    """Read all of it as a restore would, and its database too. Raises BackupRefused."""
    with opened(file) as archive, tempfile.TemporaryDirectory(prefix="chatbot-check-") as folder:
        _check(archive)
        _check_room(Path(folder), archive.manifest.files[DATABASE].size)
        _unpack_database(archive, Path(folder))
        return archive.manifest


def restore(file: Path, *, settings: Settings, replace: bool = False) -> Restored:
    """Raises BackupRefused for a file that may not be restored, or a home that is not empty without `replace`, and
    NotNow while a server or a command is at work there."""
    if settings.database_url:
        raise BackupRefused(
            "the setting database_url names another place than the home folder: restore without it, and move the "
            f"file {DATABASE} to where it names; a PostgreSQL database comes back with pg_restore"
        )
    with opened(file) as archive:
        _check(archive)
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with home.alone(settings.home):
            staged = home.staging(settings.home)
            _check_place(settings.home, replace=replace)
            _check_room(settings.home, sum(content.size for content in archive.manifest.files.values()))
            try:
                notes = [*_settings_notes(archive, settings), *_unpack(archive, staged)]
            except BaseException:
                shutil.rmtree(settings.home / home.RESTORING, ignore_errors=True)
                raise
            order = sorted((path.name for path in staged.iterdir()), key=lambda name: (name == DATABASE, name))
            aside = home.replace(settings.home, order=order, aside=f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    return Restored(settings.home, archive.manifest, aside, tuple(notes))


def _check(archive: Archive) -> None:
    """What can be known without writing anything."""
    manifest, known = archive.manifest, known_revisions()
    if manifest.schema not in known:
        raise BackupRefused(
            f"{archive.file} has schema {manifest.schema} of program {manifest.program}, which is newer than this one "
            f"({head_revision()}); install a newer version"
        )
    archive.check()
    if f"{MODELS}/{CURRENT}" in manifest.files and archive.text(f"{MODELS}/{CURRENT}").strip() != manifest.active:
        raise BackupRefused(f"{archive.file}: {MODELS}/{CURRENT} does not name version {manifest.active}")


def _check_place(folder: Path, *, replace: bool) -> None:
    there = home.contents(folder)
    if there and not replace:
        some = ", ".join(there[:5]) + (" ..." if len(there) > 5 else "")
        raise BackupRefused(
            f"{folder} is not empty ({some}); --replace moves what is there into a folder {home.ASIDE}... in it"
        )
    for name in there:
        if os.path.ismount(folder / name):
            raise BackupRefused(f"{folder / name} is a disk of its own and cannot be moved aside; restore elsewhere")


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN_BYTES:
        raise BackupRefused(f"{folder} needs {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free; make room")


def _settings_notes(archive: Archive, settings: Settings) -> Iterator[str]:
    if NOTED not in archive.manifest.files:
        return
    now = noted(settings)
    for name, before in json.loads(archive.text(NOTED)).items():
        if name in now and now[name] != before:
            old, new = (json.dumps(value, ensure_ascii=False) for value in (before, now[name]))
            yield f"the setting {name} was {old} there and is {new} here"


def _unpack(archive: Archive, staged: Path) -> Iterator[str]:
    """All files on disk; gives notes on what is not as it was."""
    for name in archive.manifest.files:
        if name in LEFT_OUT or name == DATABASE:
            continue
        target = staged / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        archive.unpack(name, target, mode=READ_ONLY if name.startswith(f"{MODELS}/") else PRIVATE)
    current = staged / MODELS / CURRENT
    if current.exists():
        current.chmod(PRIVATE)
    _unpack_database(archive, staged)
    for folder in [staged, *(path for path in staged.rglob("*") if path.is_dir())]:
        sync(folder)
    if archive.manifest.schema != head_revision():
        yield "the database is of an older program; the next start brings it up to date, after a copy beside it"
    outside = sorted(path.name for path in (staged / OUTSIDE).glob("*") if path.name != Path(NOTED).name)
    if outside:
        yield f"{', '.join(outside)} lay outside the home folder; copies are in its folder {OUTSIDE}"


def _unpack_database(archive: Archive, folder: Path) -> None:
    archive.unpack(DATABASE, folder / DATABASE)
    try:
        schema = check_whole(folder / DATABASE)
    except StoreError as error:
        raise BackupRefused(f"{archive.file}: its database is damaged ({error}); take another backup") from error
    if schema != archive.manifest.schema:
        raise BackupRefused(f"{archive.file}: its database has schema {schema}, not {archive.manifest.schema}")
