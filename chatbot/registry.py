"""Model versions on disk and which one is active.

A version is a folder that is never edited; its `manifest.json`, with the SHA-256 of each file, is written last, so that
its existence means the folder is complete. The active version is named by the file `CURRENT`, replaced atomically.
A version whose files do not match its manifest is passed over for the newest sound one that was promoted before it.

Whoever builds, loads or deletes a version holds a flock on its folder: the kernel gives it back however they end.
Whoever changes which version is active holds the one on `.lock`, and what happened is recorded before it happens.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatbot import history
from chatbot.durable import (
    ALONE,
    SHARED,
    UNLESS_HELD,
    held,
    hold,
    replacing,
    sha256,
    size_of,
    sync,
    unfinished,
    write_durably,
)
from chatbot.errors import ModelDamaged, NoActiveModel, NotFound, NotNow
from chatbot.store.versions import Event, Versions

MANIFEST = "manifest.json"
CURRENT = "CURRENT"
BUILDING = ".building-"
LEAVING = ".pruned-"
FINGERPRINT = "encoder_fingerprint"
READ_ONLY = 0o444


class Anything:
    """Whatever is active."""


ANYTHING = Anything()

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What `CURRENT` says. It is a file of its own after each promotion, also of the same version."""

    name: str
    file: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Pruned:
    """`busy` would have gone, but somebody is loading them. `vectors` were those of encoders that nothing uses now."""

    gone: tuple[str, ...]
    busy: tuple[str, ...]
    freed_bytes: int
    vectors: int


