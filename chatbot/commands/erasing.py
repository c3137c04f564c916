"""erase and retention run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import typer

from chatbot.commands.terminal import console, escape
from chatbot.erasing import Eraser, Erasure
from chatbot.errors import ErasureRefused
from chatbot.retention import Expired, Retention
from chatbot.settings import Settings
from chatbot.store.agents import COMMAND_LINE
from chatbot.store.erasing import By, FoundExample, Wish
from chatbot.wiring import open_house

_RETRAIN = 'they were trained on what goes; run "chatbot retrain", then "chatbot models prune --erased"'


def the_wish(conversation: str | None, customer: str | None, matching: str | None, *, also_imported: bool) -> Wish:
    """Raises ErasureRefused unless exactly one is given."""
    given = [
        (by, value)
        for by, value in ((By.CONVERSATION, conversation), (By.CUSTOMER, customer), (By.MATCHING, matching))
        if value is not None
    ]
    if len(given) != 1:
        raise ErasureRefused("give exactly one of --conversation ID, --customer TOKEN and --matching TEXT")
    return Wish(*given[0], also_imported=also_imported)


def erase(settings: Settings, wish: Wish, *, backups: bool, dry_run: bool, yes: bool) -> None:
    """Show what goes, ask, and erase it."""
    with open_house(settings) as house:
        eraser = Eraser(store=house.store, folder=settings.exports, reports=settings.reports, backups=settings.backups)
        planned = eraser.preview(wish)
        for line in erasure_lines(planned):
            console.print(escape(line))
        if dry_run:
            console.print("Nothing was erased (--dry-run).")
            return
        _confirm(yes)
        done = eraser.erase(wish, by=COMMAND_LINE, backups=backups)
    console.print(f"Erased: {escape(_counted(done.found.counts))}, {len(done.files.holding)} files.")
    _tell(done.troubles)


def expire(settings: Settings, *, dry_run: bool, rewrite: bool) -> None:
    """What is older than the setting `retention_days` goes."""
    if not settings.retention_days:
        console.print("The setting retention_days is 0: everything is kept, and nothing was done.")
        return
    with open_house(settings) as house:
        retention = Retention(store=house.store, folder=settings.exports, days=settings.retention_days)
        expired = retention.preview() if dry_run else retention.run(by=COMMAND_LINE, rewrite=rewrite)
    for line in expired_lines(expired, days=settings.retention_days):
        console.print(escape(line))
    if dry_run:
        console.print("Nothing was erased (--dry-run).")
    for note in expired.left:
        console.print(escape(f"Note: {note}."))
    _tell(expired.troubles)


def erasure_lines(planned: Erasure) -> Iterator[str]:
    found = planned.found
    yield _counted(found.counts)
    yield from _examples("example of a review", found.examples)
    yield from _examples("imported example, stays without --also-imported", found.imported)
    yield from (f"stays, in the shop's own words: {name}" for name in found.kept)
    yield from (f"export, will be deleted: {file}" for file in planned.files.holding)
    yield from (f"export, cannot be read, look yourself: {file}" for file in planned.files.unreadable)
    yield from (f"export, not at its place any more, look for it: {file}" for file in planned.files.missing)
    yield from (f"backup, stays without --backups: {file}" for file in planned.backups)
    for folder, count in planned.elsewhere:
        yield f"backups elsewhere, not looked into: {count:,} written to {folder}; each from before now may hold it"
    yield from _versions(found.versions)


def expired_lines(expired: Expired, *, days: int) -> Iterator[str]:
    counts = {"conversations": expired.conversations, "messages": expired.messages, "examples": expired.examples}
    yield f"Older than {days} days: {_counted(counts | {'sessions of agents': expired.sessions})}"
    yield from (f"export: {file}" for file in expired.files)
    yield from _versions(expired.versions)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _examples(kind: str, examples: Sequence[FoundExample]) -> Iterator[str]:
    yield from (f"{kind}: {example.intent}: {example.text}" for example in examples)


def _versions(versions: Sequence[str]) -> Iterator[str]:
    if versions:
        yield f"model versions {', '.join(versions)}: {_RETRAIN}"


def _confirm(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ErasureRefused("nobody is there to ask; add --yes to erase without a question")
    typer.confirm("Erase this for good?", abort=True)


def _tell(troubles: Sequence[str]) -> None:
    """What is left to do goes to standard error, and the exit code says that there is something."""
    for trouble in troubles:
        typer.echo(f"chatbot: {trouble}", err=True)
    if troubles:
        raise typer.Exit(1)
