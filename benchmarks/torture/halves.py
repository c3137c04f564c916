"""What unfinished work has left in a home."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path


def half_made(home: Path) -> list[str]:
    """Folders of unfinished work, pages that were not written to the end, and versions that are not what was recorded
    of them."""
    from chatbot.errors import ModelDamaged
    from chatbot.registry import Registry
    from chatbot.store import Store

    found = [path.name for path in (home / "models").glob(".[bpt]*-*")]
    found += [f"report of {path.name}" for path in (home / "reports").glob("*") if not (path / "report.html").is_file()]
    with closing(Store.open(f"sqlite:///{home / 'chatbot.db'}")) as store:
        registry = Registry(home / "models", store.versions)
        names = {event.version for event in registry.events()} | set(registry.names()) | {registry.pointer().name}
        for name in sorted(names):
            try:
                registry.verify(name)
            except ModelDamaged as error:
                found.append(str(error))
    return found
