"""Learning: train, retrain, watch, and what models were trained on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from chatbot import commands, jobs
from chatbot.cli.options import DAY, Home, settings_for
from chatbot.heard import heard_or_not

app = typer.Typer()
data = typer.Typer(help="What models were trained on.", no_args_is_help=True)
app.add_typer(data, name="data")


@app.command()
@heard_or_not()
def train(home: Home = None) -> None:
    """Train on all approved examples and make the result the active model."""
    with settings_for(home=home) as settings:
        commands.train(settings)


@app.command()
@heard_or_not()
def retrain(
    effort: Annotated[
        str, typer.Option(help="quick: heads alone; standard: the encoder too; thorough: also searches how.")
    ] = "standard",
    no_promote: Annotated[bool, typer.Option("--no-promote", help="Leave it to a lead to make it live.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; train nothing.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=[DAY], help="Only if examples came on this day (UTC) or later.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also where nothing changed since the last run.")] = False,
    tuning: Annotated[
        list[str] | None,
        typer.Option("--tuning", metavar="NAME=VALUE", help="A knob of fine-tuning, such as epochs=3; repeatable."),
    ] = None,
    minutes: Annotated[float, typer.Option(min=1, help="Time for the search of effort thorough.")] = 60.0,
    home: Home = None,
) -> None:
    """Train on what was approved, compare with the active model, and go live only if no worse.

    The exit code tells what came of it: 0 live, 3 kept the old one, 4 nothing new, 5 too little data, 6 another run is
    at work, 1 error.
    """
    with settings_for(home=home) as settings, jobs.noted(settings.home, "retrain", unless=dry_run) as run:
        code = commands.retrain(
            settings,
            effort=effort,
            promote=not no_promote,
            dry_run=dry_run,
            as_json=json_output,
            since=since.date() if since else None,
            force=force,
            tuning=tuning or [],
            search_minutes=minutes,
        )
        # While another run is at work, that one's outcome counts.
        run.ended(None if code is commands.Exit.LOCKED else code.name.lower())
    raise typer.Exit(code)


@app.command()
@heard_or_not()
def watch(
    every: Annotated[str, typer.Option(help="How often, such as 24h, 7d or 1h30m.")] = "24h",
    after_reviews: Annotated[
        int | None, typer.Option("--after-reviews", min=1, help="Also once so many reviews have taught something.")
    ] = None,
    effort: Annotated[str, typer.Option(help="As for retrain.")] = "standard",
    home: Home = None,
) -> None:
    """Retrain again and again until it is stopped; a run that fails stops nothing."""
    with settings_for(home=home) as settings:
        commands.watch(settings, every=every, after_reviews=after_reviews, effort=effort)


@data.command("list")
def data_list(home: Home = None) -> None:
    """Show what the training runs used, oldest first."""
    with settings_for(home=home) as settings:
        commands.list_data(settings)


@data.command("show")
def data_show(
    name: Annotated[str, typer.Argument(metavar="HASH", help="The data's hash, or how it begins.")],
    out: Annotated[Path | None, typer.Option(help="Write the JSONL to this file.")] = None,
    home: Home = None,
) -> None:
    """Reproduce what a training run used, as JSONL with the side of the split."""
    with settings_for(home=home) as settings:
        commands.show_data(settings, name, out=out)
