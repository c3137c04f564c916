"""The commands. Each is a few lines here; what it does stands in the module it calls.

The command line is the one place of `chatbot` that may call `training`: it stands on top of both.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot import commands
from chatbot.errors import ChatbotError
from chatbot.settings import Settings, load_settings

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

Home = Annotated[Path | None, typer.Option(help="Folder of all state (default: ./var, or CHATBOT_HOME).")]
Format = Annotated[
    str | None, typer.Option("--format", help="Name of the format when it cannot be told from the content.")
]


@app.command()
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
def train(home: Home = None) -> None:
    """Train on all approved examples and make the result the active model."""
    with _settings(home=home) as settings:
        commands.train(settings)


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
    home: Home = None,
) -> None:
    """Write the knowledge to a file; importing the JSONL again changes nothing."""
    with _settings(home=home) as settings:
        commands.export(settings, target)


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


@database.command()
def upgrade(home: Home = None) -> None:
    """Bring the schema up to date, after a backup."""
    with _settings(home=home) as settings:
        commands.upgrade_database(settings)


@app.command()
def doctor(home: Home = None) -> None:
    """Check environment, database, model, index and disk, and say what to do about what is wrong."""
    with _settings(home=home) as settings:
        commands.doctor(settings)


def main() -> None:
    """The console script."""
    app(prog_name="chatbot")


@contextmanager
def _settings(**given: Any) -> Iterator[Settings]:
    """Settings with the command's own options on top; errors meant for people are one line and exit code 1."""
    try:
        settings = load_settings(**{name: value for name, value in given.items() if value is not None})
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        for name in ("chatbot", "training"):  # libraries only speak up when something is wrong
            logging.getLogger(name).setLevel(settings.log_level)
        yield settings
    except ChatbotError as error:
        typer.secho(f"chatbot: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    except OSError as error:  # a folder that cannot be written, a full disk: nothing in the program to look for
        named = f"{error.filename}: " if error.filename else ""
        typer.secho(f"chatbot: {named}{error.strerror or error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(130) from None
