"""A second version beside the active one, for tests of experiments: the same encoder with another policy."""

from __future__ import annotations

import shutil
from dataclasses import replace

from chatbot.bot import POLICY_FILE, load_policy, save_policy
from chatbot.registry import MANIFEST, Registry


def another_version(registry: Registry, **policy: float) -> str:
    """A copy of the active version whose policy differs so; nothing serves it yet."""
    with registry.new_version() as building:
        shutil.copytree(registry.active(), building, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        known = load_policy(building / POLICY_FILE)
        (building / POLICY_FILE).unlink()
        save_policy(replace(known, **policy), building / POLICY_FILE)  # type: ignore[arg-type] # names of thresholds
        return registry.register(building, about={}, metrics={}, by="test")


def never_sure(registry: Registry) -> str:
    """A version that answers nothing: it asks back."""
    return another_version(registry, answer_at=2.0, clarify_at=0.0)


def damage(registry: Registry, name: str) -> None:
    file = registry.root / name / POLICY_FILE
    file.chmod(0o644)
    file.write_text("{}", encoding="utf-8")
