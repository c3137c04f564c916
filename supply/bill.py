"""The bill of materials: CycloneDX JSON of everything that the program needs to run, as it is installed here.

    python -m supply.bill dist/service-chatbot.cdx.json

Versions, licences and who needs whom come from the installed packages themselves, hashes from the locks. It holds no
time and no random number: the same packages give the same file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from supply.lock import locked
from supply.pins import Pin

PROGRAM = "service-chatbot"
_TROVE = "License :: "
_NO_ANSWER = ("", "UNKNOWN", "Dual License")

Needs = dict[str, tuple[str, ...]]
"""Of each package, what it needs here; canonical names."""


def needs(root: str = PROGRAM, *extras: str) -> Needs:
    """Of the program and of everything below it, as far as it is installed and its markers hold here."""
    found: Needs = {}
    waiting: list[tuple[str, frozenset[str]]] = [(canonicalize_name(root), frozenset(extras))]
    seen = set(waiting)
    while waiting:
        name, wanted = waiting.pop()
        below = list(_needed(name, wanted))
        found[name] = tuple(sorted({*found.get(name, ()), *(each for each, _ in below)}))
        waiting += [each for each in below if each not in seen]
        seen.update(below)
    return found


def _needed(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        holds = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in (*extras, "")
        )
        if holds and _is_here(requirement.name):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def _is_here(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def licence(package: Distribution) -> str:
    """As the package names it: an SPDX expression, or the words of its classifiers; empty where it does not say."""
    about = package.metadata
    if "License-Expression" in about:
        return about["License-Expression"]
    classifiers = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if each.startswith(_TROVE)]
    named = [each for each in classifiers if each not in ("OSI Approved", *_NO_ANSWER)]
    lines = about["License"].strip().splitlines() if "License" in about else []
    return " and ".join(named) or (lines[0].strip()[:100] if lines and lines[0].strip() not in _NO_ANSWER else "")


def bill(extra: str = "cpu") -> dict[str, Any]:
    """`extra` names the FAISS build: "cpu" or "gpu"."""
    below, pins = needs(PROGRAM, extra), locked()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**_component(PROGRAM, None), "type": "application"}},
        "components": [_component(name, pins.get(name)) for name in sorted(below) if name != PROGRAM],
        "dependencies": [
            {"ref": _reference(name), "dependsOn": [_reference(each) for each in below[name]]} for name in sorted(below)
        ],
    }


def _reference(name: str) -> str:
    return f"pkg:pypi/{name}@{distribution(name).version.replace('+', '%2B')}"


def _component(name: str, pin: Pin | None) -> dict[str, Any]:
    package = distribution(name)
    reference, said = _reference(name), licence(package)
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "version": package.version,
        "purl": reference,
    }
    if said:
        is_expression = "License-Expression" in package.metadata
        component["licenses"] = [{"expression": said} if is_expression else {"license": {"name": said}}]
    if pin and package.version.partition("+")[0] == pin.version:
        hashes = [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")} for digest in pin.hashes]
        component["externalReferences"] = [{"type": "distribution", "url": reference, "hashes": hashes}]
    return component


def main() -> None:
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    made = bill()
    target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{target}: {len(made['components'])} packages")


if __name__ == "__main__":
    main()
