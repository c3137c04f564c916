"""agents and audit: who may work at the review desk, and who changed what."""

from __future__ import annotations

import sys

import typer

from chatbot.commands.terminal import console, escape
from chatbot.errors import AgentRefused, NotFound
from chatbot.passwords import Passwords, check_new
from chatbot.settings import Settings
from chatbot.store import Store, audit
from chatbot.store.agents import COMMAND_LINE, FIRST_AGENT
from chatbot.types import Agent, Role
from chatbot.wiring import open_house


def add_agent(settings: Settings, name: str, role: Role) -> None:
    with open_house(settings) as house:
        agents = house.store.agents
        if agents.by_name(name) is not None:  # before anybody has typed a password
            raise AgentRefused(f'there is an agent "{name}" already; "chatbot agents password" gives a new password')
        hashed = Passwords().hash(check_new(_password(), name=name))
        agent = agents.add(name, role=role, password_hash=hashed, by=COMMAND_LINE)
    console.print(f"{escape(agent.name)} can sign in at /desk, with the role {agent.role}.")


def list_agents(settings: Settings) -> None:
    with open_house(settings) as house:
        agents = house.store.agents.all()
    if not agents:
        console.print(f"There is no agent yet: {escape(FIRST_AGENT)}")
    for agent in agents:
        since = f"since {agent.created_at:%Y-%m-%d}"
        state = f"disabled on {agent.disabled_at:%Y-%m-%d}" if agent.disabled_at else since
        console.print(f"{agent.role:<6} {escape(agent.name):<30} {state}")


def change_role(settings: Settings, name: str, role: Role) -> None:
    with open_house(settings) as house:
        agent = house.store.agents.set_role(_named(house.store, name).id, role, by=COMMAND_LINE)
    console.print(f"{escape(agent.name)} has the role {agent.role} now.")


def change_password(settings: Settings, name: str) -> None:
    with open_house(settings) as house:
        agent = _named(house.store, name)
        hashed = Passwords().hash(check_new(_password(), name=agent.name))
        house.store.agents.set_password_hash(agent.id, hashed, by=COMMAND_LINE)
    console.print(f"{escape(agent.name)} has a new password and is signed out everywhere.")


def disable_agent(settings: Settings, name: str) -> None:
    with open_house(settings) as house:
        agent = house.store.agents.disable(_named(house.store, name).id, by=COMMAND_LINE)
    console.print(f"{escape(agent.name)} is disabled and signed out everywhere.")


def enable_agent(settings: Settings, name: str) -> None:
    with open_house(settings) as house:
        agent = house.store.agents.enable(_named(house.store, name).id, by=COMMAND_LINE)
    console.print(f"{escape(agent.name)} can sign in again.")


def list_audit(settings: Settings, *, who: str | None, what: str | None, limit: int) -> None:
    with open_house(settings) as house:
        total, entries = audit.read(house.store.database, who=who, what=what, limit=limit)
    for entry in entries:
        console.print(escape(_line(entry)))
    console.print(f"{len(entries):,} of {total:,} rows, newest first.")


def verify_audit(settings: Settings, *, noted: str | None) -> None:
    """Exit code 1 when a row was changed or is missing."""
    known = _noted(noted) if noted else None
    with open_house(settings) as house:
        chain = audit.verify(house.store.database, noted=known)
    if not chain.intact:
        console.print(f"[red]WRONG[/red] row {chain.broken_at} of the audit log {escape(chain.reason)}.")
        console.print(f"      Rows before it that are as they were written: {chain.rows:,}.")
        raise typer.Exit(1)
    console.print(f"The audit log is whole: {chain.rows:,} rows, none of them changed.")
    console.print(f"Note its end elsewhere, and compare later: chatbot audit verify --noted {chain.rows}:{chain.head}")


def hint_of_first_agent(store: Store) -> str | None:
    """What `chatbot serve` says as long as nobody can sign in."""
    return None if store.agents.all() else f"Nobody can sign in at /desk yet; add the first agent: {FIRST_AGENT}"


def _named(store: Store, name: str) -> Agent:
    agent = store.agents.by_name(name)
    if agent is None:
        raise NotFound(f'there is no agent "{name}"; "chatbot agents list" shows all')
    return agent


def _password() -> str:
    """Asked for twice and not shown; from a pipe, its first line. Never an argument: others can read those."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _noted(given: str) -> tuple[int, str]:
    number, _, head = given.partition(":")
    if not number.isdecimal() or len(head) != len(audit.START):
        raise AgentRefused(f'"{given}" is no end of an audit log; it looks like 12:37a88b..., as verify gives it')
    return int(number), head


def _line(entry: audit.Entry) -> str:
    """What is the same before and after is told once."""
    before, after = entry.before or {}, entry.after or {}
    told = [
        f"{key}: {before[key]} -> {after[key]}"
        if key in before and key in after and before[key] != after[key]
        else f"{key}: {after.get(key, before.get(key))}"
        for key in {**before, **after}
    ]
    return f"{entry.id:>6}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.who:<20} {entry.what:<20} {', '.join(told)}"
