"""Agents and their sessions. Of a session's token only the SHA-256 is stored: a copy of the database opens no desk."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from chatbot.errors import AgentRefused, NotFound, StoreError
from chatbot.store import audit
from chatbot.store.engine import Database
from chatbot.store.tables import AgentRow, AgentSessionRow
from chatbot.types import Agent, Role

COMMAND_LINE = "(command line)"
"""Who made a change that no agent made. No agent can have this name."""
FIRST_AGENT = "chatbot agents add NAME --role admin"
"""What to do where nobody can sign in yet."""
LONGEST_NAME = 100
TOUCHED_EVERY = timedelta(minutes=1)
"""A session's last use is written at most so often: a desk at work asks several times a second."""
KEPT = timedelta(days=30)
"""For so long the rows of sessions that are over stay."""

_IN_NAMES = frozenset(" ._-@'")


@dataclass(frozen=True, slots=True)
class Agents:
    database: Database

    def add(self, name: str, *, role: Role, password_hash: str, by: str) -> Agent:
        """Raises AgentRefused for a name that is taken (in any capitals) or cannot be one."""
        name = _checked(name)
        with self.database.write() as session:
            audit.lock(session)  # so that of two who add the same name at once, one is refused
            if _named(session, name) is not None:
                raise AgentRefused(f'there is an agent "{name}" already; "chatbot agents list" shows all')
            row = AgentRow(name=name, role=role.value, password_hash=password_hash, created_at=datetime.now(UTC))
            session.add(row)
            session.flush()
            audit.append(session, who=by, what="agent.added", after=_state(row))
            return _agent(row)

    def all(self) -> tuple[Agent, ...]:
        """Also the disabled ones, by name."""
        with self.database.read() as session:
            rows = session.scalars(select(AgentRow).order_by(AgentRow.name))
            return tuple(_agent(row) for row in rows)

    def by_name(self, name: str) -> Agent | None:
        with self.database.read() as session:
            row = _named(session, name)
            return _agent(row) if row else None

    def get(self, agent_id: int) -> Agent:
        with self.database.read() as session:
            return _agent(_one(session, agent_id))

    def password_hash(self, name: str) -> str | None:
        """None for a name that nobody has."""
        with self.database.read() as session:
            row = _named(session, name)
            return row.password_hash if row else None

    def set_role(self, agent_id: int, role: Role, *, by: str) -> Agent:
        return self.change(agent_id, role=role, by=by)

    def set_password_hash(self, agent_id: int, password_hash: str, *, by: str) -> Agent:
        """Ends the agent's sessions: whoever knew the old password is out."""
        return self.change(agent_id, password_hash=password_hash, by=by)

    def disable(self, agent_id: int, *, by: str) -> Agent:
        return self.change(agent_id, disabled=True, by=by)

    def enable(self, agent_id: int, *, by: str) -> Agent:
        return self.change(agent_id, disabled=False, by=by)

    def change(
        self,
        agent_id: int,
        *,
        role: Role | None = None,
        disabled: bool | None = None,
        password_hash: str | None = None,
        by: str,
    ) -> Agent:
        """All that is given, or nothing. Raises AgentRefused where no enabled admin would be left."""
        now = datetime.now(UTC)
        with self.database.write() as session:
            audit.lock(session)  # so that two admins cannot disable each other at once
            row = _one(session, agent_id)
            before = _state(row)
            if role is not None:
                row.role = role.value
            if disabled is not None and disabled != (row.disabled_at is not None):
                row.disabled_at = now if disabled else None
            if password_hash is not None:
                row.password_hash = password_hash
            if row.disabled_at is not None or password_hash is not None:
                _end(session, now, AgentSessionRow.agent_id == agent_id)
            session.flush()
            _keep_an_admin(session, before)
            for what in _changes(before, _state(row), password_hash):
                audit.append(session, who=by, what=what, before=before, after=_state(row))
            return _agent(row)

    def rehash(self, agent_id: int, password_hash: str) -> None:
        """The same password, hashed with today's parameters: no change that anybody made, so the sessions go on."""
        with self.database.write() as session:
            session.execute(update(AgentRow).where(AgentRow.id == agent_id).values(password_hash=password_hash))

    def begin(self, agent_id: int, *, now: datetime | None = None) -> str:
        """Start a session and give its token: 256 random bits, new each time."""
        now = now or datetime.now(UTC)
        token = secrets.token_urlsafe(32)
        with self.database.write() as session:
            _one(session, agent_id)
            session.execute(
                delete(AgentSessionRow).where(
                    AgentSessionRow.agent_id == agent_id, AgentSessionRow.seen_at < now - KEPT
                )
            )
            session.add(AgentSessionRow(token_hash=_digest(token), agent_id=agent_id, created_at=now, seen_at=now))
        return token

    def agent_of(self, token: str, *, idle: timedelta, now: datetime | None = None) -> Agent | None:
        """Whose session this is; None where it was ended, was idle for too long, or its agent is disabled.

        A session that was idle is ended for good, whatever is set later.
        """
        now, digest = now or datetime.now(UTC), _digest(token)
        with self.database.read() as session:
            found = session.execute(
                select(AgentSessionRow, AgentRow)
                .join(AgentRow, AgentRow.id == AgentSessionRow.agent_id)
                .where(AgentSessionRow.token_hash == digest, AgentSessionRow.ended_at.is_(None))
            ).one_or_none()
            if found is None or found[1].disabled_at is not None:
                return None
            seen_at, agent = found[0].seen_at, _agent(found[1])
        if now - seen_at > idle:
            self.end(token, now=now)
            return None
        # Seen in the future: the clock was put back, and the idle time would begin only when it comes there again.
        if abs(now - seen_at) >= TOUCHED_EVERY:
            self._touch(digest, now)
        return agent

    def end(self, token: str, *, now: datetime | None = None) -> None:
        """Ending a session that is over, or none, does nothing."""
        with self.database.write() as session:
            _end(session, now or datetime.now(UTC), AgentSessionRow.token_hash == _digest(token))

    def end_all(self, agent_id: int, *, now: datetime | None = None) -> None:
        with self.database.write() as session:
            _end(session, now or datetime.now(UTC), AgentSessionRow.agent_id == agent_id)

    def _touch(self, digest: str, now: datetime) -> None:
        try:
            with self.database.write() as session:
                session.execute(
                    update(AgentSessionRow)
                    .where(AgentSessionRow.token_hash == digest, AgentSessionRow.ended_at.is_(None))
                    .values(seen_at=now)
                )
        except StoreError:
            return  # an import holds it, or its disk is full; nothing hangs on this, and the next request tries again


