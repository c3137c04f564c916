"""The peers' own virtual environment: their libraries pin what ours must not be bound to."""

from __future__ import annotations

import hashlib
import os
import subprocess
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
DEFAULT = Path(__file__).parents[2] / "build" / "peers"
MARK = "installed.txt"


def prepare(folder: Path, requirements: Path = REQUIREMENTS) -> Path:
    """The interpreter of an environment with exactly `requirements`; made or renewed where it is not there yet."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    mark, wanted = folder / MARK, fingerprint(requirements)
    if python.exists() and mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Installing the peers into {folder} (a few minutes, once) ...", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    # Torch first: alone it shows at once whether its pinned build is to be had here.
    for what in (["--constraint", str(requirements), "torch"], ["--requirement", str(requirements)]):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *what], check=True)
    mark.write_text(wanted, encoding="utf-8")
    return python


def fingerprint(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def pins(requirements: Path) -> dict[str, str]:
    """Versions by lower-case name."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==", 1) for line in lines if "==" in line and not line.startswith("#"))
    return {name.strip().lower(): version.strip() for name, version in pairs}
