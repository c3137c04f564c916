"""The model versions: which serves, going back, trying one."""

from __future__ import annotations

from typing import Annotated

import typer

from chatbot import commands
from chatbot.cli.options import Home, JsonOutput, VersionName, Yes, settings_for

app = typer.Typer()
models = typer.Typer(help="The model versions: which serves, and going back.", no_args_is_help=True)
app.add_typer(models, name="models")


@models.command("list")
def models_list(json_output: JsonOutput = False, home: Home = None) -> None:
    """Show all versions, newest first: which is active, how good each is, and why one was refused."""
    with settings_for(home=home) as settings:
        commands.list_models(settings, as_json=json_output)


@models.command("show")
def models_show(name: VersionName, json_output: JsonOutput = False, home: Home = None) -> None:
    """Tell all that is known of a version, and where its report is."""
    with settings_for(home=home) as settings:
        commands.show_model(settings, name, as_json=json_output)


@models.command("diff")
def models_diff(
    before: Annotated[str, typer.Argument(metavar="A", help='A version, as for "show".')],
    after: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    json_output: JsonOutput = False,
    home: Home = None,
) -> None:
    """Compare two versions: figures, data, settings, thresholds, intents, libraries."""
    with settings_for(home=home) as settings:
        commands.diff_models(settings, before, after, as_json=json_output)


@models.command("promote")
def models_promote(name: VersionName, yes: Yes = False, home: Home = None) -> None:
    """Make a version the active one, in running servers too. Asks before it takes one that the gate refused."""
    with settings_for(home=home) as settings:
        commands.promote_model(settings, name, yes=yes)


@models.command("rollback")
def models_rollback(home: Home = None) -> None:
    """Go back to the version that was active before; once more goes further back."""
    with settings_for(home=home) as settings:
        commands.rollback_models(settings)


@models.command("pin")
def models_pin(name: VersionName, home: Home = None) -> None:
    """Keep a version from being pruned."""
    with settings_for(home=home) as settings:
        commands.pin_model(settings, name)


@models.command("unpin")
def models_unpin(name: VersionName, home: Home = None) -> None:
    """Let a version be pruned again."""
    with settings_for(home=home) as settings:
        commands.unpin_model(settings, name)


@models.command("prune")
def models_prune(
    keep: Annotated[
        int | None, typer.Option(min=0, help="How many that were active before to keep (default: keep_versions).")
    ] = None,
    erased: Annotated[
        bool, typer.Option("--erased", help="Also those that were trained on words that were erased since.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; delete nothing.")] = False,
    yes: Yes = False,
    home: Home = None,
) -> None:
    """Delete versions that nobody needs: never the active one, those that rollback may need, pinned ones."""
    with settings_for(home=home) as settings:
        commands.prune_models(settings, keep=keep, erased=erased, dry_run=dry_run, yes=yes)


@models.command("shadow")
def models_shadow(name: VersionName, home: Home = None) -> None:
    """Let a version answer silently beside the active one; what they disagree about comes first at the desk."""
    with settings_for(home=home) as settings:
        commands.start_shadow(settings, name)


@models.command("ab")
def models_ab(
    name: VersionName,
    share: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="Share of the new conversations that it answers.")
    ] = 0.1,
    home: Home = None,
) -> None:
    """Let a version answer a share of the conversations, until it is clearly worse or somebody stops it."""
    with settings_for(home=home) as settings:
        commands.start_ab(settings, name, share=share)


@models.command("experiment")
def models_experiment(json_output: JsonOutput = False, home: Home = None) -> None:
    """Show what became of the version that is tried beside the active one, or was tried last."""
    with settings_for(home=home) as settings:
        commands.show_experiment(settings, as_json=json_output)


@models.command("stop")
def models_stop(home: Home = None) -> None:
    """Stop trying a version: the active one answers everybody again."""
    with settings_for(home=home) as settings:
        commands.stop_experiment(settings)