def plain(name: str) -> str:
    """The form in which names are compared: nobody can be "ada" beside "Ada".

    Cut off long after the longest name: putting thousands of accents in order takes the square of their number.
    """
    return " ".join(unicodedata.normalize("NFKC", name[: 10 * LONGEST_NAME]).split()).casefold()


def _checked(name: str) -> str:
    shortened = unicodedata.normalize("NFKC", name[: 10 * LONGEST_NAME])
    name = " ".join(part for part in shortened.strip().split(" ") if part)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise AgentRefused(f"a name has 1 to {LONGEST_NAME} characters")
    if not all(character.isalnum() or character in _IN_NAMES for character in name):
        raise AgentRefused("a name is made of letters, digits, spaces and . _ - @ '")
    return name


def _named(session: Session, name: str) -> AgentRow | None:
    """In Python, because no database folds all of Unicode, and a shop has some dozens of agents."""
    wanted = plain(name)
    return next((row for row in session.scalars(select(AgentRow)) if plain(row.name) == wanted), None)


def _one(session: Session, agent_id: int) -> AgentRow:
    row = session.get(AgentRow, agent_id)
    if row is None:
        raise NotFound("no such agent")
    return row


def _agent(row: AgentRow) -> Agent:
    return Agent(row.id, row.name, Role(row.role), row.created_at, row.disabled_at)


def _state(row: AgentRow) -> dict[str, object]:
    return {"agent": row.id, "name": row.name, "role": row.role, "disabled": row.disabled_at is not None}


def _changes(before: Mapping[str, object], after: Mapping[str, object], password_hash: str | None) -> Sequence[str]:
    """A name for each change, so that the log can be searched for it."""
    found = ["agent.role"] if before["role"] != after["role"] else []
    if before["disabled"] != after["disabled"]:
        found.append("agent.disabled" if after["disabled"] else "agent.enabled")
    return [*found, "agent.password"] if password_hash is not None else found


def _keep_an_admin(session: Session, before: Mapping[str, object]) -> None:
    if before["role"] != Role.ADMIN or before["disabled"]:
        return
    left = select(AgentRow.id).where(AgentRow.role == Role.ADMIN.value, AgentRow.disabled_at.is_(None)).limit(1)
    if session.scalar(left) is None:
        raise AgentRefused(
            f"{before['name']} is the last admin; make somebody else one first (chatbot agents role NAME --role admin)"
        )


def _end(session: Session, now: datetime, whose: ColumnElement[bool]) -> None:
    session.execute(update(AgentSessionRow).where(whose, AgentSessionRow.ended_at.is_(None)).values(ended_at=now))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
