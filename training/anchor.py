"""The anchor: what a version long before read right, so that many small losses in a row do not add up unseen.

Each version keeps by number which held-out questions it read right when it was examined. A candidate is held to the
oldest version of the line that served and is still kept: chosen by age, never by its figures, whose luck would
otherwise be chosen along.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from chatbot import history
from chatbot.errors import ChatbotError
from chatbot.registry import Registry
from chatbot.types import OUT_OF_SCOPE
from training.evaluate import Earlier, Report
from training.splitting import Split

READ = "read.json"
"""In a version's folder: by intent the numbers of the held-out examples, and whether it read them right."""


def keep_readings(folder: Path, split: Split, report: Report) -> None:
    """For the candidates of later. Numbers and intents alone: words could not be erased from a version."""
    found: dict[str, dict[str, bool]] = {}
    for example, entry in zip(split.holdout, report.predictions, strict=True):
        if entry.in_scope:
            found.setdefault(entry.intent, {})[str(example.id)] = entry.predicted == entry.intent
    (folder / READ).write_text(json.dumps(found, sort_keys=True), encoding="utf-8")


def with_anchor(report: Report, split: Split, registry: Registry, *, within: int, least: int) -> Report:
    """With what the anchor read of the same questions: the oldest of the last `within` versions that served, if it was
    asked at least `least` of them with the same label."""
    with suppress(ChatbotError):
        pointed = registry.pointed_at()
        for name in reversed(history.before(registry.events(), pointed)[:within]):
            earlier = _earlier(name, registry, split, report)
            if earlier is not None and len(earlier.before) >= least:
                return replace(report, earlier=earlier)
    return report


def _earlier(name: str, registry: Registry, split: Split, report: Report) -> Earlier | None:
    """None where the version is gone, damaged, or older than these records."""
    with suppress(ChatbotError, OSError, ValueError):
        read: Mapping[str, Mapping[str, bool]] = json.loads((registry.verify(name) / READ).read_text(encoding="utf-8"))
        before, after = [], []
        for example, entry in zip(split.holdout, report.predictions, strict=True):
            then = read.get(entry.intent, {}).get(str(example.id))
            if then is not None and entry.intent != OUT_OF_SCOPE:
                before.append(then)
                after.append(entry.predicted == entry.intent)
        return Earlier(name, tuple(before), tuple(after))
    return None
