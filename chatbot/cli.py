"""The commands. Each is a few lines here; what it does stands in the module it calls.

The command line is the one place of `chatbot` that may call `training`: it stands on top of both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot import commands, jobs, logs
from chatbot.commands.terminal import plain
from chatbot.disk import is_full, refusal
from chatbot.errors import ChatbotError
from chatbot.heard import heard_or_not
from chatbot.leaving import clearing_up
from chatbot.settings import Settings, load_settings
from chatbot.types import Role

app = typer.Typer(
    help="A customer-service chatbot that answers from approved answers and knows when it does not know.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Settings come from CHATBOT_... variables or chatbot.toml; docs/settings.md lists them.",
)
database = typer.Typer(help="The database's schema.", no_args_is_help=True)
app.add_typer(database, name="db")
agents = typer.Typer(help="Who may work at the review desk.", no_args_is_help=True)
app.add_typer(agents, name="agents")
audit = typer.Typer(help="Who changed what, in a log that shows it when somebody edits it.", no_args_is_help=True)
app.add_typer(audit, name="audit")
retention = typer.Typer(help="How long customers' words are kept.", no_args_is_help=True)
app.add_typer(retention, name="retention")
models = typer.Typer(help="The model versions: which serves, and going back.", no_args_is_help=True)
app.add_typer(models, name="models")

data = typer.Typer(help="What models were trained on.", no_args_is_help=True)
app.add_typer(data, name="data")

DAY = "%Y-%m-%d"
Home = Annotated[Path | None, typer.Option(help="Folder of all state (default: ./var, or CHATBOT_HOME).")]
AgentName = Annotated[str, typer.Argument(metavar="NAME", help="The agent's name, in any capitals.")]
NewRole = Annotated[Role, typer.Option("--role", help="What the agent may do: agent, lead or admin.")]
VersionName = Annotated[
    str, typer.Argument(metavar="NAME", help='The version\'s name, how it begins, or "active" for the one that is.')
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Format = Annotated[
    str | None, typer.Option("--format", help="Name of the format when it cannot be told from the content.")
]


@app.command()
@heard_or_not()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default 7860; 0 takes a free one).")] = None,
    prepare: Annotated[
        Path | None,
        typer.Option(help="First load this folder if nothing was imported yet, and train if anything changed."),
    ] = None,
    home: Home = None,
) -> None:
    """Serve the chat page and the REST API until Ctrl-C."""
    with _settings(home=home, host=host, port=port) as settings:
        commands.serve(settings, prepare=prepare)


@app.command()
@heard_or_not()
def train(home: Home = None) -> None:
    """Train on all approved examples and make the result the active model."""
    with _settings(home=home) as settings:
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
    with _settings(home=home) as settings, jobs.noted(settings.home, "retrain", unless=dry_run) as run:
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
    with _settings(home=home) as settings:
        commands.watch(settings, every=every, after_reviews=after_reviews, effort=effort)


@data.command("list")
def data_list(home: Home = None) -> None:
    """Show what the training runs used, oldest first."""
    with _settings(home=home) as settings:
        commands.list_data(settings)


@data.command("show")
def data_show(
    name: Annotated[str, typer.Argument(metavar="HASH", help="The data's hash, or how it begins.")],
    out: Annotated[Path | None, typer.Option(help="Write the JSONL to this file.")] = None,
    home: Home = None,
) -> None:
    """Reproduce what a training run used, as JSONL with the side of the split."""
    with _settings(home=home) as settings:
        commands.show_data(settings, name, out=out)


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
    with _settings(home=home, language=language) as settings:
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
    with _settings(home=home) as settings:
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
    with _settings(home=home) as settings:
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
    with _settings(home=home) as settings, jobs.noted(settings.home, "retention", unless=dry_run):
        commands.expire(settings, dry_run=dry_run, rewrite=rewrite)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help='What a customer would type; "-" reads it from standard input.')],
    explain: Annotated[bool, typer.Option("--explain", help="Also say why.")] = False,
    home: Home = None,
) -> None:
    """Answer one question on the terminal; nothing is stored."""
    with _settings(home=home) as settings:
        commands.ask(settings, sys.stdin.read() if question == "-" else question, explain=explain)


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="Labelled questions: text, intent and, if known, template.")],
    format: Format = None,
    oos_label: Annotated[
        str | None, typer.Option("--oos-label", help="Label of out-of-scope questions, besides the usual ones.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write each prediction to this JSONL file.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Draw the confusion matrix and the risk-coverage curve into this folder.")
    ] = None,
    home: Home = None,
) -> None:
    """Measure the active model on labelled questions, through the same path that answers customers."""
    with _settings(home=home) as settings:
        commands.evaluate(
            settings, file, format=format, oos_label=oos_label, as_json=json_output, out=out, pictures=pictures
        )


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
    with _settings(home=home) as settings, jobs.noted(settings.home, "backup"):
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
    with _settings(home=home) as settings:
        commands.put_back(settings, file, check=check, replace=replace, as_json=json_output)


@database.command()
def upgrade(home: Home = None) -> None:
    """Bring the schema up to date, after a backup."""
    with _settings(home=home) as settings:
        commands.upgrade_database(settings)


@agents.command("add")
def agents_add(name: AgentName, role: NewRole, home: Home = None) -> None:
    """Let somebody in. The password is asked for twice; from a pipe, the first line is it."""
    with _settings(home=home) as settings:
        commands.add_agent(settings, name, role)


@agents.command("list")
def agents_list(home: Home = None) -> None:
    """Show all agents with their roles, also the disabled ones."""
    with _settings(home=home) as settings:
        commands.list_agents(settings)


@agents.command("role")
def agents_role(name: AgentName, role: NewRole, home: Home = None) -> None:
    """Give an agent another role, from the next request on."""
    with _settings(home=home) as settings:
        commands.change_role(settings, name, role)


@agents.command("password")
def agents_password(name: AgentName, home: Home = None) -> None:
    """Give an agent a new password and end all their sessions; for one who forgot it."""
    with _settings(home=home) as settings:
        commands.change_password(settings, name)


@agents.command("disable")
def agents_disable(name: AgentName, home: Home = None) -> None:
    """Shut an agent out at once. What they reviewed stays, with their name."""
    with _settings(home=home) as settings:
        commands.disable_agent(settings, name)


@agents.command("enable")
def agents_enable(name: AgentName, home: Home = None) -> None:
    """Let a disabled agent in again, with the password they had."""
    with _settings(home=home) as settings:
        commands.enable_agent(settings, name)


@audit.command("verify")
def audit_verify(
    noted: Annotated[
        str | None, typer.Option("--noted", metavar="ROWS:HASH", help="An end of the log that was noted before.")
    ] = None,
    home: Home = None,
) -> None:
    """Look for rows that were changed or are missing."""
    with _settings(home=home) as settings:
        commands.verify_audit(settings, noted=noted)


@audit.command("list")
def audit_list(
    who: Annotated[str | None, typer.Option(help="Only what this agent changed.")] = None,
    what: Annotated[str | None, typer.Option(help='Only such changes: "agent", or "agent.role".')] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows to show.")] = 50,
    home: Home = None,
) -> None:
    """Show who changed what, newest first."""
    with _settings(home=home) as settings:
        commands.list_audit(settings, who=who, what=what, limit=limit)


@models.command("list")
def models_list(json_output: JsonOutput = False, home: Home = None) -> None:
    """Show all versions, newest first: which is active, how good each is, and why one was refused."""
    with _settings(home=home) as settings:
        commands.list_models(settings, as_json=json_output)


@models.command("show")
def models_show(name: VersionName, json_output: JsonOutput = False, home: Home = None) -> None:
    """Tell all that is known of a version, and where its report is."""
    with _settings(home=home) as settings:
        commands.show_model(settings, name, as_json=json_output)


@models.command("diff")
def models_diff(
    before: Annotated[str, typer.Argument(metavar="A", help='A version, as for "show".')],
    after: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    json_output: JsonOutput = False,
    home: Home = None,
) -> None:
    """Compare two versions: figures, data, settings, thresholds, intents, libraries."""
    with _settings(home=home) as settings:
        commands.diff_models(settings, before, after, as_json=json_output)


@models.command("promote")
def models_promote(name: VersionName, yes: Yes = False, home: Home = None) -> None:
    """Make a version the active one, in running servers too. Asks before it takes one that the gate refused."""
    with _settings(home=home) as settings:
        commands.promote_model(settings, name, yes=yes)


@models.command("rollback")
def models_rollback(home: Home = None) -> None:
    """Go back to the version that was active before; once more goes further back."""
    with _settings(home=home) as settings:
        commands.rollback_models(settings)


@models.command("pin")
def models_pin(name: VersionName, home: Home = None) -> None:
    """Keep a version from being pruned."""
    with _settings(home=home) as settings:
        commands.pin_model(settings, name)


@models.command("unpin")
def models_unpin(name: VersionName, home: Home = None) -> None:
    """Let a version be pruned again."""
    with _settings(home=home) as settings:
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
    with _settings(home=home) as settings:
        commands.prune_models(settings, keep=keep, erased=erased, dry_run=dry_run, yes=yes)


@models.command("shadow")
def models_shadow(name: VersionName, home: Home = None) -> None:
    """Let a version answer silently beside the active one; what they disagree about comes first at the desk."""
    with _settings(home=home) as settings:
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
    with _settings(home=home) as settings:
        commands.start_ab(settings, name, share=share)


@models.command("experiment")
def models_experiment(json_output: JsonOutput = False, home: Home = None) -> None:
    """Show what became of the version that is tried beside the active one, or was tried last."""
    with _settings(home=home) as settings:
        commands.show_experiment(settings, as_json=json_output)


@models.command("stop")
def models_stop(home: Home = None) -> None:
    """Stop trying a version: the active one answers everybody again."""
    with _settings(home=home) as settings:
        commands.stop_experiment(settings)


@app.command()
def doctor(home: Home = None) -> None:
    """Check environment, database, model, index and disk, and say what to do about what is wrong."""
    with _settings(home=home) as settings:
        commands.doctor(settings)


def main() -> None:
    """The console script."""
    os.umask(0o077)  # customers' words are in whatever is written, wherever that is
    app(prog_name="chatbot")


@contextmanager
def _settings(**given: Any) -> Iterator[Settings]:
    """Settings with the command's own options on top; errors meant for people are one line and exit code 1."""
    home: Path | None = None
    try:
        settings = load_settings(**{name: value for name, value in given.items() if value is not None})
        home = settings.home
        logs.set_up(level=settings.log_level, form=settings.log_format)
        with clearing_up():
            yield settings
    except ChatbotError as error:
        typer.secho(f"chatbot: {plain(str(error))}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    except typer.Exit:
        raise
    except Exception as error:  # a folder that cannot be written, a full disk: nothing in the program to look for
        if not isinstance(error, OSError) and not is_full(error):
            raise
        typer.secho(f"chatbot: {plain(refusal(error, near=home) or _named(error))}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(130) from None


def _named(error: Exception) -> str:
    """What the system said, and of which file."""
    named = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    return f"{named}{error.strerror if isinstance(error, OSError) and error.strerror else error}"
