"""models: which versions there are, what two of them differ in, and which one serves."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from rich.table import Table

from chatbot import history
from chatbot.commands.terminal import console, escape
from chatbot.durable import size_of
from chatbot.errors import NotNow
from chatbot.inventory import Difference, Entry, State, differences, entry, find, inventory
from chatbot.registry import FINGERPRINT
from chatbot.settings import Settings
from chatbot.store.agents import COMMAND_LINE
from chatbot.store.experiments import Experiments
from chatbot.store.versions import Event
from chatbot.wiring import House, open_house

MINUTE = "%Y-%m-%d %H:%M"
COLOURS = {State.ACTIVE: "green", State.REFUSED: "yellow", State.DAMAGED: "red"}
TAKEN_OVER = "Running servers take it over within two seconds."


def list_models(settings: Settings, *, as_json: bool) -> None:
    with open_house(settings) as house:
        entries = inventory(house.registry)
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in entries], indent=1, ensure_ascii=False))
    elif not entries:
        console.print('There is no version yet; "chatbot train" makes one.')
    elif console.is_terminal:
        console.print(_table(entries))
    else:
        for one in entries:
            console.print(escape("  ".join(cell.ljust(width) for cell, width in _cells(one)).rstrip()))


def show_model(settings: Settings, given: str, *, as_json: bool) -> None:
    with open_house(settings) as house:
        one = entry(house.registry, find(house.registry, given))
        events = [event for event in house.registry.events() if event.version == one.name]
    if as_json:
        told = _as_json(one) | {"manifest": dict(one.manifest), "events": [_event(event) for event in events]}
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for line in model_lines(one, events):
        console.print(escape(line))


def diff_models(settings: Settings, before: str, after: str, *, as_json: bool) -> None:
    with open_house(settings) as house:
        one, other = find(house.registry, before), find(house.registry, after)
        found = differences(house.registry, one, other)
    if as_json:
        changes = [
            {"subject": each.subject, "name": each.name, "before": each.before, "after": each.after} for each in found
        ]
        typer.echo(json.dumps({"before": one, "after": other, "changes": changes}, indent=1, ensure_ascii=False))
        return
    console.print(escape(f"From {one} to {other}:" if found else f"{one} and {other} say the same of themselves."))
    for subject in dict.fromkeys(each.subject for each in found):
        console.print(f"\n{subject}")
        for each in found:
            if each.subject == subject:
                console.print(escape(f"  {change_line(each)}"))


def promote_model(settings: Settings, given: str, *, yes: bool) -> None:
    """A version that the gate refused is promoted too, when a person says so; that is recorded with their name."""
    with open_house(settings) as house:
        registry = house.registry
        name = find(registry, given)
        if _is_active(house, name):
            console.print(f"{name} is active already.")
            return
        events = registry.events()
        refused = history.refusals(events)
        detail: dict[str, Any] = {"asked_by": "a person"}
        if name in refused and name not in history.promoted(events):
            console.print(escape(f"The gate refused {name}: {history.reasons(refused, name)}."))
            _confirm("Promote it all the same?", yes=yes)
            detail["despite"] = list(refused[name])
        registry.promote(name, by=_who(), detail=detail)
    console.print(f"{name} is active now. {TAKEN_OVER}")


def rollback_models(settings: Settings) -> None:
    with open_house(settings) as house:
        target = house.registry.rollback(by=_who())
        last = house.registry.events()[-1].detail
    for damaged in last.get("passed_over", ()):
        console.print(escape(f"{damaged} is passed over: it is damaged or was pruned."))
    console.print(escape(f"{target} is active now, {last.get('from') or 'nothing'} was. {TAKEN_OVER}"))


def pin_model(settings: Settings, given: str) -> None:
    with open_house(settings) as house:
        name = find(house.registry, given)
        house.registry.pin(name, by=_who())
    console.print(f"{name} is pinned: it is never pruned.")


def unpin_model(settings: Settings, given: str) -> None:
    with open_house(settings) as house:
        name = find(house.registry, given)
        house.registry.unpin(name, by=_who())
    console.print(f"{name} is pinned no more.")


def prune_models(settings: Settings, *, keep: int | None, erased: bool, dry_run: bool, yes: bool) -> None:
    """Show what goes, ask, and delete it."""
    keep = settings.keep_versions if keep is None else keep
    with open_house(settings) as house:
        registry, also = house.registry, _in_experiments(house)
        planned = registry.unneeded(keep, also=also, without_erased=erased)
        for name in planned:
            console.print(escape(f"goes: {name}  {_megabytes(size_of(registry.root / name))}"))
        if dry_run or not planned:
            console.print("Nothing was deleted (--dry-run)." if planned else "There is no version to delete.")
            if dry_run:
                return
        else:
            _confirm("Delete these for good?", yes=yes)
        done = registry.prune(keep, by=_who(), also=also, without_erased=erased)
    for name in done.gone:  # what training told and logged of it quotes examples, or measures what is no more
        for folder in (settings.reports / name, settings.runs / name):
            shutil.rmtree(folder, ignore_errors=True)
    for name in done.busy:
        console.print(escape(f"stays for now: {name}, somebody is loading it"))
    vectors = f", and {done.vectors:,} vectors that no version uses" if done.vectors else ""
    console.print(f"Deleted: {len(done.gone)} versions, {_megabytes(done.freed_bytes)}{vectors}.")


def model_lines(one: Entry, events: Sequence[Event]) -> Iterator[str]:
    """All that is known of a version, for people."""
    manifest, metrics = one.manifest, one.manifest.get("metrics", {})
    yield f"version    {one.name}"
    yield f"state      {', '.join(one.marks)}{f': {one.why}' if one.why else ''}"
    if one.made_at:
        yield f"made       {one.made_at:{MINUTE}} UTC by {one.by}"
    if one.examples is not None:
        yield f"learnt     from {one.examples:,} examples of {metrics.get('intents', 0):,} intents"
    if one.accuracy is not None:
        yield f"reads      {one.accuracy:.1%} of the held-out examples rightly"
    if one.wrong_of_answered is not None:
        answered, budget = metrics.get("answered", 0.0), manifest.get("error_budget", 0.0)
        yield f"answers    {answered:.1%} by itself, {one.wrong_of_answered:.1%} of them wrong (budget {budget:.1%})"
    yield f"encoder    {manifest.get('encoder', 'unknown')}, fingerprint {str(manifest.get(FINGERPRINT, ''))[:12]}"
    yield f"data       {str(manifest.get('data', 'unknown'))[:12]}, program {manifest.get('program', 'unknown')}"
    yield f"libraries  {', '.join(f'{name} {number}' for name, number in manifest.get('libraries', {}).items())}"
    yield f"size       {_megabytes(one.size_bytes)} in {len(manifest.get('files', {}))} files"
    yield f"report     {one.report.absolute() if one.report else 'none'}"
    if one.erased:
        yield f"note       {one.erased:,} of its examples were erased since; retrain, then prune --erased"
    for event in events:
        reasons = f": {'; '.join(map(str, event.detail['reasons']))}" if event.detail.get("reasons") else ""
        yield f"{event.at:{MINUTE}}  {event.event.replace('_', ' ')} by {event.by}{reasons}"


def change_line(change: Difference) -> str:
    if change.subject == "intents":
        return f"{'new ' if change.before is None else 'gone'} {change.name}"
    before, after = change.before, change.after
    moved = ""
    if _is_number(before) and _is_number(after):
        moved = f"  ({'+' if after > before else ''}{_number(after - before)})"
    return f"{change.name:<28} {_number(before)} -> {_number(after)}{moved}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _table(entries: Sequence[Entry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("version", "state", "made (UTC)", "by"):
        table.add_column(title)
    for title in ("examples", "accuracy", "wrong", "size"):
        table.add_column(title, justify="right")
    for one in entries:
        cells = [escape(cell) for cell, _ in _cells(one)]
        table.add_row(*cells, style=COLOURS.get(State.DAMAGED if one.damaged else one.state))
    return table


def _cells(one: Entry) -> list[tuple[str, int]]:
    """Each with its width."""
    return [
        (one.name, 22),
        (", ".join(one.marks) + (f": {one.why}" if one.why else ""), 12),
        (f"{one.made_at:{MINUTE}}" if one.made_at else "-", 16),
        (one.by or "-", 8),
        ("-" if one.examples is None else f"{one.examples:,}", 8),
        (_share(one.accuracy), 6),
        (_share(one.wrong_of_answered), 6),
        (_megabytes(one.size_bytes), 8),
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _as_json(one: Entry) -> dict[str, Any]:
    return {
        "version": one.name,
        "state": one.state.value,
        "serving": one.serving,
        "pinned": one.pinned,
        "damaged": one.damaged,
        "erased_examples": one.erased,
        "why": one.why,
        "made_at": one.made_at.isoformat() if one.made_at else None,
        "by": one.by,
        "examples": one.examples,
        "accuracy": one.accuracy,
        "wrong_of_answered": one.wrong_of_answered,
        "size_bytes": one.size_bytes,
        "report": str(one.report.absolute()) if one.report else None,
    }


def _event(event: Event) -> dict[str, Any]:
    return {"event": event.event, "at": event.at.isoformat(), "by": event.by, "detail": dict(event.detail)}


def _is_active(house: House, name: str) -> bool:
    """A version that was damaged and put right is not: promoting it again makes it serve."""
    one = entry(house.registry, name)
    return one.state is State.ACTIVE and one.serving


def _in_experiments(house: House) -> set[str]:
    running = Experiments(house.store.database).running()
    return {running.candidate, running.active} if running else set()


def _who() -> str:
    """Who is at the keyboard, as far as this machine knows."""
    try:
        return f"{COMMAND_LINE} {pwd.getpwuid(os.getuid()).pw_name}"[:100]
    except KeyError:  # a container's user need not have a name
        return f"{COMMAND_LINE} user {os.getuid()}"


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotNow("nobody is there to ask; add --yes to do it without a question")
    typer.confirm(question, abort=True)
