"""What is known, and what is forgotten: import, export, erase, retention."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from chatbot import commands, jobs
from chatbot.cli.options import DAY, Format, Home, settings_for

app = typer.Typer()
retention = typer.Typer(help="How long customers' words are kept.", no_args_is_help=True)
app.add_typer(retention, name="retention")


@app.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(help="Files or folders; docs/formats.md lists the formats.")],
    format: Format = None,
    language: Annotated[str | None, typer.Option(help="Language of texts that do not name their own.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave wrong rows out instead of stopping.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; write nothing.")] = False,
    source_url: Annotated[
        str | None, typer.Option("--source-url", help="Web address of the folder where the documents can be read.")
    ] = None,
    home: Home = None,
) -> None:
    """Add templates, examples, dialogues and documents; shows what changes, then writes all of it or nothing."""
    with settings_for(home=home, language=language) as settings:
        commands.import_files(settings, files, format=format, skip_bad=skip_bad, dry_run=dry_run, source_url=source_url)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="File to write: .jsonl for everything, .csv for the examples.")],
    reviews: Annotated[bool, typer.Option("--reviews", help="Write what agents decided instead.")] = False,
    conversations: Annotated[
        bool, typer.Option("--conversations", help="Write what customers asked, with the replies, instead.")
    ] = False,
    since: Annotated[datetime | None, typer.Option(formats=[DAY], help="From this day on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=[DAY], help="Up to and with this day.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Why it was in the review queue: thumbs_down, clarified ...")
    ] = None,
    intent: Annotated[str | None, typer.Option(help="Only this intent.")] = None,
    language: Annotated[str | None, typer.Option(help="Only this language.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only reviews of this agent.")] = None,
    verdict: Annotated[
        str | None, typer.Option(help="The agent's for reviews, the customer's for conversations.")
    ] = None,
    home: Home = None,
) -> None:
    """Write the knowledge to a file; importing the JSONL again changes nothing. Or reviews, or conversations."""
    days = {name: each.date() for name, each in (("since", since), ("until", until)) if each}
    words = {"source": source, "intent": intent, "language": language, "agent": agent, "verdict": verdict}
    filters = days | {name: value for name, value in words.items() if value is not None}
    with settings_for(home=home) as settings:
        commands.export(settings, target, reviews=reviews, conversations=conversations, filters=filters)


@app.command()
def erase(
    conversation: Annotated[str | None, typer.Option(metavar="ID", help="The conversation with this id.")] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="All of the visitor with this cookie, or this SHA-256 of it.")
    ] = None,
    matching: Annotated[
        str | None, typer.Option(metavar="TEXT", help='All in which a customer said this; "-" reads it.')
    ] = None,
    also_imported: Annotated[
        bool, typer.Option("--also-imported", help="Also examples from files that hold the words.")
    ] = False,
    backups: Annotated[
        bool, typer.Option("--backups", help="Also delete the database's backups that hold it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; erase nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
) -> None:
    """Erase conversations and all that was made of them: from the database, the index and the exports."""
    with settings_for(home=home) as settings:
        text = sys.stdin.readline().rstrip("\n") if matching == "-" else matching
        wish = commands.the_wish(conversation, customer, text, also_imported=also_imported)
        commands.erase(settings, wish, backups=backups, dry_run=dry_run, yes=yes)


@retention.command("run")
def retention_run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; erase nothing.")] = False,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="Write the database's file anew, also a large one: customers wait.")
    ] = False,
    home: Home = None,
) -> None:
    """Erase what is older than the setting retention_days says; for a scheduler, once a day."""
    with settings_for(home=home) as settings, jobs.noted(settings.home, "retention", unless=dry_run):
        commands.expire(settings, dry_run=dry_run, rewrite=rewrite)
