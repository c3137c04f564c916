"""Model versions on disk and which one is active.

A version is a folder that is never edited; its `manifest.json`, with the SHA-256 of each file, is written last, so that
its existence means the folder is complete. The active version is named by the file `CURRENT`, replaced atomically.
A version whose files do not match its manifest is passed over for the newest sound one that was promoted before it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatbot.errors import ModelDamaged, NoActiveModel
from chatbot.store.versions import Versions

MANIFEST = "manifest.json"
CURRENT = "CURRENT"
CHUNK = 1 << 20


class Registry:
    """`root` holds one folder a version and `CURRENT`; `versions` records what happened."""

    def __init__(self, root: Path, versions: Versions) -> None:
        self.root = root
        self._versions = versions
        self._verified: dict[str, Path] = {}

    def active_name(self) -> str:
        """The version that serves; raises NoActiveModel. Costs one small read, so it may be called per message."""
        wanted = self._pointer()
        verified = self._verified.get(wanted)
        return verified.name if verified else self.active().name

    def active(self) -> Path:
        """The folder of the active version, verified once; if damaged, of the newest sound one promoted before."""
        wanted = self._pointer()
        if wanted not in self._verified:
            self._verified[wanted] = self._first_sound(wanted)
        return self._verified[wanted]

    def is_degraded(self) -> bool:
        """Whether an earlier version serves because the active one is damaged."""
        return self.active().name != self._pointer()

    @contextlib.contextmanager
    def new_version(self) -> Iterator[Path]:
        """A temporary folder to build a version in; gone afterwards unless `register` took it."""
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        building = self.root / f".building-{name}"
        building.mkdir(parents=True)
        try:
            yield building
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def register(self, building: Path, *, about: Mapping[str, Any], metrics: Mapping[str, Any], by: str) -> str:
        """Complete a built folder with its manifest, and record it. Returns its name; nothing serves it yet."""
        files = {str(file.relative_to(building)): sha256(file) for file in _files(building)}
        manifest = {"created_at": datetime.now(UTC).isoformat(), **about, "metrics": dict(metrics), "files": files}
        _write_durably(building / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False))
        name = building.name.removeprefix(".building-")
        for path in building.rglob("*"):
            _sync(path)
        # Recorded first: when the database refuses, no version is left on disk that nothing knows of.
        self._versions.registered(name, manifest=manifest, metrics=metrics, by=by)
        building.rename(self.root / name)
        _sync(self.root)
        return name

    def promote(self, name: str, *, by: str, detail: Mapping[str, Any] | None = None) -> None:
        """Make a verified version the active one, for this process and every other on the same folder."""
        with self._lock():
            self.verify(name)
            # Recorded first: when the database refuses, the active version stays what it was.
            self._versions.happened(name, "promoted", by=by, detail=detail)
            _write_durably(self.root / CURRENT, name)

    def names(self) -> list[str]:
        """All complete versions, oldest first."""
        return sorted(folder.parent.name for folder in self.root.glob(f"*/{MANIFEST}") if folder.parent.name[0] != ".")

    def manifest(self, name: str) -> dict[str, Any]:
        """What a version says of itself. Raises ModelDamaged when it cannot be read."""
        try:
            loaded = json.loads((self.root / name / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelDamaged(f"version {name} has no readable manifest; train or promote another one") from error
        if not isinstance(loaded, dict) or not isinstance(loaded.get("files"), dict):
            raise ModelDamaged(f"version {name} has a manifest without files; train or promote another one")
        return loaded

    def verify(self, name: str) -> Path:
        """The version's folder if each file matches its SHA-256; raises ModelDamaged that names the file."""
        folder = self.root / name
        for relative, expected in self.manifest(name)["files"].items():
            try:
                found = sha256(folder / relative)
            except OSError as error:
                raise ModelDamaged(f"version {name}: {relative} cannot be read ({error.strerror})") from error
            if found != expected:
                raise ModelDamaged(f"version {name}: {relative} is not the file that was registered")
        return folder

    def _pointer(self) -> str:
        try:
            name = (self.root / CURRENT).read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            raise NoActiveModel('no model is active; run "chatbot train"') from None
        except ValueError:
            name = ""
        if name in ("", ".", "..") or "/" in name:
            raise ModelDamaged(f"{self.root / CURRENT} names no version; train or promote one")
        return name

    def _first_sound(self, wanted: str) -> Path:
        try:
            return self.verify(wanted)
        except ModelDamaged:
            for name in self._promoted_before(wanted):
                with contextlib.suppress(ModelDamaged):
                    return self.verify(name)
            raise

    def _promoted_before(self, wanted: str) -> list[str]:
        """Newest first. A version that was only registered is no stand-in: nothing has let it answer customers."""
        promoted = list(dict.fromkeys(version for version, event, _ in self._versions.events() if event == "promoted"))
        return promoted[: promoted.index(wanted) if wanted in promoted else None][::-1]

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Released by the kernel however the process ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file != folder / MANIFEST)


def _write_durably(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(text, encoding="utf-8")
    _sync(temporary)
    temporary.replace(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
