"""train, retrain, watch, data: training by hand and on a schedule, and what a version was trained on."""

from __future__ import annotations

import difflib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chatbot.commands.terminal import console, escape
from chatbot.errors import (
    ChatbotError,
    ImportRefused,
    NoActiveModel,
    NotFound,
    SettingsError,
    TrainingBusy,
    TrainingRefused,
)
from chatbot.export import write_export
from chatbot.importers import read_questions
from chatbot.importers.records import Question
from chatbot.settings import Settings
from chatbot.wiring import House, open_house

if TYPE_CHECKING:
    from training.runs import Data, Trained, Wishes
    from training.tune import Tuning

BY_SCHEDULE = "retrain"
NOTHING_NEW = "Nothing new: the examples and settings are those of the last run (--force runs it all the same)."


class Exit(IntEnum):
    """What a run tells the scheduler. `docs/retraining.md` lists them; deploy/systemd counts 3 to 6 as success."""

    PROMOTED = 0
    ERROR = 1
    KEPT = 3
    NOTHING_NEW = 4
    TOO_LITTLE = 5
    LOCKED = 6


def train(settings: Settings) -> None:
    """By hand: the heads alone, and live unless it is shown to be worse."""
    with open_house(settings) as house:
        train_in(house)


def train_in(house: House) -> None:
    from training.runs import Wishes

    started = time.monotonic()
    trained = _run(house, Wishes(must_pass=must_pass_questions(house.settings)))
    _print(trained)
    seconds = time.monotonic() - started
    if trained.promoted:
        console.print(f"Version {trained.version} is active after {seconds:.0f} s of training.")
        return
    console.print(f"Version {trained.version} is not active; {seconds:.0f} s of training.")
    if house.registry.pointed_at() is None:
        raise NoActiveModel(
            f"no version answers yet, and {trained.version} was not let: its report says why; "
            f'"chatbot models promote {trained.version}" makes it live all the same'
        )


def is_worth_training(house: House) -> bool:
    """Whether something changed that a few seconds can learn: nobody waits for a server that fine-tunes first."""
    from training.plan import Effort
    from training.retrain import collect, plan_of
    from training.tried import is_tried

    try:
        data = collect(house.store)
    except TrainingRefused:
        return False
    try:
        must_pass = must_pass_questions(house.settings)
    except ImportRefused as error:
        console.print(f"Nothing is trained: {escape(str(error))}")  # what serves goes on serving
        return False
    if is_tried(house.settings, data, house.registry, Effort.QUICK, must_pass):
        return False
    if plan_of(house.settings, data, house.registry, Effort.QUICK).tunes:
        console.print('The examples changed since the last training; "chatbot retrain" learns them')
        return False
    return True


def retrain(
    settings: Settings,
    *,
    effort: str,
    promote: bool,
    dry_run: bool,
    as_json: bool,
    since: date | None,
    force: bool,
    tuning: Sequence[str],
    search_minutes: float,
) -> Exit:
    """As a scheduler runs it: no questions asked, and the exit code tells what came of it."""
    from training.lock import alone
    from training.plan import Effort
    from training.progress import steps
    from training.retrain import collect, run
    from training.runs import Wishes
    from training.tried import is_tried

    if effort not in list(Effort):
        raise SettingsError(f'"{effort}" is no effort; use {", ".join(Effort)}')
    told: dict[str, Any] = {}
    try:
        with open_house(settings) as house, alone(settings.models):
            data = collect(house.store)
            new = _new(house, data, since)
            told |= _about_data(data, new)
            chosen, must_pass = Effort(effort), must_pass_questions(settings)
            if not (force or tuning) and (
                is_tried(house.settings, data, house.registry, chosen, must_pass) or (since and not new)
            ):
                return _end(Exit.NOTHING_NEW, NOTHING_NEW, told, as_json)
            wishes = Wishes(
                effort=chosen,
                promote=promote,
                unproven=False,
                by=BY_SCHEDULE,
                tuning=tuning_of(tuning, settings) if tuning else None,
                must_pass=must_pass,
                search_minutes=search_minutes,
            )
            if dry_run:
                return _dry(house, data, wishes, told, as_json)
            trained = run(settings, data, store=house.store, registry=house.registry, steps=steps(), wishes=wishes)
            if not as_json:
                _print(trained)
            return _end(_exit_of(trained), trained.verdict.words, told | _about(trained), as_json)
    except TrainingBusy as error:
        return _end(Exit.LOCKED, str(error), told, as_json)
    except TrainingRefused as error:
        return _end(Exit.TOO_LITTLE, str(error), told, as_json)


def watch(settings: Settings, *, every: str, after_reviews: int | None, effort: str) -> None:
    """Retrain again and again, each time in a process of its own, until it is asked to stop."""
    from training.watch import Schedule, SystemClock, duration, in_a_process
    from training.watch import watch as keep_watch

    schedule = Schedule(duration(every), after_reviews)
    command = [sys.executable, "-m", "training", "retrain", "--effort", effort, "--home", str(settings.home)]
    clock = SystemClock()
    with open_house(settings) as house, clock.listening():
        keep_watch(
            in_a_process(command),
            schedule,
            last_version=_newest(house),
            taught_since=house.store.lineage.taught_since,
            clock=clock,
            say=print_now,
        )


def print_now(words: str) -> None:
    """A line that a log shows at once."""
    typer.echo(words)
    sys.stdout.flush()


def _newest(house: House) -> datetime | None:
    """When the newest version was made."""
    return house.store.versions.newest_at()


