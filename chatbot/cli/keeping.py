"""Keeping it safe: backup, restore, the database's schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatbot import commands, jobs
from chatbot.cli.options import Home, JsonOutput, settings_for

app = typer.Typer()
database = typer.Typer(help="The database's schema.", no_args_is_help=True)
app.add_typer(database, name="db")


@app.command()
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A new file, or a folder for one named by the time (HOME/backups)."),
    ] = None,
    all_versions: Annotated[
        bool, typer.Option("--all-versions", help="Also model versions that going back does not need.")
    ] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Afterwards delete all but so many of the newest in that folder.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing unless something is wrong.")] = False,
    json_output: JsonOutput = False,
    home: Home = None,
) -> None:
    """Write the database, the model versions that matter and the settings to one checked file, while servers run."""
    with settings_for(home=home) as settings, jobs.noted(settings.home, "backup"):
        commands.back_up(settings, file, all_versions=all_versions, keep=keep, quiet=quiet, as_json=json_output)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What backup wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move what is in the home folder aside, into a folder in it.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Read all of the file and change nothing.")] = False,
    json_output: JsonOutput = False,
    home: Home = None,
) -> None:
    """Put a backup back into an empty home folder while no server runs on it."""
    with settings_for(home=home) as settings:
        commands.put_back(settings, file, check=check, replace=replace, as_json=json_output)


@database.command()
def upgrade(home: Home = None) -> None:
    """Bring the schema up to date, after a backup."""
    with settings_for(home=home) as settings:
        commands.upgrade_database(settings)