class Registry:
    """`root` holds one folder a version and `CURRENT`; `versions` records what happened."""

    def __init__(self, root: Path, versions: Versions) -> None:
        self.root = root
        self._versions = versions
        self._verified: tuple[Pointer, Path] | None = None
        self._building: dict[Path, int] = {}

    # --- which one is active ---

    def pointer(self) -> Pointer:
        """Raises NoActiveModel, or ModelDamaged for a pointer that names nothing. Costs one small read."""
        try:
            with (self.root / CURRENT).open("rb") as file:
                about = os.fstat(file.fileno())
                name = file.read(256).decode("ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            raise NoActiveModel('no model is active; run "chatbot train"') from None
        except OSError as error:
            raise ModelDamaged(
                f"{self.root / CURRENT} cannot be read ({error.strerror}); let this user read it"
            ) from error
        except ValueError:
            name = ""
        if not _NAME.fullmatch(name):
            raise ModelDamaged(f"{self.root / CURRENT} names no version; train or promote one")
        return Pointer(name, (about.st_ino, about.st_mtime_ns))

    def active_name(self) -> str:
        """The version that serves; raises NoActiveModel. Costs one small read, except after a promotion."""
        return self.active().name

    def active(self) -> Path:
        """The folder of the active version, verified once; if damaged, of the newest sound one promoted before."""
        pointer = self.pointer()
        if self._verified is None or self._verified[0] != pointer:
            self._verified = pointer, self._first_sound(pointer.name)
        return self._verified[1]

    def is_degraded(self) -> bool:
        """Whether an earlier version serves because the active one is damaged."""
        return self.active().name != self.pointer().name

    @contextlib.contextmanager
    def loading(self) -> Iterator[Path]:
        """The active folder, verified at this moment, and safe from being pruned until the end of the block."""
        pointer = self.pointer()
        for name in [pointer.name, *self.stand_ins(pointer.name)]:
            with contextlib.ExitStack() as stack:
                try:
                    folder = stack.enter_context(self.reading(name))
                except ModelDamaged as error:
                    _log.warning("version %s is passed over: %s", name, error)
                    continue
                self._verified = pointer, folder
                yield folder
                return
        self.verify(pointer.name)  # says what is wrong with it
        raise ModelDamaged(f"version {pointer.name} could not be read for a moment; try again")

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """A version's folder, verified, and safe from being pruned until the end of the block."""
        with held(self.root / name, SHARED):
            yield self.verify(name)

    # --- new versions ---

    @contextlib.contextmanager
    def new_version(self) -> Iterator[Path]:
        """A temporary folder to build a version in; gone afterwards unless `register` took it."""
        self.sweep()
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        building = self.root / f"{BUILDING}{name}"
        with self._lock():  # nobody sweeps it away before it is held
            building.mkdir()
            self._building[building] = hold(building, ALONE)
        try:
            yield building
        finally:
            shutil.rmtree(building, ignore_errors=True)
            self._let_go(building)

    def register(self, building: Path, *, about: Mapping[str, Any], metrics: Mapping[str, Any], by: str) -> str:
        """Complete a built folder with its manifest, and record it. Returns its name; nothing serves it yet."""
        files = {str(file.relative_to(building)): sha256(file) for file in _files(building)}
        manifest = {"created_at": datetime.now(UTC).isoformat(), **about, "metrics": dict(metrics), "files": files}
        write_durably(building / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False))
        name = building.name.removeprefix(BUILDING)
        for path in building.rglob("*"):
            sync(path)
            if path.is_file():
                path.chmod(READ_ONLY)
        # Recorded first: when the database refuses, no version is left on disk that nothing knows of.
        sealed = {"manifest": sha256(building / MANIFEST)}
        try:
            self._versions.registered(name, manifest=manifest, metrics=metrics, by=by, detail=sealed)
            building.rename(self.root / name)
        except BaseException:  # asked to stop in between: what is recorded is there, and it is complete
            if self._versions.manifest(name) is not None and building.is_dir():
                building.rename(self.root / name)
            raise
        sync(self.root)
        self._let_go(building)
        return name

    def refused(self, name: str, reasons: Sequence[str], *, by: str) -> None:
        """Record that the gate did not let a version serve, and why."""
        self._versions.happened(name, history.REFUSED, by=by, detail={"reasons": list(reasons)})

    # --- which one shall be active ---

    def promote(
        self, name: str, *, by: str, detail: Mapping[str, Any] | None = None, over: str | None | Anything = ANYTHING
    ) -> None:
        """Make a verified version the active one, for this process and every other on the same folder.

        Raises NotNow when `over`, the version that it was compared with (None: there was none), is active no more.
        """
        with self._lock():
            self.verify(name)
            if not isinstance(over, Anything) and over != self.pointed_at():
                raise NotNow(
                    f"{self.pointed_at()} became active while {name} was being compared with {over}; "
                    f'it is kept: "chatbot models promote {name}" makes it live'
                )
            about = {**(detail or {}), "from": self.pointed_at()}
            # Written, recorded, put in place: when disk or database refuse, the active version stays what it was.
            with replacing(self.root / CURRENT, name):
                self._versions.happened(name, history.PROMOTED, by=by, detail=about)

    def rollback(self, *, by: str, leaving: str | None = None) -> str:
        """Go back to the newest sound version that was promoted before the active one, and further back the next time.

        Raises NotFound where there is none, and NotNow when `leaving`, which the caller took for the active one, is so
        no more: two who go back at once shall go back once.
        """
        with self._lock():
            active = self.pointed_at()
            if leaving is not None and leaving != active:
                raise NotNow(f"{leaving} is not the active version any more, {active} is; look again before going back")
            target, damaged = self._sound_before(active)
            about = {"from": active, "to": target, "passed_over": damaged}
            with replacing(self.root / CURRENT, target):
                self._versions.happened(active or target, history.ROLLED_BACK, by=by, detail=about)
            return target

    def pin(self, name: str, *, by: str) -> None:
        """Keep a version from being pruned."""
        self.manifest(name)
        self._versions.happened(name, history.PINNED, by=by)

    def unpin(self, name: str, *, by: str) -> None:
        self._versions.happened(name, history.UNPINNED, by=by)

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Nobody promotes, goes back or prunes until the end of the block."""
        with self._lock():
            yield

    # --- clearing up ---

    def prune(self, keep: int, *, by: str, also: Collection[str] = (), without_erased: bool = False) -> Pruned:
        """Delete the versions that nobody needs: `history.keeping` says which; `also` are kept too, such as those of an
        experiment. What is being loaded stays. The log of events and the record of each version stay for ever."""
        self.sweep()
        gone, busy, freed = [], [], 0
        with self._lock():
            for name in self.unneeded(keep, also=also, without_erased=without_erased):
                size = size_of(self.root / name)
                if self._delete(name, by=by):
                    gone.append(name)
                    freed += size
                else:
                    busy.append(name)
            vectors = self._forget_vectors()
        return Pruned(tuple(gone), tuple(busy), freed, vectors)

    def unneeded(self, keep: int, *, also: Collection[str] = (), without_erased: bool = False) -> tuple[str, ...]:
        """What `prune` would delete, in its order."""
        kept = history.keeping(
            self._versions.log(),
            names=self.names(),
            active=self.pointed_at(),
            keep=keep,
            also=also,
            without_erased=without_erased,
        )
        return kept.go

    def sweep(self) -> list[str]:
        """Delete what killed runs left half-built or half-deleted. A folder that somebody holds is never touched."""
        swept = []
        with self._lock():
            unfinished(self.root / CURRENT).unlink(missing_ok=True)
            for folder in [*self.root.glob(f"{BUILDING}*"), *self.root.glob(f"{LEAVING}*")]:
                with contextlib.suppress(BlockingIOError, FileNotFoundError), held(folder, UNLESS_HELD):
                    shutil.rmtree(folder)
                    swept.append(folder.name)
        return swept

    # --- what there is ---

    def names(self) -> list[str]:
        """All complete versions, oldest first."""
        return sorted(folder.parent.name for folder in self.root.glob(f"*/{MANIFEST}") if folder.parent.name[0] != ".")

    def events(self) -> list[Event]:
        return self._versions.log()

    def manifest(self, name: str) -> dict[str, Any]:
        """What a version says of itself. Raises ModelDamaged when it cannot be read, or is not what was registered."""
        try:
            text = (self.root / name / MANIFEST).read_bytes()
            loaded = json.loads(text)
        except (OSError, ValueError) as error:
            raise ModelDamaged(f"version {name} has no readable manifest; train or promote another one") from error
        if not isinstance(loaded, dict) or not isinstance(loaded.get("files"), dict):
            raise ModelDamaged(f"version {name} has a manifest without files; train or promote another one")
        if not self._is_registered(name, text, loaded):
            raise ModelDamaged(f"version {name} has another manifest than was registered; train or promote another one")
        return loaded

    def verify(self, name: str) -> Path:
        """The version's folder if it holds exactly the files that were registered; raises ModelDamaged that names the
        one that is missing, changed or too many."""
        folder = self.root / name
        files = self.manifest(name)["files"]
        for relative, expected in files.items():
            try:
                found = sha256(folder / relative)
            except OSError as error:
                raise ModelDamaged(f"version {name}: {relative} cannot be read ({error.strerror})") from error
            if found != expected:
                raise ModelDamaged(f"version {name}: {relative} is not the file that was registered")
        for path in _files(folder):
            if str(path.relative_to(folder)) not in files:
                raise ModelDamaged(f"version {name}: {path.relative_to(folder)} was not there when it was registered")
        return folder

    def _is_registered(self, name: str, text: bytes, loaded: Mapping[str, Any]) -> bool:
        """A version that this database does not know is believed: the database may be older than the folder."""
        sealed = self._versions.manifest_hash(name)
        if sealed is not None:
            return hashlib.sha256(text).hexdigest() == sealed
        known = self._versions.manifest(name)  # of a release that recorded no hash
        return known is None or json.dumps(known, sort_keys=True) == json.dumps(loaded, sort_keys=True)

    def pointed_at(self) -> str | None:
        """The version that is meant to be active, sound or not; None where there is none."""
        with contextlib.suppress(NoActiveModel, ModelDamaged):
            return self.pointer().name
        return None

    def _first_sound(self, wanted: str) -> Path:
        try:
            return self.verify(wanted)
        except ModelDamaged as error:
            for name in self.stand_ins(wanted):
                with contextlib.suppress(ModelDamaged):
                    folder = self.verify(name)
                    _log.warning("version %s serves in the place of a damaged one: %s", name, error)
                    return folder
            raise

    def stand_ins(self, wanted: str | None) -> list[str]:
        """Newest first. A version that was only registered is no stand-in: nothing has let it answer customers."""
        return history.before(self._versions.log(), wanted)

    def _sound_before(self, active: str | None) -> tuple[str, list[str]]:
        damaged: list[str] = []
        for name in self.stand_ins(active):
            with contextlib.suppress(ModelDamaged):
                self.verify(name)
                return name, damaged
            damaged.append(name)
        left = f"; damaged or pruned: {', '.join(damaged)}" if damaged else ""
        raise NotFound(
            f'no version was active before {active or "now"}{left}; "chatbot models list" shows what can be promoted'
        )

    def _delete(self, name: str, *, by: str) -> bool:
        """False where somebody is loading it. Renamed first, so that nobody ever sees half of it under its name."""
        try:
            with held(self.root / name, UNLESS_HELD):
                self._versions.happened(name, history.PRUNED, by=by)
                leaving = self.root / f"{LEAVING}{name}"
                (self.root / name).rename(leaving)
                shutil.rmtree(leaving)
                return True
        except BlockingIOError:
            return False

    def _forget_vectors(self) -> int:
        """Not while a version is being built, whose encoder nobody knows of yet, nor when one does not name its own."""
        if any(self.root.glob(f"{BUILDING}*")):
            return 0
        used: set[str] = set()
        for name in self.names():
            try:
                used.add(self.manifest(name)[FINGERPRINT])
            except (ModelDamaged, KeyError):
                return 0
        return self._versions.forget_vectors(except_of=used) if used else 0

    def _let_go(self, building: Path) -> None:
        handle = self._building.pop(building, None)
        if handle is not None:
            os.close(handle)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Released by the kernel however the process ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class OneVersion(Registry):
    """A registry in which a version of the caller's choice is the active one, and none stands in for it."""

    def __init__(self, root: Path, versions: Versions, name: str) -> None:
        super().__init__(root, versions)
        self._pointer = Pointer(name, (0, 0))

    def pointer(self) -> Pointer:
        return self._pointer

    def stand_ins(self, wanted: str | None) -> list[str]:
        del wanted
        return []


def _files(folder: Path) -> list[Path]:
    """All but the manifest, and whatever else is no folder."""
    return sorted(
        path for path in folder.rglob("*") if path != folder / MANIFEST and (path.is_symlink() or not path.is_dir())
    )
