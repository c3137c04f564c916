"""Answering: serve, ask, evaluate, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from chatbot import commands
from chatbot.cli.options import Format, Home, settings_for
from chatbot.heard import heard_or_not

app = typer.Typer()


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
    with settings_for(home=home, host=host, port=port) as settings:
        commands.serve(settings, prepare=prepare)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help='What a customer would type; "-" reads it from standard input.')],
    explain: Annotated[bool, typer.Option("--explain", help="Also say why.")] = False,
    home: Home = None,
) -> None:
    """Answer one question on the terminal; nothing is stored."""
    with settings_for(home=home) as settings:
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
    with settings_for(home=home) as settings:
        commands.evaluate(
            settings, file, format=format, oos_label=oos_label, as_json=json_output, out=out, pictures=pictures
        )


@app.command()
def doctor(home: Home = None) -> None:
    """Check environment, database, model, index and disk, and say what to do about what is wrong."""
    with settings_for(home=home) as settings:
        commands.doctor(settings)
