"""The training pipeline: read this file second, after chatbot/respond.py.

Collect what is approved, split off what judges, fit a candidate, compare it with the active version on questions that
neither has learned, register it, and make it live only if it is no worse. What a step does stands in the module that it
calls; what comes of the run as a whole is an `Outcome`.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from chatbot.errors import ChatbotError, TrainingRefused
from chatbot.redact import Redactor
from chatbot.registry import BUILDING, Registry
from chatbot.settings import Settings
from chatbot.store import Store
from chatbot.store.lineage import Used
from training.anchor import keep_readings, with_anchor
from training.candidate import Candidate, answers_of, fit_candidate
from training.cleaning import clean, doubts
from training.encoders import Preparation, inherited_examples
from training.evaluate import Report
from training.examination import Examination, Room, examine_both, examine_served
from training.examples import approved_examples, data_hash, training_set_of
from training.fresh import fresh_evidence
from training.gate import Finding, Outcome, Rules, Verdict, is_as_good, judge, rules_of
from training.last_lesson import forget_the_rest, learn_the_rest
from training.lock import alone
from training.pictures import FOLDER as PICTURES
from training.pictures import draw_training
from training.plan import Effort, Plan, calibrating, choose_plan
from training.progress import Steps
from training.runs import Data, Trained, Wishes
from training.splitting import split_examples
from training.telling import tell
from training.tried import identity, judged_by
from training.tune import Tuning

SCRATCH = ".tuning-"


def retrain(
    settings: Settings, *, store: Store, registry: Registry, steps: Steps, wishes: Wishes | None = None
) -> Trained:
    """One run, alone on its versions. Raises TrainingBusy, TrainingRefused, EncoderUnavailable, or NotNow when another
    version was made active meanwhile; then the active version is what it was."""
    with alone(settings.models):
        return run(settings, collect(store), store=store, registry=registry, steps=steps, wishes=wishes or Wishes())


def run(settings: Settings, data: Data, *, store: Store, registry: Registry, steps: Steps, wishes: Wishes) -> Trained:
    """As `retrain`, for who holds the lock and has collected the data."""
    _sweep(settings.models)
    store.lineage.assign(data.split.new)
    store.lineage.keep(data.hash, data.used)
    with registry.new_version() as building:
        candidate = _fit(settings, data, store, registry, building, steps, wishes)
        room = Room(settings, store, registry, Redactor(settings.order_number or None), steps)
        rules = rules_of(settings, {one.intent for one in data.used})
        examined = _examine(building, candidate, data, room, rules, wishes)
        verdict = _judge(examined, rules)
        more = _teach_the_rest(building, examined.candidate, rules, data, room, wishes)
        _check_still_there(data, store)
        about = _about(settings, data, candidate, verdict, wishes) | {"learned_after_the_examination": more}
        version = registry.register(building, about=about, metrics=candidate.measured.metrics, by=wishes.by)
    trained = Trained(version, wishes.promote and may_go_live(verdict, wishes), verdict, candidate, examined, data)
    # Before it goes live: whatever serves has a report.
    trained = _tell(trained, settings, store, registry, wishes)
    if trained.promoted:
        registry.promote(version, by=wishes.by, detail=_told(verdict), over=examined.serving)
    elif not verdict.passed:
        registry.refused(version, [finding.rule for finding in verdict.failures], by=wishes.by)
    return trained


def _judge(examined: Examination, rules: Rules) -> Verdict:
    """What cannot be compared with what is live may be taken by a person, and by nobody else."""
    verdict = judge(examined.candidate, examined.active, rules)
    if examined.trouble is None or not verdict.passed:
        return verdict
    words = f"What is live cannot be examined: {examined.trouble}."
    findings = (*verdict.findings, Finding("active version", False, words))
    return replace(verdict, passed=False, outcome=Outcome.TOO_LITTLE, findings=findings, headline="Too little to tell:")


def _check_still_there(data: Data, store: Store) -> None:
    """What was erased during the run may not live on in a version."""
    here = {example.id for example in store.knowledge.snapshot().examples}
    gone = sum(one.example_id not in here for one in data.used)
    if gone:
        raise TrainingRefused(f"{gone:,} examples were erased while they were being learned; run it again without them")


def may_go_live(verdict: Verdict, wishes: Wishes) -> bool:
    """Whoever asks for it by hand also takes what too few held-out questions can judge."""
    return verdict.passed or (wishes.unproven and verdict.outcome is Outcome.TOO_LITTLE)


def collect(store: Store) -> Data:
    """What is approved now, split and cleaned; nothing is written. Raises TrainingRefused."""
    snapshot = store.knowledge.snapshot()
    examples = approved_examples(snapshot)
    split = split_examples(examples, store.lineage.sides())
    cleaned = clean(split.train)
    used = [Used(example.id, example.intent, side) for side, part in split.parts.items() for example in part]
    sides = {example: side for side, part in split.parts.items() for example in part}
    training_set = training_set_of(cleaned.examples, snapshot.intents)
    return Data(snapshot, split, cleaned, training_set, data_hash(sides), tuple(used))


def plan_of(settings: Settings, data: Data, registry: Registry, effort: Effort) -> Plan:
    """What a run would do to the encoder."""
    learned = inherited_examples(settings, registry)
    return choose_plan(
        effort,
        inherits=bool(learned),
        examples=len(data.training_set.examples),
        unlearned=sum(example.id not in learned for example in data.training_set.examples),
        calibrating=len(calibrating(data.training_set, learned)),
    )


def _fit(
    settings: Settings,
    data: Data,
    store: Store,
    registry: Registry,
    building: Path,
    steps: Steps,
    wishes: Wishes,
) -> Candidate:
    training_set = data.training_set
    plan = plan_of(settings, data, registry, wishes.effort)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=settings.models) as scratch:
        preparation = Preparation(
            settings=settings,
            training_set=training_set,
            answers=answers_of(training_set, data.snapshot),
            store=store,
            registry=registry,
            building=building,
            logs=settings.runs / building.name.removeprefix(BUILDING),
            steps=steps,
            scratch=Path(scratch),
            tuning=wishes.tuning or Tuning(threads=settings.threads),
            search_minutes=wishes.search_minutes,
        )
        candidate = fit_candidate(preparation, plan, data.snapshot)
    draw_training(candidate.held_out, candidate.measured.automation, settings.error_budget, building / PICTURES)
    return candidate


def _teach_the_rest(building: Path, examined: Report, rules: Rules, data: Data, room: Room, wishes: Wishes) -> int:
    """What was held out is learned as well, if what comes of it is as good; how many examples that was."""
    more = learn_the_rest(building, data, store=room.store, threads=room.settings.threads, steps=room.steps)
    if more:
        served = examine_served(building, data.split, room, must_pass=wishes.must_pass)
        if not is_as_good(served, examined, rules):
            forget_the_rest(building)
            return 0
    return more


def _sweep(models: Path) -> None:
    """What a killed run left; nobody else is at work here."""
    for folder in models.glob(f"{SCRATCH}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _examine(building: Path, candidate: Candidate, data: Data, room: Room, rules: Rules, wishes: Wishes) -> Examination:
    """Beside the active version; with what is to be said of the labels that came since, and of versions long before."""
    examined = examine_both(building, data.split, room, must_pass=wishes.must_pass)
    report, registry, lineage = examined.candidate, room.registry, room.store.lineage
    keep_readings(building, data.split, report)
    report = with_anchor(report, data.split, registry, within=room.settings.keep_versions, least=rules.least_questions)
    before = _manifest(registry)
    if before is not None:
        known = {one.example_id for one in lineage.used(str(before.get("data", ""))) or ()}
        fresh = fresh_evidence(candidate, report, data.training_set, data.split, known=known, days=lineage.days())
        report = replace(report, fresh=fresh)
    return replace(examined, candidate=report)


def _tell(trained: Trained, settings: Settings, store: Store, registry: Registry, wishes: Wishes) -> Trained:
    """With its page, and with the labels in doubt on the desk's list."""
    training_set, rows = trained.data.training_set, trained.candidate.rows
    examples = [training_set.examples[row] for row in rows]
    probabilities = trained.candidate.held_out.probabilities
    doubted = doubts(examples, training_set.intents, training_set.labels[rows], probabilities)
    store.lineage.doubt(doubted)
    before = _manifest(registry)
    page = tell(trained, settings=settings, store=store, wishes=wishes, doubted=doubted, before=before)
    return replace(trained, page=page)


def _manifest(registry: Registry) -> dict[str, Any] | None:
    """Of the active version."""
    with suppress(ChatbotError):
        return registry.manifest(registry.active_name())
    return None


def _about(settings: Settings, data: Data, candidate: Candidate, verdict: Verdict, wishes: Wishes) -> dict[str, Any]:
    """What the manifest says of how the version was made. No words of customers: those could not be erased from it."""
    libraries = ("torch", "sentence-transformers", "scikit-learn", "onnxruntime", "numpy")
    return {
        **identity(settings, data),
        "judged_by": judged_by(settings, data, wishes.must_pass),
        **candidate.about,
        "effort": wishes.effort.value,
        "holdout": len(data.split.holdout),
        "must_pass": len(data.split.must_pass) + len(wishes.must_pass),
        "verdict": _told(verdict),
        "left_to_a_lead": verdict.passed and not wishes.promote,
        "libraries": {name: installed_version(name) for name in libraries},
    }


def _told(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome.value,
        "headline": verdict.headline,
        "failed": [finding.rule for finding in verdict.failures],
    }
