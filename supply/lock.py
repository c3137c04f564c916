"""Resolve what pyproject.toml asks for, and write down every release of every package with the hashes of its files.

    python -m supply.lock              # newest versions that pyproject.toml allows
    python -m supply.lock --keep       # the versions of constraints.txt; hashes and what is new alone

One resolution serves Linux and macOS and every Python that is meant. Needs the index, and `uv` from locks/tools.txt.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from supply.pins import PYTHONS, Pin, parse, read_pins, written

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "locks"
CONSTRAINTS = ROOT / "constraints.txt"
BUILDS = LOCKS / "torch-builds.txt"
TOOLS = "uv==0.13.9"
PARTS = {
    "run": "What the program needs, but for torch and FAISS, of which there are two builds each.",
    "torch-cpu": "torch for processors; with run.txt. On Linux a build that PyTorch's own index has and PyPI has not.",
    "torch-cuda": "torch as PyPI has it, on Linux with CUDA's libraries; with run.txt.",
    "faiss-cpu": "FAISS for processors; with run.txt.",
    "faiss-gpu": "FAISS for GPUs; with run.txt.",
    "dev": "What tests, checks and a release need on top.",
    "tools": "What renews these files.",
}
_ABOUT = "Every package at one exact version: what was tested is what is installed. Renewed with: make lock"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="take the versions of constraints.txt where it has one")
    parser.add_argument("--uv", default="uv", help="the program, if it is not on the path")
    options = parser.parse_args()
    everything = resolved(options.uv, "cpu", "gpu", "lora", "dev", constraints=CONSTRAINTS if options.keep else None)
    spelled = sorted((pin.spelled for pin in everything.values()), key=str.lower)
    CONSTRAINTS.write_text("\n".join([f"# {_ABOUT}", *spelled]) + "\n", encoding="utf-8")
    LOCKS.mkdir(exist_ok=True)
    for name, pins in parts(options.uv).items():
        remark = f"{PARTS[name]} Renewed with: make lock"
        (LOCKS / f"{name}.txt").write_text(written(pins, remark), encoding="utf-8")


def parts(uv: str) -> dict[str, list[Pin]]:
    """What goes into which file, at the versions of constraints.txt."""
    bare = resolved(uv, constraints=CONSTRAINTS)
    cuda = _of_cuda(bare)
    of = {extra: resolved(uv, extra, constraints=CONSTRAINTS) for extra in ("cpu", "gpu", "dev")}
    more = {extra: [pin for name, pin in found.items() if name not in bare] for extra, found in of.items()}
    return {
        "run": [pin for name, pin in bare.items() if name not in {"torch", *cuda}],
        "torch-cpu": _without_cuda(bare["torch"]),
        "torch-cuda": [bare[name] for name in ("torch", *cuda)],
        "faiss-cpu": more["cpu"],
        "faiss-gpu": more["gpu"],
        "dev": more["dev"],
        "tools": list(_compiled(uv, ["-"], given=TOOLS).values()),
    }


def resolved(uv: str, *extras: str, constraints: Path | None) -> dict[str, Pin]:
    options = [f"--extra={extra}" for extra in extras]
    if constraints:
        options += ["--constraint", str(constraints)]
    return _compiled(uv, [*options, str(ROOT / "pyproject.toml")])


def _compiled(uv: str, options: Sequence[str], *, given: str | None = None) -> dict[str, Pin]:
    command = [uv, "pip", "compile", "--quiet", "--universal", f"--python-version={PYTHONS[0]}", "--generate-hashes"]
    command += ["--no-header", "--no-config", *options]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the packages could not be resolved:\n{done.stderr}")
    return {pin.name: pin for pin in parse(done.stdout.splitlines()) if pin.is_needed()}


def _of_cuda(pins: Mapping[str, Pin]) -> set[str]:
    """What only torch asks for, and only on Linux; and what only these ask for."""
    found: set[str] = set()
    while True:
        more = {
            pin.name
            for pin in pins.values()
            if set(pin.via) <= {"torch", *found} and re.search(r"linux", pin.marker or "", re.IGNORECASE)
        }
        if more == found:
            return found
        found = more


def _without_cuda(torch: Pin) -> list[Pin]:
    """By its local version: pip would take PyPI's file for the same release, since it knows that one's hash before."""
    builds = cpu_builds(torch.version)
    linux = replace(torch, version=f"{torch.version}+cpu", marker="sys_platform == 'linux'", hashes=tuple(builds))
    return [linux, replace(torch, marker="sys_platform == 'darwin'")]


def cpu_builds(version: str) -> list[str]:
    """The hashes of locks/torch-builds.txt, which is written as `sha256sum` writes."""
    lines = [line.split() for line in BUILDS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [f"sha256:{digest}" for digest, file in lines if file.startswith(f"torch-{version}+cpu-")]


def locked(*names: str) -> dict[str, Pin]:
    """The pins of some of the lock files; of all but the tools, and PyPI's torch, where none are named."""
    files = names or tuple(name for name in PARTS if name not in ("tools", "torch-cpu"))
    return {name: pin for file in files for name, pin in read_pins(LOCKS / f"{file}.txt").items()}


if __name__ == "__main__":
    main()