def tuning_of(wanted: Sequence[str], settings: Settings) -> Tuning:
    """From NAME=VALUE pairs. Raises SettingsError that names the nearest knob."""
    from training.tune import Tuning

    plain = Tuning(threads=settings.threads)
    chosen: dict[str, Any] = {}
    for pair in wanted:
        name, _, value = pair.partition("=")
        if name not in {field.name for field in fields(plain)}:
            near = difflib.get_close_matches(name, [field.name for field in fields(plain)], n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise SettingsError(f'"{name}" is no knob of fine-tuning{hint}')
        chosen[name] = _like(getattr(plain, name), name, value)
    return replace(plain, **chosen)


def _like(example: Any, name: str, value: str) -> Any:
    """The value in the form of the knob's default."""
    if isinstance(example, tuple):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        return type(example)(value) if example is not None else float(value)
    except ValueError as error:
        raise SettingsError(f'"{value}" does not fit the knob "{name}", whose default is {example!r}') from error


def must_pass_questions(settings: Settings) -> tuple[Question, ...]:
    """Of the file that the setting names; raises ImportRefused where it cannot be read."""
    if not settings.must_pass:
        return ()
    return tuple(read_questions(Path(settings.must_pass), language=settings.language))


def list_data(settings: Settings) -> None:
    """All data versions, oldest first."""
    with open_house(settings) as house:
        for version in house.store.lineage.versions():
            console.print(
                f"{version.hash[:12]}  {version.created_at:%Y-%m-%d %H:%M}  {version.examples:,} examples of "
                f"{version.intents:,} intents"
            )


def show_data(settings: Settings, name: str, *, out: Path | None) -> None:
    """Reproduce a data version from the examples that are still there, and say whether it is whole."""
    from training.examples import data_hash

    with open_house(settings) as house:
        lineage = house.store.lineage
        found = [version for version in lineage.versions() if version.hash.startswith(name)]
        if len(found) != 1:
            raise NotFound(f'{len(found)} data versions begin with "{name}"; "chatbot data list" shows them')
        used = lineage.used(found[0].hash) or []
        here = {example.id: example for example in house.store.knowledge.snapshot().examples}
    rows = [(here[one.example_id], one) for one in used if one.example_id in here]
    sides = {replace(example, intent=one.intent): one.side for example, one in rows}
    whole = data_hash(sides) == found[0].hash
    lines = [
        json.dumps({"text": example.text, "intent": example.intent, "side": side.value}, ensure_ascii=False)
        for example, side in sides.items()
    ]
    if out is not None:
        write_export((f"{line}\n" for line in lines), out)
    else:
        for line in lines:
            typer.echo(line)
    gone = len(used) - len(rows)
    typer.echo(
        f"{len(rows):,} of {len(used):,} examples; "
        + ("the very data of then." if whole else f"{gone:,} were erased since, so that it cannot be had whole."),
        err=True,
    )


def _run(house: House, wishes: Wishes) -> Trained:
    from training.progress import steps
    from training.retrain import retrain as run

    return run(house.settings, store=house.store, registry=house.registry, steps=steps(), wishes=wishes)


def _print(trained: Trained) -> None:
    from training.report import training_lines, verdict_lines

    examined = trained.examined
    for line in (
        *training_lines(trained),
        *verdict_lines(trained.verdict, examined.candidate, examined.active),
    ):
        console.print(escape(line))
    console.print(f"The report: {escape(str(trained.page))}")


def _dry(house: House, data: Data, wishes: Wishes, told: dict[str, Any], as_json: bool) -> Exit:
    from training.retrain import plan_of

    plan = plan_of(house.settings, data, house.registry, wishes.effort)
    told |= {"plan": plan.words, "tunes": plan.tunes, "start": plan.start.value}
    return _end(Exit.PROMOTED, f"Would train {plan.words} (--dry-run: nothing was done).", told, as_json)


def _new(house: House, data: Data, since: date | None) -> int:
    """How many examples came since that day, or since the active version."""
    if since is not None:
        return len(house.store.lineage.added_since(since))
    try:
        known = house.registry.manifest(house.registry.active_name()).get("data", "")
    except ChatbotError:
        return len(data.used)
    before = {one.example_id for one in house.store.lineage.used(known) or []}
    return sum(one.example_id not in before for one in data.used)


def _about_data(data: Data, new: int) -> dict[str, Any]:
    return {
        "data": data.hash,
        "examples": len(data.used),
        "new": new,
        "training": len(data.training_set.examples),
        "holdout": len(data.split.holdout),
        "must_pass": len(data.split.must_pass),
        "repeated": data.cleaned.repeated,
        "conflicts": len(data.cleaned.conflicts),
    }


def _about(trained: Trained) -> dict[str, Any]:
    return {
        "version": trained.version,
        "promoted": trained.promoted,
        "findings": [
            {"rule": finding.rule, "passed": finding.passed, "words": finding.words}
            for finding in trained.verdict.findings
        ],
        "metrics": dict(trained.metrics),
        "report": str(trained.page) if trained.page else None,
    }


def _exit_of(trained: Trained) -> Exit:
    from training.gate import Outcome

    return {Outcome.PROMOTE: Exit.PROMOTED, Outcome.KEEP: Exit.KEPT, Outcome.TOO_LITTLE: Exit.TOO_LITTLE}[
        trained.verdict.outcome
    ]


def _end(code: Exit, words: str, told: Mapping[str, Any], as_json: bool) -> Exit:
    if as_json:
        typer.echo(json.dumps({"outcome": code.name.lower(), "exit_code": int(code), "words": words, **told}))
    else:
        lines = [f"{told['examples']:,} examples ({told['new']:,} new)"] if "new" in told else []
        if told.get("holdout"):
            lines.append(f"{told['training']:,} to learn from, {told['holdout']:,} held out")
        console.print("; ".join(lines) + "." if lines else "", end="\n" if lines else "")
        console.print(escape(words))
    return code
