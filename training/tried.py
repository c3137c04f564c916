"""Whether a training run would only do again what was done before, so that a scheduler need not.

Two runs are the same where they learn the same from the same; a run that was refused is worth another one also where
the questions, answers or limits have changed by which it was judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version as installed_version
from typing import Any

from chatbot import history
from chatbot.errors import ChatbotError
from chatbot.importers.records import Question
from chatbot.registry import Registry
from chatbot.settings import Settings
from chatbot.types import Status
from training.examples import titles_hash
from training.plan import Effort
from training.runs import Data

EFFORTS = list(Effort)


def is_tried(
    settings: Settings, data: Data, registry: Registry, effort: Effort, must_pass: Sequence[Question] = ()
) -> bool:
    """Whether a run would do again, with no more effort, what made the active version, one that waits for a lead, one
    that a person went back from, or one that was refused by the rules of now. A run that was cut short has tried
    nothing."""
    wanted = identity(settings, data)
    judge = judged_by(settings, data, must_pass)
    for manifest, judged in _made(registry):
        same = all(manifest.get(name) == value for name, value in wanted.items())
        enough = EFFORTS.index(manifest.get("effort", Effort.QUICK)) >= EFFORTS.index(effort)
        if same and enough and (not judged or manifest.get("judged_by") == judge):
            return True
    return False


def identity(settings: Settings, data: Data) -> dict[str, Any]:
    """What a version is made from, for its manifest."""
    return {
        "data": data.hash,
        "titles": titles_hash(data.training_set),
        "encoder": settings.encoder,
        "error_budget": settings.error_budget,
        "unknown_share": settings.unknown_share,
        "program": installed_version("service-chatbot"),
    }


def judged_by(settings: Settings, data: Data, must_pass: Sequence[Question]) -> str:
    """SHA-256 of what the gate's verdict depends on beside the version: its limits, the must-pass questions of the
    file, and the answers that could be given. It tells no words: what a manifest says cannot be erased from it."""
    limits = [settings.gate_margin, settings.gate_intent_margin, settings.gate_latency, settings.gate_size]
    questions = sorted([one.text, one.intent, one.template or ""] for one in must_pass)
    answers = sorted(
        [one.key, one.intent, one.language, one.body]
        for one in data.snapshot.templates
        if one.status is Status.APPROVED
    )
    return sha256(json.dumps([limits, questions, answers]).encode()).hexdigest()


def _made(registry: Registry) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Manifests of the versions that came of runs like this one, and whether the gate's verdict is all that keeps a
    version out."""
    events = registry.events()
    chosen = history.left(events)
    with suppress(ChatbotError):
        chosen.add(registry.active_name())
    names = registry.names()
    for name in names:
        with suppress(ChatbotError):
            manifest = registry.manifest(name)
            if name in chosen or (name == names[-1] and manifest.get("left_to_a_lead")):
                yield manifest, False
            elif name in history.refusals(events):
                yield manifest, True
