"""The release: source archive and wheel of the last commit, built twice and compared byte by byte.

    python -m supply.release dist

Needs git and hatchling, and no network. Two folders with names of their own, the time of the commit instead of the
clock: what differs between the two builds would differ between your machine and ours, and then nothing is written.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("chatbot", "training")
SUMS = "SHA256SUMS"


class NotReproducible(Exception):
    """Two builds of the same sources are not the same, or a file is missing in what was built."""


def build(sources: Path, into: Path, *, moment: int) -> list[Path]:
    """Source archive and wheel; `moment` is in seconds since 1970 and stands in for every time in them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HATCH_")}
    environment["SOURCE_DATE_EPOCH"] = str(moment)
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(into)]
    done = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReproducible(f"the build failed:\n{done.stdout}{done.stderr}")
    return sorted(into.iterdir())


def same(one: list[Path], other: list[Path]) -> None:
    """Raises NotReproducible that names the first difference."""
    if [file.name for file in one] != [file.name for file in other]:
        raise NotReproducible("the two builds have different files")
    for first, second in zip(one, other, strict=True):
        if first.read_bytes() != second.read_bytes():
            raise NotReproducible(f"{first.name} differs between the two builds")


def missing_in(wheel: Path, sources: Path) -> list[str]:
    """What stands in the packages' folders and not in the wheel: pages, wordings, migrations go along as code does."""
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    files = (file for package in PACKAGES for file in (sources / package).rglob("*") if file.is_file())
    names = {str(file.relative_to(sources)) for file in files if "__pycache__" not in file.parts}
    return sorted(names - held)


def main() -> None:
    target = Path(sys.argv[1])
    moment = int(_git("log", "-1", "--format=%ct"))
    if _git("status", "--porcelain"):
        print("note: what is not committed is not released", file=sys.stderr)
    with tempfile.TemporaryDirectory() as place:
        builds = []
        for name in ("here", "somewhere-else"):
            sources = Path(place) / name
            _export(sources)
            builds.append(build(sources, sources.with_suffix(".built"), moment=moment))
        same(*builds)
        wheel = next(file for file in builds[0] if file.suffix == ".whl")
        if missing := missing_in(wheel, Path(place) / "here"):
            raise NotReproducible(f"the wheel lacks {', '.join(missing[:5])}")
        target.mkdir(parents=True, exist_ok=True)
        sums = []
        for file in builds[0]:
            shutil.copyfile(file, target / file.name)
            sums.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}")
    (target / SUMS).write_text("\n".join(sums) + "\n", encoding="utf-8")
    print("\n".join(["built twice, the same both times:", *sums]))


def _export(into: Path) -> None:
    """The last commit, and nothing of what lies around."""
    into.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(into, filter="data")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
