"""Who works at the desk, and who changed what."""

from __future__ import annotations

from typing import Annotated

import typer

from chatbot import commands
from chatbot.cli.options import AgentName, Home, NewRole, settings_for

app = typer.Typer()
agents = typer.Typer(help="Who may work at the review desk.", no_args_is_help=True)
app.add_typer(agents, name="agents")
audit = typer.Typer(help="Who changed what, in a log that shows it when somebody edits it.", no_args_is_help=True)
app.add_typer(audit, name="audit")


@agents.command("add")
def agents_add(name: AgentName, role: NewRole, home: Home = None) -> None:
    """Let somebody in. The password is asked for twice; from a pipe, the first line is it."""
    with settings_for(home=home) as settings:
        commands.add_agent(settings, name, role)


@agents.command("list")
def agents_list(home: Home = None) -> None:
    """Show all agents with their roles, also the disabled ones."""
    with settings_for(home=home) as settings:
        commands.list_agents(settings)


@agents.command("role")
def agents_role(name: AgentName, role: NewRole, home: Home = None) -> None:
    """Give an agent another role, from the next request on."""
    with settings_for(home=home) as settings:
        commands.change_role(settings, name, role)


@agents.command("password")
def agents_password(name: AgentName, home: Home = None) -> None:
    """Give an agent a new password and end all their sessions; for one who forgot it."""
    with settings_for(home=home) as settings:
        commands.change_password(settings, name)


@agents.command("disable")
def agents_disable(name: AgentName, home: Home = None) -> None:
    """Shut an agent out at once. What they reviewed stays, with their name."""
    with settings_for(home=home) as settings:
        commands.disable_agent(settings, name)


@agents.command("enable")
def agents_enable(name: AgentName, home: Home = None) -> None:
    """Let a disabled agent in again, with the password they had."""
    with settings_for(home=home) as settings:
        commands.enable_agent(settings, name)


@audit.command("verify")
def audit_verify(
    noted: Annotated[
        str | None, typer.Option("--noted", metavar="ROWS:HASH", help="An end of the log that was noted before.")
    ] = None,
    home: Home = None,
) -> None:
    """Look for rows that were changed or are missing."""
    with settings_for(home=home) as settings:
        commands.verify_audit(settings, noted=noted)


@audit.command("list")
def audit_list(
    who: Annotated[str | None, typer.Option(help="Only what this agent changed.")] = None,
    what: Annotated[str | None, typer.Option(help='Only such changes: "agent", or "agent.role".')] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows to show.")] = 50,
    home: Home = None,
) -> None:
    """Show who changed what, newest first."""
    with settings_for(home=home) as settings:
        commands.list_audit(settings, who=who, what=what, limit=limit)
