"""backup and restore."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from chatbot.backup.archive import Manifest
from chatbot.backup.making import Made, make_backup
from chatbot.backup.restoring import check_backup, restore
from chatbot.backup.shelf import is_by_time, place_for, rotate
from chatbot.commands.terminal import console, escape
from chatbot.errors import BackupRefused, StoreError
from chatbot.settings import Settings
from chatbot.store.agents import COMMAND_LINE
from chatbot.store.backups import record
from chatbot.wiring import open_house


def back_up(
    settings: Settings, given: Path | None, *, all_versions: bool, keep: int | None, quiet: bool, as_json: bool
) -> None:
    """Notes go to standard error in every case, for a scheduler to pass on."""
    with open_house(settings, migrate=False) as house:
        target = place_for(given, settings.backups, now=datetime.now(UTC))
        if keep is not None and not is_by_time(target):
            raise BackupRefused("--keep goes with a folder or with no name at all: other names are not rotated")
        made = make_backup(
            target, settings=settings, store=house.store, registry=house.registry, all_versions=all_versions
        )
        notes, removed = list(made.notes), list[Path]()
        if keep is not None and notes:  # an older one may be the last that holds what this one lacks
            notes.append("no older backup was deleted, as this one lacks something")
        elif keep is not None:
            removed = rotate(target.parent, keep=keep, just_made=target)
        try:
            record(house.store.database, made.file, by=COMMAND_LINE, sha256=made.sha256, size=made.size)
        except StoreError as error:  # a database that cannot be written is when a backup is wanted most
            notes.append(f"the backup is sound, but could not be noted in the audit log: {error}")
    if as_json:
        typer.echo(json.dumps(_as_json(made, removed, notes), indent=1, ensure_ascii=False))
    elif not quiet:
        held = ", ".join(made.manifest.versions) or "no model version"
        console.print(escape(f"{made.file}: {made.size / 1e6:,.1f} MB in {made.seconds:.1f} s, read again and sound"))
        console.print(escape(f"holds the database (schema {made.manifest.schema}) and {held}"))
        console.print(f"sha256 {made.sha256}")
        for file in removed:
            console.print(escape(f"deleted: {file}"))
    _tell(notes)


def put_back(settings: Settings, file: Path, *, check: bool, replace: bool, as_json: bool) -> None:
    if check:
        manifest = check_backup(file)
        _report(manifest, {"file": str(file.absolute()), "sound": True}, as_json=as_json, line=f"{file} is sound")
        return
    done = restore(file, settings=settings, replace=replace)
    told = {"home": str(done.home.absolute()), "aside": str(done.aside) if done.aside else None, "notes": done.notes}
    _report(done.manifest, told, as_json=as_json, line=f"{done.home.absolute()} is restored from {file}")
    if done.aside and not as_json:
        console.print(escape(f"what was there before is in {done.aside}; delete it when you are sure"))
    _tell(done.notes)


def _report(manifest: Manifest, told: dict[str, Any], *, as_json: bool, line: str) -> None:
    if as_json:
        typer.echo(json.dumps(told | _about(manifest), indent=1, ensure_ascii=False))
        return
    console.print(escape(f"{line}: as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, {len(manifest.files):,} files"))
    if manifest.active:
        console.print(escape(f"active version {manifest.active}; holds {', '.join(manifest.versions)}"))


def _as_json(made: Made, removed: Sequence[Path], notes: Sequence[str]) -> dict[str, Any]:
    return {
        "file": str(made.file),
        "bytes": made.size,
        "sha256": made.sha256,
        "seconds": round(made.seconds, 3),
        "removed": [str(file) for file in removed],
        "notes": list(notes),
    } | _about(made.manifest)


def _about(manifest: Manifest) -> dict[str, Any]:
    return {
        "made_at": manifest.made_at.isoformat(),
        "program": manifest.program,
        "schema": manifest.schema,
        "active": manifest.active,
        "versions": list(manifest.versions),
        "files": len(manifest.files),
    }


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        typer.echo(f"chatbot: {note}", err=True)
