"""`python -m training retrain` and `python -m training watch`: the commands of that name, for schedulers."""

from __future__ import annotations

import typer

from chatbot.cli import learning

app = typer.Typer(help="Training on a schedule.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.command()(learning.retrain)
app.command()(learning.watch)


def main() -> None:
    app(prog_name="python -m training")


if __name__ == "__main__":
    main()
