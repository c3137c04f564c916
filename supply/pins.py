"""Lock files as pip reads them: one release of each package, where it is needed, and the hashes of its files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = tuple(
    {"sys_platform": system.lower(), "platform_system": system, "platform_machine": machine}
    for system, machine in (("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Darwin", "x86_64"))
)
"""Where the program is meant to run. On Windows it is not: it locks files as Unix does."""

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\*,]+)(?:\s*;\s*(?P<marker>[^\\#]+?))?\s*\\?\s*$"
)
_HASH = re.compile(r"\s+--hash=(sha256:[0-9a-f]{64})\s*\\?\s*$")
_VIA = re.compile(r"\s+#(?: via)? +(?!via$)([A-Za-z0-9][^\s(]*)(?: \(.*\))?$")


@dataclass(frozen=True, slots=True)
class Pin:
    name: str
    """In its canonical form: small, with hyphens."""
    version: str
    marker: str | None = None
    hashes: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    """Who needs it, as the resolver said."""

    @property
    def spelled(self) -> str:
        """As constraints.txt has it."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")

    def is_needed(self) -> bool:
        """On any of the platforms and Pythons that are meant."""
        return self.marker is None or any(
            Marker(self.marker).evaluate({**platform, "python_version": python, "python_full_version": f"{python}.1"})
            for platform in PLATFORMS
            for python in PYTHONS
        )


def read_pins(file: Path) -> dict[str, Pin]:
    """By name. ValueError for a line that is neither a pin, a hash nor a remark: it would be installed unlocked."""
    return {pin.name: pin for pin in parse(file.read_text(encoding="utf-8").splitlines(), file.name)}


def parse(lines: Iterable[str], named: str = "the lock") -> Iterator[Pin]:
    current: Pin | None = None
    for number, line in enumerate(lines, start=1):
        if pin := _PIN.match(line):
            if current:
                yield current
            current = Pin(canonicalize_name(pin["name"]), pin["version"], pin["marker"])
        elif current and (digest := _HASH.match(line)):
            current = replace(current, hashes=(*current.hashes, digest[1]))
        elif line.strip() and not line.lstrip().startswith("#"):
            raise ValueError(f"{named}, line {number}: {line.strip()[:60]!r} is not one exact version with hashes")
        elif current and (via := _VIA.match(line)):
            current = replace(current, via=(*current.via, via[1]))
    if current:
        yield current


def written(pins: Iterable[Pin], remark: str) -> str:
    """The lock file of these."""
    lines = [f"# {line}" for line in remark.splitlines()]
    for pin in sorted(pins, key=lambda pin: pin.name):
        lines.append(" \\\n".join([pin.spelled, *(f"    --hash={digest}" for digest in pin.hashes)]))
    return "\n".join(lines) + "\n"
