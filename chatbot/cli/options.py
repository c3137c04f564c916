"""What several commands take, and how each of them begins and ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from chatbot import logs
from chatbot.commands.terminal import plain
from chatbot.disk import is_full, refusal
from chatbot.errors import ChatbotError
from chatbot.leaving import clearing_up
from chatbot.settings import Settings, load_settings
from chatbot.types import Role

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


@contextmanager
def settings_for(**given: Any) -> Iterator[Settings]:
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
