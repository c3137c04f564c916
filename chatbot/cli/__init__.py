"""The commands. Each is a few lines here; what it does stands in the module of `chatbot.commands` that it calls.

The command line is the one place of `chatbot` that may call `training`: it stands on top of both.
"""

from __future__ import annotations

import os

import typer

from chatbot.cli import keeping, knowing, learning, models, people, serving

app = typer.Typer(
    help="A customer-service chatbot that answers from approved answers and knows when it does not know.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Settings come from CHATBOT_... variables or chatbot.toml; docs/settings.md lists them.",
)
for part in (serving, learning, knowing, models, people, keeping):
    app.add_typer(part.app)


def main() -> None:
    """The console script."""
    os.umask(0o077)  # customers' words are in whatever is written, wherever that is
    app(prog_name="chatbot")
