"""`python -m training retrain` and `python -m training watch`: the commands of that name, for schedulers."""

from __future__ import annotations

import typer

from chatbot import cli

app = typer.Typer(help="Training on a schedule.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.command()(cli.retrain)
app.command()(cli.watch)


def main() -> None:
    app(prog_name="python -m training")


if __name__ == "__main__":
    main()
