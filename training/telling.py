"""What people read of a run: one page that says first whether the version went live, and why.

It quotes examples, so it stands beside the versions and not in them, and is recorded like an export: whoever has words
erased has the pages deleted that hold them.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatbot.exports import exporting
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.lineage import Suspicion
from training.evaluate import is_answered
from training.page import DataSummary, Told, write_page
from training.runs import Trained, Wishes
from training.tune import Tuning

KIND = "report"
MOST_TO_LABEL = 30
FEW = 10
"""Examples of an intent below which more of them are the surest gain."""


def tell(
    trained: Trained,
    *,
    settings: Settings,
    store: Store,
    wishes: Wishes,
    doubted: Sequence[Suspicion],
    before: Mapping[str, Any] | None,
) -> Path:
    """Write the page of a run; `before` is the manifest of the version that was active."""
    folder = settings.reports / trained.version
    told = Told(
        verdict=trained.verdict,
        candidate=trained.examined.candidate,
        active=trained.examined.active,
        data=_summary(trained, store, doubted, before),
        made_at=datetime.now(UTC),
        promoted=trained.promoted,
        held_out=trained.candidate.held_out,
        automation=trained.automation,
        error_budget=settings.error_budget,
        curve=trained.candidate.curve,
        label_next=_to_label(trained),
        inherited=_inherited(trained, before),
        overridden=_overridden(wishes, settings),
    )
    target = folder / "report.html"
    folder.mkdir(parents=True, mode=0o700)
    try:
        with exporting(store.database, kind=KIND, target=target, folder=settings.exports, by=wishes.by) as record:
            page = write_page(told, folder)
            record.finish(len(trained.examined.candidate.predictions))
            return page
    except BaseException:  # half a report tells nobody anything
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _summary(
    trained: Trained, store: Store, doubted: Sequence[Suspicion], before: Mapping[str, Any] | None
) -> DataSummary:
    data = trained.data
    known = {one.example_id for one in store.lineage.used(str((before or {}).get("data", ""))) or ()}
    new = Counter(one.intent for one in data.used if one.example_id not in known)
    texts = {example.id: example.text for example in data.split.train}
    return DataSummary(
        examples=len(data.used),
        new_since=new.total() if before else 0,
        by_intent_new=dict(new.most_common()) if before else {},
        conflicts=[
            (conflict.texts[0], f"{' or '.join(conflict.intents)}: {_settled(conflict.kept)}")
            for conflict in data.cleaned.conflicts
        ],
        suspicions=[
            (texts[one.example_id], f"labelled {one.given}, reads like {one.proposed} ({one.confidence:.0%})")
            for one in doubted
            if one.example_id in texts
        ],
        repeated=data.cleaned.repeated,
    )


def _settled(kept: str | None) -> str:
    return f"{kept} is used, as an agent confirmed it" if kept else "left out until somebody decides"


def _to_label(trained: Trained) -> list[tuple[str, str]]:
    """Held-out questions that the candidate left to people, of the intents first that it knows least of."""
    sizes = Counter(example.intent for example in trained.data.training_set.examples)
    unsure = [one for one in trained.examined.candidate.predictions if one.in_scope and not is_answered(one)]
    unsure.sort(key=lambda one: (sizes[one.intent] >= FEW, one.probability))
    return [(one.text, f"{one.intent}, {sizes[one.intent]} examples so far") for one in unsure[:MOST_TO_LABEL]]


def _inherited(trained: Trained, before: Mapping[str, Any] | None) -> dict[str, str]:
    found = {"encoder": str(trained.candidate.about["plan"])}
    if before and (source := trained.candidate.about.get("encoder_from")):
        found["encoder of"] = str(source)
    return found


def _overridden(wishes: Wishes, settings: Settings) -> dict[str, str]:
    """What differs from the defaults of fine-tuning and of the settings that decide about a version."""
    plain = Tuning(threads=settings.threads)
    chosen = asdict(wishes.tuning or plain)
    changed = {name: str(value) for name, value in chosen.items() if value != getattr(plain, name)}
    for name in ("encoder", "error_budget", "unknown_share", "gate_margin", "gate_intent_margin"):
        value, usual = getattr(settings, name), type(settings).model_fields[name].default
        if value != usual:
            changed[name] = str(value)
    return {"effort": wishes.effort.value, **changed}
